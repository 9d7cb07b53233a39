/* What a class is called, found without running anything and without allocating. */
#ifndef BARROW_CPYTHON_TYPE_NAME_H
#define BARROW_CPYTHON_TYPE_NAME_H

#include <stddef.h>
#include <stdint.h>

#include <Python.h>

/* Writes "package.module.Outer.Inner" (UTF-8, at most `limit` bytes, cut between characters, no NUL) and
 * returns its length.  Builtins have no module.  With the interpreter lock; no exception is set. */
uint32_t barrow_type_name(PyTypeObject *type, char *name, uint32_t limit);

#endif
