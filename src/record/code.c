/* Code objects and strings as the ledger knows them.
 *
 * A *code record* is identified by content (file, qualified name, first line, line table), so a
 * function that is created again and again is one record.  An *instance* is a live code object:
 * its address range is what instruction pointers lie in.  When an instance dies, the nodes whose
 * key lies in it lose their key, so that a new code object at the same address can't inherit them.
 *
 * Everything here runs under the intern lock, on memory of barrow's own.
 */
#include <string.h>

#include "cpython/object.h"
#include "record/state.h"

struct instance {
    const void *code; /* NULL: free */
    uint32_t content;
    uint32_t first_node; /* chain through node_links */
};

/* Open addressing, linear probing; 0 is an empty cell. */
struct index {
    uint32_t *cells;
    uint32_t mask;
    uint32_t used;
};

static struct instance *instances; /* 1-based */
static uint32_t instance_count, instance_capacity, free_instance;
static struct index by_address; /* code address → instance */
static struct index by_content; /* content hash → code record */
static struct index by_text;    /* text hash → string offset */
static uint32_t *node_links;    /* per node: the next node of the same instance */
static uint64_t node_links_capacity;

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    const unsigned char *at = data;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        h = mix(h ^ word) + 0x9e3779b97f4a7c15ull;
    }
    uint64_t tail = n;
    for (size_t i = 0; i < n; i++)
        tail = tail << 8 | at[i];
    return mix(h ^ tail);
}

static void *grow_memory(void *old, uint64_t old_bytes, uint64_t bytes)
{
    void *new = raw_memory(bytes);
    if (!new)
        return NULL;
    if (old) {
        memcpy(new, old, old_bytes);
        raw_munmap(old, old_bytes);
    }
    return new;
}

/* ---- the three indexes ---- */

static uint64_t hash_of(const struct index *index, uint32_t cell)
{
    const struct ledger_writer *w = &barrow_recorder.writer;
    if (index == &by_address)
        return mix((uintptr_t)instances[cell].code);
    if (index == &by_content)
        return ((struct ledger_code *)ledger_record(w, LEDGER_CODES, cell))->content;
    uint32_t bytes;
    const char *text = (const char *)w->tables[LEDGER_STRINGS].base + cell;
    memcpy(&bytes, text, 4);
    return hash_bytes(bytes, text + 4, bytes);
}

static void index_place(struct index *index, uint64_t hash, uint32_t cell)
{
    uint32_t i = (uint32_t)hash & index->mask;
    while (index->cells[i])
        i = (i + 1) & index->mask;
    index->cells[i] = cell;
}

static bool index_insert(struct index *index, uint64_t hash, uint32_t cell)
{
    if (index->used * 2 >= index->mask) {
        uint32_t cells = index->mask ? (index->mask + 1) * 2 : 1024;
        struct index larger = {raw_memory((uint64_t)cells * 4), cells - 1, index->used};
        if (!larger.cells)
            return false;
        for (uint32_t i = 0; index->mask && i <= index->mask; i++)
            if (index->cells[i])
                index_place(&larger, hash_of(index, index->cells[i]), index->cells[i]);
        if (index->cells)
            raw_munmap(index->cells, ((uint64_t)index->mask + 1) * 4);
        *index = larger;
    }
    index_place(index, hash, cell);
    index->used++;
    return true;
}

/* Takes the cell at position `i` out and moves up those that had to pass it. */
static void index_remove_at(struct index *index, uint32_t i)
{
    uint32_t hole = i;
    for (uint32_t j = (i + 1) & index->mask; index->cells[j]; j = (j + 1) & index->mask) {
        uint32_t home = (uint32_t)hash_of(index, index->cells[j]) & index->mask;
        if (((j - home) & index->mask) >= ((j - hole) & index->mask)) {
            index->cells[hole] = index->cells[j];
            hole = j;
        }
    }
    index->cells[hole] = 0;
    index->used--;
}

static int64_t find_instance(const void *code)
{
    if (!by_address.mask)
        return -1;
    for (uint32_t i = (uint32_t)mix((uintptr_t)code) & by_address.mask; by_address.cells[i];
         i = (i + 1) & by_address.mask)
        if (instances[by_address.cells[i]].code == code)
            return i;
    return -1;
}

/* ---- strings ---- */

uint32_t barrow_string_intern(const char *text, uint32_t bytes)
{
    struct ledger_writer *w = &barrow_recorder.writer;
    struct ledger_table *t = &w->tables[LEDGER_STRINGS];
    uint64_t hash = hash_bytes(bytes, text, bytes);
    for (uint32_t i = (uint32_t)hash & by_text.mask; by_text.mask && by_text.cells[i];
         i = (i + 1) & by_text.mask) {
        const uint8_t *at = t->base + by_text.cells[i];
        if (memcmp(at, &bytes, 4) == 0 && memcmp(at + 4, text, bytes) == 0)
            return by_text.cells[i];
    }
    uint64_t offset = w->state->used[LEDGER_STRINGS];
    uint64_t end = offset + 4 + ((bytes + 3u) & ~3u);
    if (end > UINT32_MAX || (end > t->capacity && !ledger_grow(w, LEDGER_STRINGS, end)))
        return 0;
    memcpy(t->base + offset, &bytes, 4);
    memcpy(t->base + offset + 4, text, bytes);
    __atomic_store_n(&w->state->used[LEDGER_STRINGS], end, __ATOMIC_RELEASE);
    index_insert(&by_text, hash, (uint32_t)offset);
    return (uint32_t)offset;
}

/* ---- code objects ---- */

