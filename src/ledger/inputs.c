#include "ledger/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/read_source.h"

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the list of ledgers");
}

static void input_free(struct barrow_input *input)
{
    free(input->path);
    free(input->header);
}

void barrow_inputs_free(struct barrow_inputs *inputs)
{
    for (size_t i = 0; i < inputs->list.count; i++)
        input_free(&inputs->list.items[i]);
    free(inputs->list.items);
    for (size_t i = 0; i < inputs->bundles.count; i++)
        barrow_bundle_free(inputs->bundles.items[i]);
    free(inputs->bundles.items);
    barrow_notes_free(&inputs->warnings);
}

/* ---- adding ---- */

static void leave_out(struct barrow_inputs *inputs, const struct barrow_error *why)
{
    if (inputs->first_failure.code == BARROW_E_OK)
        inputs->first_failure = *why;
    barrow_notes_add(&inputs->warnings, "%s", why->text);
}

static bool is_same_process(const struct ledger_header *a, const struct ledger_header *b)
{
    return memcmp(a->run_id, b->run_id, sizeof a->run_id) == 0 && a->pid == b->pid &&
           a->start_monotonic_ns == b->start_monotonic_ns && a->is_root == b->is_root;
}

/* Takes the input, its path and header. */
static int add(struct barrow_inputs *inputs, struct barrow_input *input, struct barrow_error *err)
{
    for (size_t i = 0; input->header && i < inputs->list.count; i++) {
        struct barrow_input *other = &inputs->list.items[i];
        if ((!input->bundle && !other->bundle) || !is_same_process(input->header, other->header))
            continue;
        bool replace = other->bundle && !input->bundle;
        input_free(replace ? other : input);
        if (replace)
            *other = *input;
        return 0;
    }
    struct barrow_input *added =
        input->path && input->header ? barrow_array_add(&inputs->list) : NULL;
    if (!added) {
        input_free(input);
        return no_memory(err);
    }
    *added = *input;
    return 0;
}

static struct ledger_header *copy_header(const struct ledger_header *header)
{
    struct ledger_header *copy = malloc(sizeof *copy);
    if (copy)
        *copy = *header;
    return copy;
}

static int add_bundle(struct barrow_inputs *inputs, struct barrow_bundle *bundle, const char *path,
                      struct barrow_error *err)
{
    const struct barrow_notes *warnings = barrow_bundle_warnings(bundle);
    struct barrow_bundle **kept = barrow_array_add(&inputs->bundles);
    if (!kept) {
        barrow_bundle_free(bundle);
        return no_memory(err);
    }
    *kept = bundle;
    for (size_t i = 0; i < warnings->count; i++)
        barrow_notes_add(&inputs->warnings, "%s: %s", path, warnings->items[i]);
    for (size_t i = 0; i < barrow_bundle_count(bundle); i++) {
        struct ledger_header header;
        struct barrow_error why;
        const char *name = barrow_bundle_path(bundle, i);
        int result = barrow_bundle_header(bundle, i, &header, &why);
        if (result == 0 && header.is_bundle)
            result = barrow_fail(&why, BARROW_E_FORMAT,
                                 "%.300s: a bundle within a bundle; merge its ledgers anew", name);
        if (result < 0) {
            leave_out(inputs, &why);
            continue;
        }
        struct barrow_input input = {
            .path = strdup(name), .bundle = bundle, .member = i, .header = copy_header(&header)};
        if (add(inputs, &input, err) < 0)
            return -1;
    }
    if (barrow_bundle_count(bundle) == 0) {
        struct barrow_error why;
        barrow_fail(&why, BARROW_E_FORMAT, "%.300s: a bundle without ledgers", path);
        leave_out(inputs, &why);
    }
    return 0;
}

