/* Profiles out of files: which ledgers, of one run, in which order. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "profile/build.h"

int barrow_profile_load_bytes(struct barrow_profile **out, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err)
{
    struct profile_build build;
    struct barrow_ledger *ledger;
    *out = NULL;
    if (barrow_ledger_open_bytes(&ledger, bytes, count, name, err) < 0)
        return -1;
    int result = profile_build_begin(&build, err);
    if (result < 0)
        barrow_ledger_free(ledger);
    else
        result = profile_build_add(&build, ledger) ? profile_build_finish(&build, err)
                                                   : profile_no_memory(err);
    profile_build_end(&build, out, result);
    return result;
}

struct input {
    char *path;
    dev_t device;
    ino_t inode;
    struct ledger_header *header;
};

struct inputs {
    BARROW_ARRAY(struct input) list;
    struct barrow_error first_failure; /* of a file that is no usable ledger */
};

static void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->list.count; i++) {
        free(inputs->list.items[i].path);
        free(inputs->list.items[i].header);
    }
    free(inputs->list.items);
}

/* Adds one file, once.  A file that can't be used is noted, and left out as long as others can. */
static int add_file(struct profile_build *build, struct inputs *inputs, const char *path,
                    const struct stat *status, struct barrow_error *err)
{
    struct barrow_error why;
    struct ledger_header header;
    for (size_t i = 0; i < inputs->list.count; i++)
        if (inputs->list.items[i].device == status->st_dev &&
            inputs->list.items[i].inode == status->st_ino)
            return 0;
    if (barrow_ledger_read_header(&header, path, &why) < 0) {
        if (inputs->first_failure.code == BARROW_E_OK)
            inputs->first_failure = why;
        barrow_notes_add(&build->warnings, "%s", why.text);
        return 0;
    }
    struct input *input = barrow_array_add(&inputs->list);
    if (!input)
        return profile_no_memory(err);
    input->device = status->st_dev;
    input->inode = status->st_ino;
    input->path = strdup(path);
    input->header = malloc(sizeof header);
    if (!input->path || !input->header)
        return profile_no_memory(err);
    *input->header = header;
    return 0;
}

static int is_ledger_name(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 7 && strcmp(entry->d_name + length - 7, ".barrow") == 0;
}

static int add_directory(struct profile_build *build, struct inputs *inputs, const char *path,
                         struct barrow_error *err)
{
    struct dirent **entries = NULL;
    int result = 0, count = scandir(path, &entries, is_ledger_name, alphasort);
    if (count < 0)
        return barrow_fail(err, BARROW_E_IO, "%.300s: %s", path, strerror(errno));
    if (count == 0)
        result = barrow_fail(err, BARROW_E_IO, "%.300s: no *.barrow files in this directory", path);
    for (int i = 0; i < count; i++) {
        struct stat status;
        char *full = NULL;
        if (result == 0 && asprintf(&full, "%s/%s", path, entries[i]->d_name) < 0)
            result = profile_no_memory(err);
        else if (result == 0 && stat(full, &status) == 0 && S_ISREG(status.st_mode))
            result = add_file(build, inputs, full, &status, err);
        free(full);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int add_path(struct profile_build *build, struct inputs *inputs, const char *path,
                    struct barrow_error *err)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return barrow_fail(err, BARROW_E_IO, "%.300s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return add_directory(build, inputs, path, err);
    return add_file(build, inputs, path, &status, err);
}

static int check_run(const struct inputs *inputs, struct barrow_error *err)
{
    const struct input *first = &inputs->list.items[0];
    for (size_t i = 1; i < inputs->list.count; i++) {
        const struct input *input = &inputs->list.items[i];
        if (memcmp(input->header->run_id, first->header->run_id, sizeof first->header->run_id) != 0)
            return barrow_fail(err, BARROW_E_USAGE,
                               "%.180s belongs to another run than %.180s: "
                               "only ledgers of one run can be shown together",
                               input->path, first->path);
    }
    return 0;
}

/* The root first: names and times are as it sees them. */
static int compare_inputs(const void *left, const void *right)
{
    const struct ledger_header *a = ((const struct input *)left)->header;
    const struct ledger_header *b = ((const struct input *)right)->header;
    if ((a->is_root == 1) != (b->is_root == 1))
        return a->is_root == 1 ? -1 : 1;
    if (a->start_monotonic_ns != b->start_monotonic_ns)
        return a->start_monotonic_ns < b->start_monotonic_ns ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static int load_inputs(struct profile_build *build, struct inputs *inputs, struct barrow_error *err)
{
    if (inputs->list.count == 0)
        return barrow_fail(err, inputs->first_failure.code, "%s", inputs->first_failure.text);
    if (check_run(inputs, err) < 0)
        return -1;
    qsort(inputs->list.items, inputs->list.count, sizeof *inputs->list.items, compare_inputs);
    for (size_t i = 0; i < inputs->list.count; i++) {
        struct barrow_ledger *ledger;
        struct barrow_error why;
        if (barrow_ledger_open(&ledger, inputs->list.items[i].path, &why) < 0) {
            inputs->first_failure = why; /* replaced or cut off since its header was read */
            barrow_notes_add(&build->warnings, "%s", why.text);
            continue;
        }
        if (!profile_build_add(build, ledger))
            return profile_no_memory(err);
    }
    if (build->internal->members.count == 0)
        return barrow_fail(err, inputs->first_failure.code, "%s", inputs->first_failure.text);
    return profile_build_finish(build, err);
}

int barrow_profile_load(struct barrow_profile **out, const char *const *paths, size_t count,
                        struct barrow_error *err)
{
    struct profile_build build;
    struct inputs inputs = {0};
    *out = NULL;
    int result = count ? profile_build_begin(&build, err)
                       : barrow_fail(err, BARROW_E_USAGE, "no ledger given");
    if (count == 0)
        return result;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_path(&build, &inputs, paths[i], err);
    if (result == 0)
        result = load_inputs(&build, &inputs, err);
    inputs_free(&inputs);
    profile_build_end(&build, out, result);
    return result;
}
