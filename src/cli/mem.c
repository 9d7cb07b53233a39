/* barrow mem: memory over time, of any program, with mprof's habits. */
#include "cli/mem.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/subcommand.h"

static const struct barrow_command_entry entries[] = {
#define X(name, summary) {"mem " #name, summary, &barrow_mem_##name},
    BARROW_MEM_COMMANDS(X)
#undef X
        {NULL, NULL, NULL}};

/* ---- the files ---- */

int barrow_mem_files_find(struct barrow_mem_files *files, struct barrow_error *err)
{
    static const char pattern[] = "mprofile_[0-9][0-9][0-9][0-9][0-9][0-9][0-9]"
                                  "[0-9][0-9][0-9][0-9][0-9][0-9][0-9].dat";
    glob_t found;

    *files = (struct barrow_mem_files){0};
    int code = glob(pattern, 0, NULL, &found); /* sorted by name, and so by time */
    if (code == GLOB_NOMATCH)
        return 0;
    if (code)
        return barrow_fail(err, BARROW_E_IO, "can't look for files here: %s", strerror(errno));
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char **name = barrow_array_add(&files->names);
        if (!name)
            return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
        *name = barrow_copy(found.gl_pathv[i]);
    }
    globfree(&found);
    return 0;
}

void barrow_mem_files_free(struct barrow_mem_files *files)
{
    for (size_t i = 0; i < files->names.count; i++)
        free(files->names.items[i]);
    free(files->names.items);
    *files = (struct barrow_mem_files){0};
}

static bool is_number(const char *word)
{
    const char *digits = word + (*word == '-');

    return *digits && digits[strspn(digits, "0123456789")] == '\0';
}

static const char *choose(const struct barrow_mem_files *files, const char *word,
                          struct barrow_error *err)
{
    size_t count = files->names.count;

    if (!is_number(word))
        return word;
    long number = strtol(word, NULL, 10);
    if (number < 0)
        number += (long)count;
    if (number >= 0 && (size_t)number < count)
        return files->names.items[number];
    if (count)
        barrow_fail(err, BARROW_E_USAGE,
                    "there is no file %.40s: there are 0 to %zu here; barrow mem list shows them",
                    word, count - 1);
    else
        barrow_fail(err, BARROW_E_USAGE,
                    "there is no file %.40s: no mprofile_*.dat is in this directory", word);
    return NULL;
}

int barrow_mem_files_choose(const struct barrow_mem_files *files, int count, char **operands,
                            const char **chosen, struct barrow_error *err)
{
    if (count == 0 && !files->names.count)
        return barrow_fail(err, BARROW_E_USAGE,
                           "no mprofile_*.dat is in this directory: name a file, or make one with "
                           "barrow mem run");
    if (count == 0)
        chosen[0] = files->names.items[files->names.count - 1];
    for (int i = 0; i < count; i++) {
        chosen[i] = choose(files, operands[i], err);
        if (!chosen[i])
            return -1;
    }
    return 0;
}

int barrow_mem_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                     bool *help, struct barrow_error *err)
{
    int count = 0;

    for (int next = 0; next < argc && !*help;) {
        if (strcmp(argv[next], "--") == 0) {
            while (++next < argc)
                argv[count++] = argv[next];
        } else if (argv[next][0] != '-' || !argv[next][1] || is_number(argv[next])) {
            argv[count++] = argv[next++];
        } else if (barrow_option_take(options, values, argc, argv, &next, help, err) < 0) {
            return -1;
        }
    }
    return *help ? 0 : count;
}

const char *barrow_mem_measure_words(enum barrow_measure measure)
{
    static const char *const words[] = {"RSS", "PSS", "USS"};

    return words[measure];
}

/* ---- the command ---- */

static int mem_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                     bool *help, struct barrow_error *err)
{
    (void)options;
    return barrow_subcommand_parse(entries, values, argc, argv, help, err);
}

static int mem_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    return barrow_subcommand_main(values, count, operands, err);
}

static const struct barrow_option options[] = {OPTIONS_END};

const struct barrow_command barrow_command_mem = {
    .usage = "run [OPTIONS] [--] COMMAND [ARGUMENTS...]\n"
             "run [OPTIONS] --attach PID\n"
             "list | plot | peak | rm | clean [OPTIONS] [FILE...]",
    .about = "Samples the memory of any program from outside, as the system sees it, and draws\n"
             "it over time. The files are those of memory_profiler's mprof, which can read\n"
             "them, and whose files are read. FILEs are paths or numbers: 0 is the oldest\n"
             "mprofile_*.dat of the working directory, -1 the newest, which is also taken if\n"
             "none is named. `barrow mem COMMAND --help` explains each.",
    .examples = "barrow mem run python app.py      # writes mprofile_20261121143000.dat\n"
                "barrow mem run -C -- make -j4     # with all processes that it starts\n"
                "barrow mem plot                   # in the terminal\n"
                "barrow mem plot -o memory.svg 0 -1",
    .options = options,
    .values_bytes = sizeof(struct barrow_subcommand),
    .parse = mem_parse,
    .main = mem_main,
};