static bool same_code(const struct ledger_code *a, const struct ledger_code *b)
{
    return a->content == b->content && a->file == b->file && a->name == b->name &&
           a->first_line == b->first_line && a->line_table == b->line_table;
}

static uint32_t intern_content(const struct barrow_code_view *view)
{
    static char buffer[16 << 10]; /* under the intern lock */
    struct ledger_writer *w = &barrow_recorder.writer;
    struct ledger_code code = {.first_line = view->first_line};
    uint32_t bytes;
    const char *text = barrow_text_look(view->file, buffer, sizeof buffer, &bytes);
    code.file = barrow_string_intern(text, bytes);
    text = barrow_text_look(view->qualified_name, buffer, sizeof buffer, &bytes);
    code.name = barrow_string_intern(text, bytes);
    code.line_table = barrow_string_intern(view->line_table, view->line_table_bytes);
    if (!code.file || !code.name || !code.line_table)
        return 0;
    /* Equal texts have equal offsets. */
    code.content = mix(mix((uint64_t)code.file << 32 | code.name) ^
                       ((uint64_t)code.line_table << 32 | code.first_line));
    for (uint32_t i = (uint32_t)code.content & by_content.mask;
         by_content.mask && by_content.cells[i]; i = (i + 1) & by_content.mask)
        if (same_code(ledger_record(w, LEDGER_CODES, by_content.cells[i]), &code))
            return by_content.cells[i];
    uint64_t id = w->state->used[LEDGER_CODES];
    if (id >= w->tables[LEDGER_CODES].capacity && !ledger_grow(w, LEDGER_CODES, id + 1))
        return 0;
    *(struct ledger_code *)ledger_record(w, LEDGER_CODES, id) = code;
    __atomic_store_n(&w->state->used[LEDGER_CODES], id + 1, __ATOMIC_RELEASE);
    index_insert(&by_content, code.content, (uint32_t)id);
    return (uint32_t)id;
}

static uint32_t new_instance(void)
{
    if (free_instance) {
        uint32_t id = free_instance;
        free_instance = instances[id].first_node;
        return id;
    }
    if (instance_count + 1 >= instance_capacity) {
        uint32_t capacity = instance_capacity ? instance_capacity * 2 : 4096;
        void *larger = grow_memory(instances, (uint64_t)instance_capacity * sizeof *instances,
                                   (uint64_t)capacity * sizeof *instances);
        if (!larger)
            return 0;
        instances = larger;
        instance_capacity = capacity;
    }
    return ++instance_count;
}

uint32_t barrow_code_intern(PyCodeObject *code, uint32_t *instance)
{
    int64_t at = find_instance(code);
    if (at >= 0) {
        *instance = by_address.cells[at];
        return instances[*instance].content;
    }
    struct barrow_code_view view;
    barrow_code_look(code, &view);
    uint32_t content = intern_content(&view);
    uint32_t id = content ? new_instance() : 0;
    if (!id)
        return 0;
    instances[id] = (struct instance){code, content, 0};
    if (!index_insert(&by_address, mix((uintptr_t)code), id)) {
        instances[id] = (struct instance){NULL, 0, free_instance};
        free_instance = id;
        return 0;
    }
    /* Its death is seen when the block with this mark is freed. */
    uint32_t *slot = barrow_count_make_slot(code);
    if (slot)
        *slot |= PAGEMAP_MARK;
    *instance = id;
    return content;
}

void barrow_code_add_node(uint32_t instance, uint32_t node)
{
    if (node >= node_links_capacity) {
        uint64_t capacity = node_links_capacity ? node_links_capacity * 2 : 16384;
        while (capacity <= node)
            capacity *= 2;
        void *larger = grow_memory(node_links, node_links_capacity * 4, capacity * 4);
        if (!larger)
            return;
        node_links = larger;
        node_links_capacity = capacity;
    }
    node_links[node] = instances[instance].first_node;
    instances[instance].first_node = node;
}

void barrow_code_died(const void *p)
{
    struct recorder *r = &barrow_recorder;
    raw_lock_take(&r->intern_lock);
    int64_t at = find_instance(p);
    if (at >= 0) {
        uint32_t id = by_address.cells[at];
        for (uint32_t n = instances[id].first_node; n; n = node_links[n]) {
            struct ledger_node *node = ledger_record(&r->writer, LEDGER_NODES, n);
            __atomic_store_n(&node->instruction, 0, __ATOMIC_RELAXED);
        }
        index_remove_at(&by_address, (uint32_t)at);
        instances[id] = (struct instance){NULL, 0, free_instance};
        free_instance = id;
        __atomic_add_fetch(&r->generation, 1, __ATOMIC_RELEASE);
    }
    raw_lock_release(&r->intern_lock);
}

static void index_free(struct index *index)
{
    if (index->cells)
        raw_munmap(index->cells, ((uint64_t)index->mask + 1) * 4);
    *index = (struct index){0};
}

void barrow_codes_reset(void)
{
    index_free(&by_address);
    index_free(&by_content);
    index_free(&by_text);
    if (instances)
        raw_munmap(instances, (uint64_t)instance_capacity * sizeof *instances);
    if (node_links)
        raw_munmap(node_links, node_links_capacity * 4);
    instances = NULL;
    node_links = NULL;
    instance_count = instance_capacity = free_instance = 0;
    node_links_capacity = 0;
}

int barrow_codes_init(void)
{
    struct ledger_state *state = barrow_recorder.writer.state;
    barrow_codes_reset();
    state->used[LEDGER_STRINGS] = 4; /* offset 0 is "none" */
    state->used[LEDGER_CODES] = 1;
    return 0;
}
