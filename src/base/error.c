#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int barrow_fail(struct barrow_error *err, enum barrow_error_code code, const char *format, ...)
{
    if (!err)
        return -1;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -1;
}
