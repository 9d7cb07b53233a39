#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "series/dat.h"

/* Lines are a few dozen bytes long but for a command, which is cut. */
enum { LONGEST_LINE = 64 << 10, MIB = 1 << 20 };
static const double highest_mib = 0x1p40, highest_time_s = 1e11;

struct reader {
    struct barrow_dat *dat;
    const char *name;
    uint64_t line;
    struct barrow_error *err;
};

static int no_memory(const struct reader *r)
{
    return barrow_fail(r->err, BARROW_E_NO_MEMORY, "%.300s: out of memory", r->name);
}

static int bad_line(const struct reader *r, const char *wanted)
{
    return barrow_fail(r->err, BARROW_E_FORMAT,
                       "%.300s:%llu: no line of an mprof file: expected %s", r->name,
                       (unsigned long long)r->line, wanted);
}

/* ---- words and numbers ---- */

static void skip_spaces(const char **text)
{
    while (**text == ' ')
        (*text)++;
}

/* A number in plain digits with at most 18 of them, which is how they are written; strtod for
 * others. A word must end behind it. */
static bool take_number(const char **text, double *number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    uint64_t digits = 0;
    int count = 0, after_point = 0;
    bool point = false;

    skip_spaces(text);
    const char *at = *text;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        digits = digits * 10 + (uint64_t)(*at - '0');
        after_point += point;
        if (++count > 18)
            break;
    }
    if (count && (*at == ' ' || *at == '\0')) {
        *number = (double)digits / powers[after_point];
        *text = at;
        return true;
    }
    char *end;
    *number = strtod(*text, &end);
    bool is_word = end != *text && (*end == ' ' || *end == '\0');
    *text = end;
    return is_word && isfinite(*number);
}

/* "MIB TIME" */
static bool take_reading(const char **text, struct barrow_reading *reading)
{
    double mib, time_s;

    if (!take_number(text, &mib) || !take_number(text, &time_s))
        return false;
    if (!(mib >= 0 && mib <= highest_mib && time_s >= 0 && time_s <= highest_time_s))
        return false;
    *reading = (struct barrow_reading){time_s, (uint64_t)(mib * MIB + 0.5)};
    return true;
}

static bool take_count(const char **text, double highest, double *count)
{
    return take_number(text, count) && *count >= 0 && *count <= highest && *count == floor(*count);
}

/* ---- lines ---- */

static int add_reading(const struct reader *r, struct barrow_curve *curve,
                       struct barrow_reading reading)
{
    struct barrow_reading *place = barrow_array_add(&curve->readings);

    if (!place)
        return no_memory(r);
    *place = reading;
    return 0;
}

static int take_mem(const struct reader *r, const char *text)
{
    struct barrow_reading reading;

    if (!take_reading(&text, &reading))
        return bad_line(r, "MEM, MiB and a time");
    return add_reading(r, &r->dat->self, reading);
}

#define SAME_CHILD(dat, number, key) ((dat)->children.items[(number)-1].pid == (key))
BARROW_MAP_FIND(find_child, const struct barrow_dat *, uint64_t, SAME_CHILD)

static int take_chld(const struct reader *r, const char *text)
{
    struct barrow_dat *dat = r->dat;
    struct barrow_reading reading;
    double pid;

    if (!take_count(&text, 0x1p53, &pid) || !take_reading(&text, &reading))
        return bad_line(r, "CHLD, a number, MiB and a time");
    if (!barrow_map_reserve(&dat->child_map, 1))
        return no_memory(r);
    uint32_t hash = barrow_hash_1((uint64_t)pid);
    uint32_t *number = find_child(&dat->child_map, dat, (uint64_t)pid, hash);
    if (!*number) {
        struct barrow_curve *curve = barrow_array_add(&dat->children);
        if (!curve)
            return no_memory(r);
        curve->pid = (uint64_t)pid;
        barrow_map_fill(&dat->child_map, number, hash, (uint32_t)dat->children.count);
    }
    return add_reading(r, &dat->children.items[*number - 1], reading);
}

