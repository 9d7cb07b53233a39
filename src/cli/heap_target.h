/* What a person means by TYPE, ADDRESS or SITE: the objects of a snapshot that a word names. */
#ifndef BARROW_CLI_HEAP_TARGET_H
#define BARROW_CLI_HEAP_TARGET_H

#include "cli/heap_view.h"

struct barrow_heap_target {
    uint32_t *objects; /* ascending */
    size_t count;
    char *words; /* "app.Session", "dict at 0x7f...", "born at app.py:12" */
};

/* An address (0x7f3a..., or decimal as id() gives it), a place (app.py:12: objects born there; loads births),
 * a class (Session, app.Session) or a glob over classes.  Fails with near names if nothing is called so, and
 * if a name means several classes. */
int barrow_heap_target_find(struct barrow_heap_target *target, struct barrow_heap_view *h, const char *word,
                       struct barrow_error *err);
void barrow_heap_target_free(struct barrow_heap_target *target);

#endif
