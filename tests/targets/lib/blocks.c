/* blocks: which blocks Python's allocators gave out in a window of time, and what they really cost.
 *
 * It puts itself in front of the three domains.  Blocks of a window stay known until they are
 * freed, also after it was closed, so that a program can fill many windows and ask at the end.
 * What a block costs is read from the allocator: pymalloc keeps the size class in the header of its
 * 16 KiB pools, glibc the chunk's size in the word before the block.
 *
 * open(number), close(), live(number) -> [(address, requested, real, is pymalloc's)], restore();
 * disown(object): the blocks of an object of a builtin class are of no window.
 * watch(), change(): the real bytes that the two domains of objects got since watch(), less what
 * they gave back, of older blocks too.  The raw domain doesn't count then.
 *
 * Windows are for one thread only, watch() for all that hold the interpreter's lock; none may be
 * open while blocks are asked for.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define SLOTS (1u << 21)
#define POOL 0x4000u
#define POOL_CLASS 36 /* offset of the size class in a pool's header */

struct block {
    void *address;
    size_t requested;
    int window;
    bool pooled;
};

static struct block *table; /* open addressing */
static int window;          /* 0: none is open */
static bool watching;
static int64_t older;             /* bytes of blocks from before watch() that were freed since */
static __thread int depth;        /* a large block of the object domain comes from the raw one */
static __thread void *raw_result; /* of the raw domain's last call */
static __thread void *raw_given_back; /* to the raw domain's free or realloc */
static PyMemAllocatorEx original[3];

static uint32_t home_of(const void *address)
{
    return (uint32_t)(((uintptr_t)address >> 4) * 2654435761u) & (SLOTS - 1);
}

static struct block *slot_of(void *address)
{
    uint32_t at = home_of(address);

    while (table[at].address && table[at].address != address)
        at = (at + 1) & (SLOTS - 1);
    return &table[at];
}

/* Those behind move up, so that no look-up meets a gap before them. */
static void forget(void *address)
{
    struct block *b = address ? slot_of(address) : NULL;

    if (!b || !b->address)
        return;
    uint32_t gap = (uint32_t)(b - table);
    for (uint32_t at = (gap + 1) & (SLOTS - 1); table[at].address; at = (at + 1) & (SLOTS - 1)) {
        uint32_t home = home_of(table[at].address);
        if (((at - home) & (SLOTS - 1)) >= ((at - gap) & (SLOTS - 1))) {
            table[gap] = table[at];
            gap = at;
        }
    }
    table[gap].address = NULL;
}

static void remember(void *address, size_t requested, int in, bool pooled)
{
    struct block *b = slot_of(address);

    *b = (struct block){address, requested, in, pooled};
}

static bool is_raw(const void *context)
{
    return context == &original[PYMEM_DOMAIN_RAW];
}

/* Whether this is a call from outside, to be noted. */
static bool counts(const void *context)
{
    return !depth && window && !(watching && is_raw(context));
}

static void note_raw(const void *context, void *p)
{
    if (is_raw(context))
        raw_result = p;
}

static void *block_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *a = context;

    depth++;
    void *p = a->malloc(a->ctx, size);
    depth--;
    note_raw(context, p);
    if (p && counts(context))
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
    if (p && counts(context))
        remember(p, count * size, window, p != raw_result);
    return p;
}

static size_t chunk_bytes(const void *p)
{
    return ((const size_t *)p)[-1] & ~(size_t)15;
}

static size_t pool_bytes(const void *p)
{
    uintptr_t pool = (uintptr_t)p & ~(uintptr_t)(POOL - 1);
    return (*(const uint32_t *)(pool + POOL_CLASS) + 1) * (size_t)16;
}

static size_t real_bytes(const struct block *b)
{
    return b->pooled ? pool_bytes(b->address) : chunk_bytes(b->address);
}

/* What a block costs of which nothing is known yet, if it is pymalloc's and if it isn't. */
struct guess {
    size_t pooled, chunk;
};

static struct guess guess_of(void *p)
{
    void *pool = (void *)((uintptr_t)p & ~(uintptr_t)(POOL - 1));
    unsigned char resident;
    bool is_mapped = mincore(pool, 4096, &resident) == 0;

    return (struct guess){is_mapped ? pool_bytes(p) : 0, chunk_bytes(p)};
}

static bool is_older(void *context, void *p)
{
    return watching && p && counts(context) && !slot_of(p)->address;
}

static void count_older(void *p, struct guess guess)
{
    older += (int64_t)(raw_given_back == p ? guess.chunk : guess.pooled);
}

static void block_free(void *context, void *p)
{
    PyMemAllocatorEx *a = context;
    bool old = is_older(context, p);
    struct guess guess = old ? guess_of(p) : (struct guess){0};

    if (!depth && !(watching && is_raw(context)))
        forget(p);
    raw_given_back = is_raw(context) ? p : NULL;
    depth++;
    a->free(a->ctx, p);
    depth--;
    if (old)
        count_older(p, guess);
}

static void *block_realloc(void *context, void *p, size_t size)
{
    PyMemAllocatorEx *a = context;
    bool noted = !depth && !(watching && is_raw(context)), old = is_older(context, p);
    struct guess guess = old ? guess_of(p) : (struct guess){0};
    struct block before = {0};

    if (noted && p)
        before = *slot_of(p);
    raw_result = NULL;
    raw_given_back = is_raw(context) ? p : NULL;
    depth++;
    void *q = a->realloc(a->ctx, p, size);
    depth--;
    note_raw(context, q);
    if (!q || !noted)
        return q;
    bool was_pooled = before.address ? before.pooled : raw_given_back != p;
    if (old)
        count_older(p, guess);
    forget(p);
    /* In place and without the raw domain: the same kind of block as before. */
    bool pooled = p == q ? was_pooled : q != raw_result;
    if (before.address || window)
        remember(q, size, before.address ? before.window : window, pooled);
    return q;
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
        if (!b->address || b->window != wanted)
            continue;
        PyObject *item = Py_BuildValue("(nnni)", (Py_ssize_t)b->address, (Py_ssize_t)b->requested,
                                       (Py_ssize_t)real_bytes(b), b->pooled);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *blocks_watch(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    watching = true;
    window = -1;
    Py_RETURN_NONE;
}

static PyObject *blocks_change(PyObject *self, PyObject *ignored)
{
    int64_t bytes = -older;

    (void)self;
    (void)ignored;
    window = 0;
    for (uint32_t i = 0; i < SLOTS; i++)
        if (table[i].address && table[i].window == -1)
            bytes += (int64_t)real_bytes(&table[i]);
    return PyLong_FromLongLong(bytes);
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
    {"watch", blocks_watch, METH_NOARGS, NULL},
    {"change", blocks_change, METH_NOARGS, NULL},
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
