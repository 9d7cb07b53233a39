/* Names in text formats: always valid UTF-8 in one line. */
#ifndef BARROW_EXPORT_TEXT_H
#define BARROW_EXPORT_TEXT_H

#include <stdio.h>

#include "base/json.h"

/* Writes `name` with each character `special` replaced by `stand_in`.  Control characters become
 * `\x1b`, lone surrogates `\udcff`, bytes that are no UTF-8 `\xff`. */
void barrow_export_text(FILE *to, const char *name, char special, const char *stand_in);

/* For binary formats: `name` itself if nothing of it needs replacing, else *copy as above, to be freed
 * (set to NULL if it is not needed).  NULL: no memory. */
const char *barrow_export_utf8(const char *name, char **copy);

/* A key and its text for other programs' JSON readers, some of which refuse lone surrogates: cleaned
 * as above. */
void barrow_export_put_text(struct barrow_json *json, const char *key, const char *text);

#endif
