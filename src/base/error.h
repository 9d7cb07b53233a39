/* barrow's one error type.
 *
 * A function that can fail returns 0 on success and -1 on failure, and fills
 * *err.  `text` is one complete line for a person: what, where, what to do.
 * `err` may be NULL when the caller does not care why.
 */
#ifndef BARROW_BASE_ERROR_H
#define BARROW_BASE_ERROR_H

/* X(name, exit status of the command line) */
#define BARROW_ERRORS(X) \
    X(OK, 0)             \
    X(USAGE, 2)          \
    X(IO, 2)             \
    X(FORMAT, 2)         \
    X(NO_MEMORY, 2)      \
    X(UNSUPPORTED, 2)

enum barrow_error_code {
#define X(name, status) BARROW_E_##name,
    BARROW_ERRORS(X)
#undef X
};

struct barrow_error {
    enum barrow_error_code code;
    char text[480];
};

/* Fills *err (if not NULL) and returns -1, so that callers can `return barrow_fail(...)`. */
int barrow_fail(struct barrow_error *err, enum barrow_error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