#define SAME_NAME(dat, number, key) (strcmp((dat)->names.items[(number)-1], key) == 0)
BARROW_MAP_FIND(find_name, const struct barrow_dat *, const char *, SAME_NAME)

/* The index of a name, which is added if it is new; -1: no memory. */
static int64_t index_of_name(struct barrow_dat *dat, const char *name)
{
    uint32_t hash = barrow_hash_bytes(name, strlen(name));

    if (!barrow_map_reserve(&dat->name_map, 1))
        return -1;
    uint32_t *number = find_name(&dat->name_map, dat, name, hash);
    if (!*number) {
        char *copy = strdup(name), **place = copy ? barrow_array_add(&dat->names) : NULL;
        if (!place) {
            free(copy);
            return -1;
        }
        *place = copy;
        barrow_map_fill(&dat->name_map, number, hash, (uint32_t)dat->names.count);
    }
    return *number - 1;
}

static int take_func(const struct reader *r, char *text)
{
    struct barrow_call call = {0};
    double level = 0;
    char *end = strchr(text, ' ');
    const char *rest = end ? end + 1 : "";

    if (!end || end == text || !take_reading(&rest, &call.enter) ||
        !take_reading(&rest, &call.leave) || (*rest && !take_count(&rest, UINT32_MAX, &level)))
        return bad_line(r, "FUNC, a name, and MiB and a time at entry and at exit");
    *end = '\0';
    int64_t name = index_of_name(r->dat, text);
    struct barrow_call *place = name < 0 ? NULL : barrow_array_add(&r->dat->calls);
    if (!place)
        return no_memory(r);
    call.name = (uint32_t)name;
    call.level = (uint32_t)level;
    *place = call;
    return 0;
}

static int take_cmdline(const struct reader *r, const char *text)
{
    free(r->dat->command);
    r->dat->command = strdup(text);
    return r->dat->command ? 0 : no_memory(r);
}

static int take_metric(const struct reader *r, const char *text)
{
    for (int i = 0; barrow_measure_names[i]; i++)
        if (strcmp(barrow_measure_names[i], text) == 0) {
            r->dat->measure = (enum barrow_measure)i;
            return 0;
        }
    return bad_line(r, "METRIC and rss, pss or uss");
}

static int take_peak(const struct reader *r, const char *text)
{
    double mib;

    if (!take_number(&text, &mib) || !(mib >= 0 && mib <= highest_mib))
        return bad_line(r, "PEAK and MiB");
    r->dat->peak_bytes = (uint64_t)(mib * MIB + 0.5);
    return 0;
}

/* A word that begins a line of such a file, known or not: capital letters. */
static bool is_keyword(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    return length > 0;
}

static int take_line(const struct reader *r, char *line)
{
    size_t length = strcspn(line, " ");
    char *rest = line + length + (line[length] == ' ');

    if (length == 3 && memcmp(line, "MEM", 3) == 0)
        return take_mem(r, rest);
    if (length == 4 && memcmp(line, "CHLD", 4) == 0)
        return take_chld(r, rest);
    if (length == 4 && memcmp(line, "FUNC", 4) == 0)
        return take_func(r, rest);
    if (length == 7 && memcmp(line, "CMDLINE", 7) == 0)
        return take_cmdline(r, rest);
    if (length == 6 && memcmp(line, "METRIC", 6) == 0)
        return take_metric(r, rest);
    if (length == 4 && memcmp(line, "PEAK", 4) == 0)
        return take_peak(r, rest);
    return *line == '\0' || is_keyword(line, length) ? 0
                                                     : bad_line(r, "MEM, CHLD, FUNC or CMDLINE");
}

/* ---- the file ---- */

