#include "pymod/pymod.h"

PyMethodDef barrow_reader_methods[] = {
    {NULL, NULL, 0, NULL},
};
