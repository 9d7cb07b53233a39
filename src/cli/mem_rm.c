/* barrow mem rm, barrow mem clean: delete files that barrow mem run wrote. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/mem.h"
#include "cli/memory.h"

static int remove_file(const char *path, bool dry_run, struct barrow_error *err)
{
    struct barrow_terminal t;

    barrow_terminal_init(&t, stdout, COLOR_NEVER);
    if (!dry_run && unlink(path) < 0)
        return barrow_fail(err, BARROW_E_IO, "can't delete %.300s: %s", path, strerror(errno));
    char *name = barrow_printable(&t, path);
    printf("%s %s\n", dry_run ? "would delete" : "deleted", name);
    free(name);
    return 0;
}

/* All are looked up before the first one goes. */
static int mem_rm_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct barrow_mem_options *o = values;
    struct barrow_mem_files files;

    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which files? Name numbers (barrow mem list) or paths; barrow mem clean "
                           "deletes all of this directory");
    const char **chosen = barrow_allocate((size_t)count * sizeof *chosen);
    int rc = barrow_mem_files_find(&files, err);
    if (rc == 0)
        rc = barrow_mem_files_choose(&files, count, operands, chosen, err);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = remove_file(chosen[i], o->dry_run, err);
    barrow_mem_files_free(&files);
    free(chosen);
    return rc;
}

static int mem_clean_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct barrow_mem_options *o = values;
    struct barrow_mem_files files;

    (void)operands;
    if (count)
        return barrow_fail(err, BARROW_E_USAGE,
                           "clean takes no names: it deletes all; barrow mem rm deletes some");
    int rc = barrow_mem_files_find(&files, err);
    for (size_t i = 0; rc == 0 && i < files.names.count; i++)
        rc = remove_file(files.names.items[i], o->dry_run, err);
    barrow_mem_files_free(&files);
    return rc;
}

static const struct barrow_option options[] = {{"dry-run", 0, OPTION_FLAG, NULL,
                                                offsetof(struct barrow_mem_options, dry_run), NULL,
                                                NULL, "only say what would be deleted"},
                                               OPTIONS_END};

const struct barrow_command barrow_mem_rm = {
    .usage = "[--dry-run] FILE...",
    .about = "Deletes files by number, as barrow mem list shows them (-1 is the newest), or by\n"
             "path.",
    .examples = "barrow mem rm 0 1\nbarrow mem rm -1",
    .options = options,
    .values_bytes = sizeof(struct barrow_mem_options),
    .parse = barrow_mem_parse,
    .main = mem_rm_main,
};

const struct barrow_command barrow_mem_clean = {
    .usage = "[--dry-run]",
    .about = "Deletes all mprofile_YYYYMMDDhhmmss.dat in the working directory, and nothing else.",
    .examples = "barrow mem clean --dry-run",
    .options = options,
    .values_bytes = sizeof(struct barrow_mem_options),
    .parse = barrow_mem_parse,
    .main = mem_clean_main,
};