/* Adds one file, once. */
static int add_file(struct barrow_inputs *inputs, const char *path, const struct stat *status,
                    struct barrow_error *err)
{
    struct ledger_header header;
    struct barrow_bundle *bundle = NULL;
    struct barrow_error why;
    for (size_t i = 0; i < inputs->list.count; i++)
        if (!inputs->list.items[i].bundle && inputs->list.items[i].device == status->st_dev &&
            inputs->list.items[i].inode == status->st_ino)
            return 0;
    if (barrow_ledger_read_header(&header, path, &why) < 0 ||
        (header.is_bundle && barrow_bundle_open(&bundle, path, &why) < 0)) {
        leave_out(inputs, &why);
        return 0;
    }
    if (bundle)
        return add_bundle(inputs, bundle, path, err);
    struct barrow_input input = {.path = strdup(path),
                                 .device = status->st_dev,
                                 .inode = status->st_ino,
                                 .header = copy_header(&header)};
    return add(inputs, &input, err);
}

static int is_ledger_name(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 7 && strcmp(entry->d_name + length - 7, ".barrow") == 0;
}

static int add_directory(struct barrow_inputs *inputs, const char *path, struct barrow_error *err)
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
            result = no_memory(err);
        else if (result == 0 && stat(full, &status) == 0 && S_ISREG(status.st_mode))
            result = add_file(inputs, full, &status, err);
        free(full);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int add_path(struct barrow_inputs *inputs, const char *path, struct barrow_error *err)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return barrow_fail(err, BARROW_E_IO, "%.300s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return add_directory(inputs, path, err);
    return add_file(inputs, path, &status, err);
}

/* ---- the list ---- */

static int check_run(const struct barrow_inputs *inputs, struct barrow_error *err)
{
    const struct barrow_input *first = &inputs->list.items[0];
    for (size_t i = 1; i < inputs->list.count; i++) {
        const struct barrow_input *input = &inputs->list.items[i];
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
    const struct ledger_header *a = ((const struct barrow_input *)left)->header;
    const struct ledger_header *b = ((const struct barrow_input *)right)->header;
    if ((a->is_root == 1) != (b->is_root == 1))
        return a->is_root == 1 ? -1 : 1;
    if (a->start_monotonic_ns != b->start_monotonic_ns)
        return a->start_monotonic_ns < b->start_monotonic_ns ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static int finish(struct barrow_inputs *inputs, struct barrow_error *err)
{
    if (inputs->list.count == 0)
        return barrow_fail(err, inputs->first_failure.code, "%s", inputs->first_failure.text);
    if (check_run(inputs, err) < 0)
        return -1;
    qsort(inputs->list.items, inputs->list.count, sizeof *inputs->list.items, compare_inputs);
    return 0;
}

int barrow_inputs_find(struct barrow_inputs *inputs, const char *const *paths, size_t count,
                       struct barrow_error *err)
{
    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE, "no ledger given");
    for (size_t i = 0; i < count; i++)
        if (add_path(inputs, paths[i], err) < 0)
            return -1;
    return finish(inputs, err);
}

int barrow_inputs_of_bytes(struct barrow_inputs *inputs, const void *bytes, size_t count,
                           const char *name, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1, .bytes = bytes, .size = count};
    struct ledger_header header;
    struct barrow_bundle *bundle;
    bool damaged;
    if (ledger_read_header(&header, &source, name, &damaged, err) < 0)
        return -1;
    if (header.is_bundle) {
        if (barrow_bundle_open_bytes(&bundle, bytes, count, name, err) < 0 ||
            add_bundle(inputs, bundle, name, err) < 0)
            return -1;
        return finish(inputs, err);
    }
    struct barrow_input input = {
        .path = strdup(name), .bytes = bytes, .byte_count = count, .header = copy_header(&header)};
    return add(inputs, &input, err);
}

int barrow_input_open(const struct barrow_input *input, struct barrow_ledger **out,
                      struct barrow_error *err)
{
    if (input->bundle)
        return barrow_bundle_ledger(input->bundle, input->member, out, err);
    if (input->bytes)
        return barrow_ledger_open_bytes(out, input->bytes, input->byte_count, input->path, err);
    return barrow_ledger_open(out, input->path, err);
}