static int take_lines(struct reader *r, FILE *from)
{
    char *line = malloc(LONGEST_LINE);
    int rc = line ? 0 : no_memory(r);

    while (rc == 0 && fgets(line, LONGEST_LINE, from)) {
        size_t length = strlen(line); /* up to a NUL, which no line holds */
        r->line++;
        if (length == 0 || line[length - 1] != '\n') {
            if (length > 0 && feof(from))
                break; /* the writer was killed, or has not finished */
            rc = bad_line(r, "text in short lines");
            break;
        }
        length--;
        if (length && line[length - 1] == '\r')
            length--;
        line[length] = '\0';
        rc = take_line(r, line);
    }
    if (rc == 0 && ferror(from))
        rc = barrow_fail(r->err, BARROW_E_IO, "can't read %.300s: %s", r->name, strerror(errno));
    free(line);
    return rc;
}

int barrow_dat_read(struct barrow_dat *dat, FILE *from, const char *name, struct barrow_error *err)
{
    struct reader reader = {.dat = dat, .name = name, .err = err};

    *dat = (struct barrow_dat){0};
    int rc = take_lines(&reader, from);
    bool is_empty = !dat->self.readings.count && !dat->peak_bytes && !dat->command;
    if (rc == 0 && is_empty)
        rc = barrow_fail(err, BARROW_E_FORMAT, "%.300s is empty, or no file of barrow mem or mprof",
                         name);
    if (rc < 0)
        barrow_dat_free(dat);
    return rc;
}

int barrow_dat_load(struct barrow_dat *dat, const char *path, struct barrow_error *err)
{
    struct stat info;
    FILE *from = fopen(path, "re");

    if (!from)
        return barrow_fail(err, BARROW_E_IO, "can't read %.300s: %s", path, strerror(errno));
    int rc = 0;
    if (fstat(fileno(from), &info) < 0 || !(S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode)))
        rc = barrow_fail(err, BARROW_E_IO, "can't read %.300s: it is no plain file", path);
    if (rc == 0)
        rc = barrow_dat_read(dat, from, path, err);
    fclose(from);
    return rc;
}

void barrow_dat_free(struct barrow_dat *dat)
{
    for (size_t i = 0; i < dat->children.count; i++)
        free(dat->children.items[i].readings.items);
    for (size_t i = 0; i < dat->names.count; i++)
        free(dat->names.items[i]);
    free(dat->children.items);
    free(dat->names.items);
    free(dat->calls.items);
    free(dat->self.readings.items);
    free(dat->command);
    barrow_map_free(&dat->child_map);
    barrow_map_free(&dat->name_map);
    *dat = (struct barrow_dat){0};
}

/* ---- facts ---- */

uint64_t barrow_dat_peak(const struct barrow_dat *dat, bool *is_exact)
{
    uint64_t peak = dat->peak_bytes;

    for (size_t i = 0; i < dat->self.readings.count; i++)
        if (dat->self.readings.items[i].bytes > peak)
            peak = dat->self.readings.items[i].bytes;
    if (is_exact)
        *is_exact = dat->peak_bytes > 0 && peak == dat->peak_bytes;
    return peak;
}

static void widen(const struct barrow_curve *curve, double *first_s, double *last_s)
{
    for (size_t i = 0; i < curve->readings.count; i++) {
        *first_s = fmin(*first_s, curve->readings.items[i].time_s);
        *last_s = fmax(*last_s, curve->readings.items[i].time_s);
    }
}

void barrow_dat_times(const struct barrow_dat *dat, double *first_s, double *last_s)
{
    *first_s = INFINITY;
    *last_s = -INFINITY;
    widen(&dat->self, first_s, last_s);
    for (size_t i = 0; i < dat->children.count; i++)
        widen(&dat->children.items[i], first_s, last_s);
    for (size_t i = 0; i < dat->calls.count; i++) {
        *first_s = fmin(*first_s, dat->calls.items[i].enter.time_s);
        *last_s = fmax(*last_s, dat->calls.items[i].leave.time_s);
    }
}
