/* A revision beside the user's tree.
 *
 *     /home/me/project             the user's tree: the subject runs here
 *     /tmp/barrow-XXXXXX/tree__    a worktree of the revision: the reference runs here
 *
 * Both run in the same folder of their tree and look for modules there first.  The paths of the two
 * trees are equally long where that is possible: a path is part of all code that is loaded from it,
 * so its length shows in the bytes.
 */
#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/memory.h"

/* ---- git ---- */

/* In a hook of git's these speak of the user's index. */
static const struct bench_variable plain_git[] = {{"GIT_DIR", NULL},
                                                  {"GIT_INDEX_FILE", NULL},
                                                  {"GIT_WORK_TREE", NULL},
                                                  {"GIT_PREFIX", NULL},
                                                  {NULL, NULL}};

static char *read_text(const char *path)
{
    struct barrow_buffer text = {0};
    char block[512];
    size_t count;
    FILE *file = fopen(path, "re");

    while (file && (count = fread(block, 1, sizeof block, file)) > 0)
        barrow_buffer_add(&text, block, count);
    if (file)
        fclose(file);
    char *whole = barrow_copy(barrow_buffer_text(&text) ? text.bytes : "");
    barrow_buffer_free(&text);
    return whole;
}

/* Runs git; what it says is *said, to be freed, if not NULL.  `what` is for the error. */
static int git(const struct bench_place *place, const char *directory, const char *const *words,
               const char *what, char **said, struct barrow_error *err)
{
    char *output = barrow_format("%s/git.out", place->directory);
    char *errors = barrow_format("%s/git.err", place->directory);
    struct bench_process process = {.argv = (char *const *)words,
                                    .directory = directory,
                                    .variables = plain_git,
                                    .output = output,
                                    .errors = errors};
    struct bench_outcome outcome;

    int rc = bench_process_run(&process, &outcome, err);
    if (rc == 0 && outcome.status != 0) {
        char *story = bench_process_story(outcome.status, errors);
        rc = barrow_fail(err, BARROW_E_USAGE, "%s: git %s", what, story);
        free(story);
    }
    if (rc == 0 && said)
        *said = read_text(output);
    unlink(output);
    unlink(errors);
    free(output);
    free(errors);
    return rc;
}

/* Cuts the first line off a text; gives it. */
static char *first_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static char *ask(const struct bench_place *place, const char *question, const char *about,
                 const char *what, struct barrow_error *err)
{
    const char *words[] = {"git", "rev-parse", question, about, NULL};
    char *answer = NULL;

    return git(place, NULL, words, what, &answer, err) < 0 ? NULL : first_line(answer);
}

/* ---- paths ---- */

static char *tree_path(const struct bench_place *place, const char *top)
{
    size_t base = strlen(place->directory) + 1, wanted = strlen(top);
    size_t length = wanted > base ? wanted - base : 1;
    char *path = barrow_format("%s/%.*s", place->directory, length < 4 ? (int)length : 4, "tree");

    if (length > 4 && length < 200) {
        path = barrow_reallocate(path, base + length + 1);
        memset(path + base + 4, '_', length - 4);
        path[base + length] = '\0';
    }
    return path;
}

/* The same place in another tree: `path` itself if it isn't below `top`.  To be freed. */
static char *moved(const char *path, const char *top, const char *tree)
{
    size_t length = strlen(top);

    if (strncmp(path, top, length) == 0 && (path[length] == '/' || !path[length]))
        return barrow_format("%s%s", tree, path + length);
    return barrow_copy(path);
}

static void add_entry(struct barrow_buffer *list, const char *entry)
{
    if (list->used)
        barrow_buffer_add_byte(list, ':');
    barrow_buffer_add_text(list, entry);
}

/* PYTHONPATH of a side: its folder, its tree, the tree's src; then the user's, with entries of the
 * user's tree led to this one. */
static char *python_path(const char *directory, const char *top, const char *tree)
{
    struct barrow_buffer list = {0};
    struct stat info;
    char *source = barrow_format("%s/src", tree), *state = NULL;
    char *given = barrow_copy(getenv("PYTHONPATH") ? getenv("PYTHONPATH") : "");

    add_entry(&list, directory);
    if (strcmp(directory, tree) != 0)
        add_entry(&list, tree);
    if (stat(source, &info) == 0 && S_ISDIR(info.st_mode))
        add_entry(&list, source);
    for (char *entry = strtok_r(given, ":", &state); entry; entry = strtok_r(NULL, ":", &state)) {
        char *there = moved(entry, top, tree);
        add_entry(&list, there);
        free(there);
    }
    char *path = barrow_copy(barrow_buffer_text(&list) ? list.bytes : "");
    barrow_buffer_free(&list);
    free(source);
    free(given);
    return path;
}

