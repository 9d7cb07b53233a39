#include "export/report_sources.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

enum { MOST_TRIED = 20000 };

/* ---- which files: by what was allocated in them or below them ---- */

struct owner {
    const char *file;
    uint64_t peak,
        total; /* only to sort by: a file that calls itself through others counts twice */
};

struct owners {
    BARROW_ARRAY(struct owner) list; /* [0] is unused */
    struct barrow_map by_file;
};

#define SAME_FILE(list, i, key) ((list)[i].file == (key))
BARROW_MAP_FIND(find_owner, const struct owner *, const char *, SAME_FILE)

static struct owner *owner_of(struct owners *owners, const char *file)
{
    uint32_t hash = barrow_hash_1((uintptr_t)file);

    if ((!owners->list.count && !barrow_array_add(&owners->list)) ||
        !barrow_map_reserve(&owners->by_file, 1))
        return NULL;
    uint32_t *number = find_owner(&owners->by_file, owners->list.items, file, hash);
    if (*number)
        return &owners->list.items[*number];
    struct owner *owner = barrow_array_add(&owners->list);
    if (!owner)
        return NULL;
    owner->file = file;
    barrow_map_fill(&owners->by_file, number, hash, (uint32_t)owners->list.count - 1);
    return owner;
}

static const char *file_of(const struct barrow_profile *p, uint32_t node)
{
    return p->nodes[node].is_thread ? "" : p->frames[p->nodes[node].frame].file;
}

/* Adds each node's sum to its caller and to its file, unless the caller is of the same file and
 * will bring it. */
static bool add_nodes(struct owners *owners, const struct barrow_profile *p, struct owner *sums)
{
    for (size_t n = p->node_count; n-- > 1;) {
        uint32_t parent = p->nodes[n].parent;
        const char *file = file_of(p, (uint32_t)n);
        sums[parent].peak += sums[n].peak;
        sums[parent].total += sums[n].total;
        if (!*file || sums[n].total == 0 || file == file_of(p, parent))
            continue;
        struct owner *owner = owner_of(owners, file);
        if (!owner)
            return false;
        owner->peak += sums[n].peak;
        owner->total += sums[n].total;
    }
    return true;
}

static int compare_owners(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;

    if (x->peak != y->peak)
        return x->peak < y->peak ? 1 : -1;
    if (x->total != y->total)
        return x->total < y->total ? 1 : -1;
    return strcmp(x->file, y->file);
}

static bool find_owners(struct owners *owners, const struct barrow_profile *p)
{
    struct owner *sums = calloc(p->node_count + 1, sizeof *sums);

    for (size_t i = 0; sums && i < p->sites_count; i++) {
        sums[p->sites[i].node].peak += p->sites[i].value[BARROW_METRIC_PEAK].bytes;
        sums[p->sites[i].node].total += p->sites[i].value[BARROW_METRIC_TOTAL].bytes;
    }
    bool fine = sums && add_nodes(owners, p, sums);
    free(sums);
    if (fine && owners->list.count > 2)
        qsort(owners->list.items + 1, owners->list.count - 1, sizeof(struct owner), compare_owners);
    return fine;
}

/* ---- reading ---- */

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);

    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static bool is_python_name(const char *file)
{
    static const char *const endings[] = {".py", ".pyw", ".pyx", ".pxd", ".pxi", ".pyi"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(file, endings[i]))
            return true;
    return false;
}

/* "#!/usr/bin/env python3" */
static bool is_python_script(const char *text)
{
    const char *line_end = strchrnul(text, '\n'), *word = strstr(text, "python");

    return strncmp(text, "#!", 2) == 0 && word && word < line_end;
}

static bool read_all(int fd, char *text, size_t bytes)
{
    while (bytes) {
        ssize_t got = read(fd, text, bytes);
        if (got <= 0)
            return false;
        text += got;
        bytes -= (size_t)got;
    }
    return true;
}

struct reading {
    struct barrow_report_sources *sources;
    size_t bytes_left;          /* of BARROW_SOURCES_BYTES */
    uint64_t recorded_until_ns; /* CLOCK_REALTIME */
};

/* False: no memory. */
static bool keep(struct reading *r, const char *file, int fd, size_t bytes)
{
    struct barrow_report_sources *s = r->sources;
    char *text = calloc(1, bytes + 1);

    if (!text)
        return false;
    if (!read_all(fd, text, bytes) || (!is_python_name(file) && !is_python_script(text))) {
        free(text);
        return true;
    }
    struct barrow_report_source *source = barrow_array_add(&s->list);
    if (!source) {
        free(text);
        return false;
    }
    *source = (struct barrow_report_source){file, text, bytes};
    r->bytes_left -= bytes;
    return true;
}

static bool try_file(struct reading *r, const char *file)
{
    struct stat info;
    struct barrow_report_sources *s = r->sources;
    /* Don't wait for a pipe that the name may be of. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool fine = true;

    if (fd < 0)
        return true;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        uint64_t changed_ns =
            (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec;
        size_t bytes = (size_t)info.st_size;
        if (changed_ns > r->recorded_until_ns)
            s->changed += is_python_name(file);
        else if (bytes > BARROW_SOURCE_BYTES || bytes > r->bytes_left ||
                 s->list.count == BARROW_SOURCES_COUNT)
            s->too_large += is_python_name(file);
        else
            fine = keep(r, file, fd, bytes);
    }
    close(fd);
    return fine;
}

int barrow_report_sources_read(struct barrow_report_sources *sources,
                               const struct barrow_profile *p, struct barrow_error *err)
{
    struct owners owners = {0};
    struct reading reading = {
        .sources = sources,
        .bytes_left = BARROW_SOURCES_BYTES,
        .recorded_until_ns = p->start_realtime_ns + p->duration_ns,
    };

    *sources = (struct barrow_report_sources){0};
    bool fine = find_owners(&owners, p);
    for (size_t i = 1; fine && i < owners.list.count && i <= MOST_TRIED; i++)
        fine = try_file(&reading, owners.list.items[i].file);
    barrow_map_free(&owners.by_file);
    free(owners.list.items);
    return fine ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

void barrow_report_sources_free(struct barrow_report_sources *sources)
{
    for (size_t i = 0; i < sources->list.count; i++)
        free(sources->list.items[i].text);
    free(sources->list.items);
    *sources = (struct barrow_report_sources){0};
}
