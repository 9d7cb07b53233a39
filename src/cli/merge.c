/* barrow merge: the ledgers of a run as one file. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "ledger/inputs.h"

struct merge_options {
    const char *output;
    bool force;
};

static int check_output(const struct merge_options *o, struct barrow_error *err)
{
    struct stat info;

    if (!o->output || !*o->output)
        return barrow_fail(err, BARROW_E_USAGE, "which file to write? Name it with -o");
    if (strcmp(o->output, "-") == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "a bundle can't go to standard output: name a file with -o");
    if (stat(o->output, &info) < 0)
        return 0;
    if (!S_ISREG(info.st_mode))
        return barrow_fail(err, BARROW_E_USAGE, "can't write %.300s: it is no plain file",
                           o->output);
    if (!o->force)
        return barrow_fail(err, BARROW_E_USAGE, "%.300s exists; -f overwrites it", o->output);
    return 0;
}

/* Notes what is damaged; it is copied all the same. */
static void look_at(const struct barrow_input *input, struct barrow_notes *notes)
{
    struct barrow_ledger *ledger;
    struct barrow_error why;

    if (barrow_input_open(input, &ledger, &why) < 0) {
        barrow_notes_add(notes, "%s; copied as it is", why.text);
        return;
    }
    for (size_t i = 0; i < ledger->warnings.count; i++)
        barrow_notes_add(notes, "%s: %s; copied as it is", input->path, ledger->warnings.items[i]);
    barrow_ledger_free(ledger);
}

static int write_members(struct barrow_bundle_writer *writer, const struct barrow_inputs *inputs,
                         struct barrow_notes *notes, uint64_t *bytes, struct barrow_error *err)
{
    for (size_t i = 0; i < inputs->list.count; i++) {
        const struct barrow_input *input = &inputs->list.items[i];
        bool damaged = false;
        int rc = input->bundle
                     ? barrow_bundle_add_member(writer, input->bundle, input->member, &damaged, err)
                     : barrow_bundle_add_file(writer, input->path, err);
        if (rc < 0)
            return -1;
        if (damaged)
            barrow_notes_add(notes, "%s: damaged; copied as it is", input->path);
        if (!input->bundle)
            look_at(input, notes);
    }
    *bytes = writer->bytes;
    return 0;
}

static int write_bundle(const struct merge_options *o, const struct barrow_inputs *inputs,
                        struct barrow_notes *notes, uint64_t *bytes, struct barrow_error *err)
{
    struct barrow_output output;
    struct barrow_bundle_writer writer;

    if (barrow_output_open(&output, o->output, err) < 0)
        return -1;
    fchmod(fileno(output.to), 0600);
    int rc = barrow_bundle_begin(&writer, output.to, inputs->list.items[0].header, err);
    if (rc == 0)
        rc = write_members(&writer, inputs, notes, bytes, err);
    if (rc == 0)
        rc = barrow_bundle_end(&writer, err);
    if (rc == 0)
        return barrow_output_commit(&output, err);
    barrow_output_abandon(&output);
    return -1;
}

static void print_result(const struct merge_options *o, const struct barrow_inputs *inputs,
                         const struct barrow_notes *notes, uint64_t bytes)
{
    struct barrow_view view = {0};
    char count[BARROW_UNITS_ROOM], size[BARROW_UNITS_ROOM];
    size_t ledgers = inputs->list.count;

    barrow_terminal_init(&view.terminal, stdout, COLOR_AUTO);
    char *name = barrow_printable(&view.terminal, o->output);
    printf("%s: %s ledger%s, %s\n", name, barrow_units_count(count, ledgers),
           ledgers == 1 ? "" : "s", barrow_units_bytes(size, bytes));
    free(name);
    for (size_t i = 0; i < inputs->warnings.count; i++)
        barrow_view_say(&view, STYLE_WARN, "note: ", inputs->warnings.items[i]);
    for (size_t i = 0; i < notes->count; i++)
        barrow_view_say(&view, STYLE_WARN, "note: ", notes->items[i]);
}

static int merge_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct merge_options *o = values;
    struct barrow_inputs inputs = {0};
    struct barrow_notes notes = {0};
    uint64_t bytes = 0;

    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which recordings? Name ledgers, or a directory of ledgers");
    if (check_output(o, err) < 0)
        return -1;
    signal(SIGPIPE, SIG_IGN); /* see barrow_output_end() */
    barrow_progress_start("merging");
    int rc = barrow_inputs_find(&inputs, (const char *const *)operands, (size_t)count, err);
    if (rc == 0)
        rc = write_bundle(o, &inputs, &notes, &bytes, err);
    barrow_progress_stop();
    if (rc == 0)
        print_result(o, &inputs, &notes, bytes);
    barrow_notes_free(&notes);
    barrow_inputs_free(&inputs);
    return rc;
}

static const struct barrow_option options[] = {
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct merge_options, output), NULL, NULL,
     "write to this file, which appears when it is complete"},
    {"force", 'f', OPTION_FLAG, NULL, offsetof(struct merge_options, force), NULL, NULL,
     "overwrite OUT if it exists"},
    OPTIONS_END};

static const struct merge_options defaults = {0};

const struct barrow_command barrow_command_merge = {
    .usage = "-o OUT.barrow FILE...",
    .about = "Puts the ledgers of one run, the program's and those of its child processes, into\n"
             "one file, to keep or to mail. Nothing is lost, and the file is compressed where\n"
             "barrow was built with zstd. All views take it like a ledger. FILEs are ledgers,\n"
             "directories of ledgers, or files that merge wrote; of a process that still runs,\n"
             "what it has recorded so far is taken.",
    .examples = "barrow merge -o run.barrow app.1234.barrow app.1234.1240.barrow\n"
                "barrow merge -o run.barrow recordings/",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = merge_main,
};