/* The script as it is in the revision's tree. */
static int move_script(struct bench_side *side, const char *top, const char *tree,
                       const char *revision, struct barrow_error *err)
{
    struct barrow_program *program = &side->program;

    if (program->kind != PROGRAM_SCRIPT)
        return 0;
    char *there = moved(program->name, top, tree);
    char *path =
        *there == '/' ? barrow_copy(there) : barrow_format("%s/%s", side->directory, there);
    bool exists = access(path, F_OK) == 0;
    free(path);
    if (!exists) {
        free(there);
        return barrow_fail(err, BARROW_E_USAGE,
                           "%s isn't in %s; commit it there, or move it out of the repository so "
                           "that both sides run the same one",
                           program->name, revision);
    }
    for (size_t i = 0; i < program->count; i++)
        if (program->words[i] == program->name)
            program->words[i] = there;
    program->name = side->script = there;
    return 0;
}

/* ---- the worktree ---- */

static int check_out(struct bench_tree *tree, const struct bench_place *place, const char *top,
                     const char *commit, struct barrow_error *err)
{
    tree->path = tree_path(place, top);
    tree->top = barrow_copy(top);
    const char *words[] = {"git",      "-c",       "core.hooksPath=/dev/null",
                           "worktree", "add",      "--quiet",
                           "--detach", tree->path, commit,
                           NULL};
    return git(place, top, words, "can't check the revision out", NULL, err);
}

static int settle(struct bench_tree *tree, const struct bench_place *place, const char *prefix,
                  struct bench_side *subject, struct bench_side *reference,
                  struct barrow_error *err)
{
    char *here = barrow_format("%s%s%s", tree->top, *prefix ? "/" : "", prefix);

    if (*prefix)
        here[strlen(here) - 1] = '\0'; /* git ends it with a slash */
    reference->directory = moved(here, tree->top, tree->path);
    reference->revision = tree->revision;
    subject->python_path = python_path(here, tree->top, tree->top);
    reference->python_path = python_path(reference->directory, tree->top, tree->path);
    subject->bytecode = barrow_format("%s/bytecode", place->directory);
    reference->bytecode = barrow_copy(subject->bytecode);
    free(here);
    if (access(reference->directory, X_OK) != 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "%s has no folder %s; start barrow bench in a folder that both have",
                           tree->revision, prefix);
    return move_script(reference, tree->top, tree->path, tree->revision, err);
}

int bench_tree_make(struct bench_tree *tree, const char *revision, const struct bench_place *place,
                    struct bench_side *subject, struct bench_side *reference,
                    struct barrow_error *err)
{
    char *commitish = barrow_format("%s^{commit}", revision);
    char *what = barrow_format("--vs-rev %s", revision);
    char *commit = NULL, *prefix = NULL, *top = NULL;
    int rc = -1;

    if (*revision == '-' || !*revision)
        barrow_fail(err, BARROW_E_USAGE, "%s: that is no revision", what);
    else if ((top = ask(place, "--show-toplevel", NULL, what, err)) &&
             (prefix = ask(place, "--show-prefix", NULL, what, err)) &&
             (commit = ask(place, "--verify", commitish, what, err))) {
        tree->revision = barrow_format("%s (%.10s)", revision, commit);
        rc = check_out(tree, place, top, commit, err);
    }
    if (rc == 0)
        rc = settle(tree, place, prefix, subject, reference, err);
    free(commitish);
    free(what);
    free(commit);
    free(prefix);
    free(top);
    return rc;
}

void bench_tree_remove(struct bench_tree *tree, const struct bench_place *place)
{
    const char *remove[] = {"git", "worktree", "remove", "--force", "--force", tree->path, NULL};
    const char *prune[] = {"git", "worktree", "prune", NULL};

    /* What git can't remove, because it was killed while checking out, goes with the place. */
    if (tree->path && git(place, tree->top, remove, "", NULL, NULL) < 0) {
        bench_remove_tree(tree->path);
        git(place, tree->top, prune, "", NULL, NULL);
    }
    free(tree->path);
    free(tree->top);
    tree->path = tree->top = NULL;
}
