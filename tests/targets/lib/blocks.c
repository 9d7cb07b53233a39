/* blocks: which blocks Python's allocators gave out in a window of time, and what they really cost.
 *
 * It puts itself in front of the three domains.  Blocks of a window stay known until they are
 * freed, also after it was closed, so that a program can fill many windows and ask at the end.
 * What a block costs is read from the allocator: pymalloc keeps the size class in the header of its
 * 16 KiB pools, glibc the chunk's size in the word before the block.
 *
 * open(number), close(), live(number) -> [(address, requested, real, is pymalloc's)], restore();
 * disown(object): the blocks of an object of a builtin class are of no window.
 *
 * One thread only, and no window may be open while blocks are asked for.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#define SLOTS (1u << 21)
#define POOL 0x4000u
#define POOL_CLASS 36 /* offset of the size class in a pool's header */
#define FREED ((void *)1)

struct block {
    void *address;
    size_t requested;
    int window;
    bool pooled;
};

static struct block *table; /* open addressing; FREED keeps chains whole */
static int window;          /* 0: none is open */
static int depth;           /* a large block of the object domain comes from the raw one */
static void *raw_result;    /* of the raw domain's last call */
static PyMemAllocatorEx original[3];

static struct block *slot_of(void *address)
{
    uint32_t at = (uint32_t)(((uintptr_t)address >> 4) * 2654435761u) & (SLOTS - 1);

    while (table[at].address && table[at].address != address)
        at = (at + 1) & (SLOTS - 1);
    return &table[at];
}

static void forget(void *address)
{
    if (address && slot_of(address)->address)
        slot_of(address)->address = FREED;
}

static void remember(void *address, size_t requested, int in, bool pooled)
{
    struct block *b = slot_of(address);

    *b = (struct block){address, requested, in, pooled};
}

static void note_raw(const void *context, void *p)
{
    if (context == &original[PYMEM_DOMAIN_RAW])
        raw_result = p;
}

static void *block_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *a = context;

    depth++;
    void *p = a->malloc(a->ctx, size);
    depth--;
    note_raw(context, p);
    if (p && !depth && window)
        remember(p, size, window, p != raw_result);
    return p;
}

static void *block_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *a = context;

    depth++;
    void *p = a->calloc(a->ctx, count, size);
    depth--;
    note_raw(context, p);
    if (p && !depth && window)
        remember(p, count * size, window, p != raw_result);
    return p;
}

static void block_free(void *context, void *p)
{
    PyMemAllocatorEx *a = context;

    if (!depth++)
        forget(p);
    a->free(a->ctx, p);
    depth--;
}

static void *block_realloc(void *context, void *p, size_t size)
{
    PyMemAllocatorEx *a = context;
    struct block old = {0};

    if (!depth && p)
        old = *slot_of(p);
    raw_result = NULL;
    depth++;
    void *q = a->realloc(a->ctx, p, size);
    depth--;
    note_raw(context, q);
    if (!q || depth)
        return q;
    forget(p);
    /* In place and without the raw domain: the same kind of block as before. */
    bool pooled = p == q && old.address ? old.pooled : q != raw_result;
    if (old.address || window)
        remember(q, size, old.address ? old.window : window, pooled);
    return q;
}

static size_t real_bytes(const struct block *b)
{
    if (!b->pooled)
        return ((size_t *)b->address)[-1] & ~(size_t)15;
    uintptr_t pool = (uintptr_t)b->address & ~(uintptr_t)(POOL - 1);
    return (*(uint32_t *)(pool + POOL_CLASS) + 1) * (size_t)16;
}

static PyObject *blocks_open(PyObject *self, PyObject *number)
{
    (void)self;
    window = PyLong_AsLong(number);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *blocks_close(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    window = 0;
    Py_RETURN_NONE;
}

static PyObject *blocks_disown(PyObject *self, PyObject *object)
{
    (void)self;
    forget((char *)object - (PyObject_IS_GC(object) ? 16 : 0));
    if (PyDict_Check(object))
        forget(((PyDictObject *)object)->ma_keys);
    if (PyList_Check(object))
        forget(((PyListObject *)object)->ob_item);
    Py_RETURN_NONE;
}

static PyObject *blocks_live(PyObject *self, PyObject *number)
{
    long wanted = PyLong_AsLong(number);
    PyObject *list = PyList_New(0);

    (void)self;
    for (uint32_t i = 0; list && i < SLOTS; i++) {
        struct block *b = &table[i];
        if (!b->address || b->address == FREED || b->window != wanted)
            continue;
        PyObject *item = Py_BuildValue("(nnni)", (Py_ssize_t)b->address, (Py_ssize_t)b->requested,
                                       (Py_ssize_t)real_bytes(b), b->pooled);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *blocks_restore(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    for (int i = 0; i < 3; i++)
        PyMem_SetAllocator((PyMemAllocatorDomain)i, &original[i]);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"open", blocks_open, METH_O, NULL},
    {"close", blocks_close, METH_NOARGS, NULL},
    {"disown", blocks_disown, METH_O, NULL},
    {"live", blocks_live, METH_O, NULL},
    {"restore", blocks_restore, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "blocks", .m_size = -1,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit_blocks(void)
{
    table = calloc(SLOTS, sizeof *table);
    if (!table)
        return PyErr_NoMemory();
    for (int i = 0; i < 3; i++) {
        PyMem_GetAllocator((PyMemAllocatorDomain)i, &original[i]);
        PyMemAllocatorEx mine = {&original[i], block_malloc, block_calloc, block_realloc,
                                 block_free};
        PyMem_SetAllocator((PyMemAllocatorDomain)i, &mine);
    }
    return PyModule_Create(&module);
}
