/* The trie of stacks: nodes, and the sites that hang on them.
 *
 *     root (thread group) ──first_child──► node ──next──► node ──next──► node     up to 8 in a
 * list, │                                    │                                    with more all of
 *       │                              first_child ...                            them in
 * `overflow` └─ site ► site_info ► site_info       one for each domain that allocated at this stack
 *
 * The key of a child is its instruction pointer: it names code and offset in one word.  Nodes
 * and lists only ever grow, new entries are published with a release store, so looking up needs
 * no lock; adding holds the intern lock.
 *
 * Two live code objects can have equal content (a closure made twice).  The node belongs to the
 * content; the second code object's key gets an *alias* node, which points to the first in its
 * `site` field.  A key whose code object died is 0, and is taken over by the next equal one.
 *
 * `overflow` is open addressing over node ids, twice for each node: by (parent, instruction) and
 * by (parent, code, offset).  Bits that an id leaves free hold some of the hash, so that a look at
 * another node's cell seldom costs a look at that node.  Readers may still look at an outgrown
 * table: its pages are given back, so they read zeros, miss, and come again under the lock.
 */
#include <string.h>

#include "cpython/object.h"
#include "record/state.h"

#define LIST_LIMIT 8
#define ROOT_LIMIT 64
#define CHILDREN_IN_OVERFLOW 0x80000000u /* in first_child, beside the list's head */

struct overflow {
    uint32_t mask;
    uint32_t id_mask; /* the bits of a cell that are the node's id */
    uint32_t cells[];
};
static struct overflow *overflow;
static uint32_t overflow_used;

static struct {
    uint32_t name; /* string */
    uint32_t node;
    uint32_t folded; /* its child that stands for frames left out */
} roots[ROOT_LIMIT + 1];
static uint32_t root_count;

static struct ledger_node *node_at(uint32_t id)
{
    return ledger_record(&barrow_recorder.writer, LEDGER_NODES, id);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
    h = (h ^ h >> 29 ^ b) * 0xc4ceb9fe1a85ec53ull;
    return h ^ h >> 32;
}

static uint64_t hash_key(uint32_t parent, uintptr_t instruction)
{
    return mix(parent, instruction);
}

static uint64_t hash_content(uint32_t parent, uint32_t code, int32_t offset)
{
    return mix((uint64_t)parent << 32 | code, (uint32_t)offset | 1ull << 63);
}

static uint32_t tag_of(uint64_t hash, uint32_t id_mask)
{
    return (uint32_t)(hash >> 32) & ~id_mask;
}

static uint32_t first_listed(uint32_t parent)
{
    return node_at(parent)->first_child & ~CHILDREN_IN_OVERFLOW;
}

/* ---- looking up: no lock needed ---- */

static uint32_t resolve(uint32_t id)
{
    struct ledger_node *n = node_at(id);
    return n->code == LEDGER_CODE_ALIAS ? n->site : id;
}

static uint32_t find_key(uint32_t parent, uintptr_t instruction)
{
    uint32_t id = __atomic_load_n(&node_at(parent)->first_child, __ATOMIC_ACQUIRE);
    if (!(id & CHILDREN_IN_OVERFLOW)) {
        for (; id; id = node_at(id)->next)
            if (__atomic_load_n(&node_at(id)->instruction, __ATOMIC_RELAXED) == instruction)
                return resolve(id);
        return 0;
    }
    struct overflow *o = __atomic_load_n(&overflow, __ATOMIC_ACQUIRE);
    uint64_t hash = hash_key(parent, instruction);
    uint32_t id_mask = o->id_mask, tag = tag_of(hash, id_mask);
    for (;; hash++) {
        uint32_t cell = __atomic_load_n(&o->cells[hash & o->mask], __ATOMIC_ACQUIRE);
        if (!cell)
            return 0;
        if ((cell & ~id_mask) != tag)
            continue;
        struct ledger_node *n = node_at(cell & id_mask);
        if (n->parent == parent &&
            __atomic_load_n(&n->instruction, __ATOMIC_RELAXED) == instruction)
            return resolve(cell & id_mask);
    }
}

/* ---- adding: under the intern lock ---- */

static uint64_t table_bytes(void)
{
    struct ledger_state *s = barrow_recorder.state;
    return s->used[LEDGER_NODES] * 36 + s->used[LEDGER_SITES] * 72 + s->used[LEDGER_STRINGS] +
           s->used[LEDGER_CODES] * 40;
}

static bool within_budget(bool past_budget)
{
    struct recorder *r = &barrow_recorder;
    uint64_t budget = r->max_table_bytes;
    if (r->state->best_bytes > 0 && (uint64_t)r->state->best_bytes / 4 > budget)
        budget = (uint64_t)r->state->best_bytes / 4;
    if (past_budget)
        budget += budget / 16;
    return table_bytes() < budget;
}

static uint32_t new_node(uint32_t parent, uint32_t code, int32_t offset, uintptr_t instruction)
{
    struct recorder *r = &barrow_recorder;
    uint64_t id = r->state->used[LEDGER_NODES];
    if (id >= CHILDREN_IN_OVERFLOW || (id >= r->writer.tables[LEDGER_NODES].capacity &&
                                       !ledger_grow(&r->writer, LEDGER_NODES, id + 1)))
        return 0;
    *node_at((uint32_t)id) = (struct ledger_node){
        .instruction = instruction, .parent = parent, .code = code, .offset = offset};
    __atomic_store_n(&r->state->used[LEDGER_NODES], id + 1, __ATOMIC_RELEASE);
    return (uint32_t)id;
}

static void overflow_place(struct overflow *o, uint64_t hash, uint32_t id)
{
    uint32_t cell = tag_of(hash, o->id_mask) | id;
    while (o->cells[hash & o->mask])
        hash++;
    __atomic_store_n(&o->cells[hash & o->mask], cell, __ATOMIC_RELEASE);
}

static void overflow_place_both(struct overflow *o, uint32_t id)
{
    struct ledger_node *n = node_at(id);
    if (n->instruction)
        overflow_place(o, hash_key(n->parent, n->instruction), id);
    if (n->code != LEDGER_CODE_ALIAS)
        overflow_place(o, hash_content(n->parent, n->code, n->offset), id);
}

/* Whether the cell at `index` is the one that is to carry its node over to a larger table: each
 * node stands in the old one once or twice.  It is taken at its content cell, an alias at its only
 * one. */
static bool carries_node(const struct overflow *o, uint64_t index)
{
    uint32_t id = o->cells[index] & o->id_mask;
    struct ledger_node *n = node_at(id);
    if (n->code == LEDGER_CODE_ALIAS)
        return n->instruction != 0;
    uint64_t hash = hash_content(n->parent, n->code, n->offset);
    while (o->cells[hash & o->mask] && (o->cells[hash & o->mask] & o->id_mask) != id)
        hash++;
    return (hash & o->mask) == index;
}

/* Makes room for a node and its siblings. */
static bool overflow_reserve(uint32_t id)
{
    struct overflow *old = overflow;
    uint64_t cells = old ? old->mask + 1ull : 2048;
    uint32_t id_mask = old ? old->id_mask : (1u << 16) - 1;
    if (old && overflow_used * 2ull + 4 * LIST_LIMIT < cells && id <= id_mask)
        return true;
    if (overflow_used * 2ull + 4 * LIST_LIMIT >= cells || !old)
        cells *= 2;
    while (id > id_mask / 2)
        id_mask = id_mask * 2 + 1;
    struct overflow *larger = raw_memory(sizeof *larger + cells * 4);
    if (!larger)
        return false;
    larger->mask = (uint32_t)(cells - 1);
    larger->id_mask = id_mask;
    overflow_used = 0;
    for (uint64_t i = 0; old && i <= old->mask; i++)
        if (old->cells[i] && carries_node(old, i)) {
            overflow_place_both(larger, old->cells[i] & old->id_mask);
            overflow_used += 2;
        }
    __atomic_store_n(&overflow, larger, __ATOMIC_RELEASE);
    if (old)
        BARROW_RAW(SYS_madvise, (char *)old + 4096, old->mask * 4ull & ~4095ull, MADV_DONTNEED);
    return true;
}

static void link_child(uint32_t parent, uint32_t id)
{
    struct ledger_node *p = node_at(parent);
    uint32_t length = 0, flag = p->first_child & CHILDREN_IN_OVERFLOW;
    for (uint32_t child = first_listed(parent); child; child = node_at(child)->next)
        length++;
    if (length < LIST_LIMIT) {
        node_at(id)->next = first_listed(parent);
        __atomic_store_n(&p->first_child, id, __ATOMIC_RELEASE);
        return;
    }
    if (!overflow_reserve(id))
        return;
    overflow_place_both(overflow, id);
    overflow_used += 2;
    if (flag)
        return;
    for (uint32_t child = first_listed(parent); child; child = node_at(child)->next) {
        overflow_place_both(overflow, child);
        overflow_used += 2;
    }
    __atomic_store_n(&p->first_child, p->first_child | CHILDREN_IN_OVERFLOW, __ATOMIC_RELEASE);
}

/* The child with this content. */
static uint32_t find_content(uint32_t parent, uint32_t code, int32_t offset)
{
    if (!(node_at(parent)->first_child & CHILDREN_IN_OVERFLOW)) {
        for (uint32_t id = first_listed(parent); id; id = node_at(id)->next)
            if (node_at(id)->code == code && node_at(id)->offset == offset)
                return id;
        return 0;
    }
    const struct overflow *o = overflow;
    uint64_t hash = hash_content(parent, code, offset);
    uint32_t tag = tag_of(hash, o->id_mask);
    for (; o->cells[hash & o->mask]; hash++) {
        uint32_t cell = o->cells[hash & o->mask];
        struct ledger_node *n = node_at(cell & o->id_mask);
        if ((cell & ~o->id_mask) == tag && n->parent == parent && n->code == code &&
            n->offset == offset)
            return cell & o->id_mask;
    }
    return 0;
}

static uint32_t find_dead_alias(uint32_t parent, uint32_t of)
{
    for (uint32_t id = first_listed(parent); id; id = node_at(id)->next)
        if (node_at(id)->code == LEDGER_CODE_ALIAS && node_at(id)->site == of &&
            node_at(id)->instruction == 0)
            return id;
    return 0;
}

/* Gives node `id`, which is keyless, the key `instruction` of code object `instance`. */
static void set_key(uint32_t id, uintptr_t instruction, uint32_t instance)
{
    struct ledger_node *n = node_at(id);
    __atomic_store_n(&n->instruction, instruction, __ATOMIC_RELEASE);
    barrow_code_add_node(instance, id);
    if (node_at(n->parent)->first_child & CHILDREN_IN_OVERFLOW &&
        find_key(n->parent, instruction) == 0 && overflow_reserve(id)) {
        overflow_place(overflow, hash_key(n->parent, instruction), id);
        overflow_used++;
    }
}

static uint32_t add_child(uint32_t parent, uintptr_t instruction, const barrow_frame *frame,
                          bool past_budget)
{
    uint32_t instance, code;
    PyCodeObject *object = barrow_frame_code(frame);
    if (!within_budget(past_budget))
        return NODE_FOLDED;
    code = barrow_code_intern(object, &instance);
    if (!code)
        return NODE_FOLDED;
    int32_t offset = (int32_t)((intptr_t)(instruction - (uintptr_t)object->co_code_adaptive) / 2);
    uint32_t same = find_content(parent, code, offset);
    uint32_t id;
    if (same && node_at(same)->instruction == 0) {
        set_key(same, instruction, instance);
        return same;
    }
    if (same) {
        id = find_dead_alias(parent, same);
        if (id) {
            set_key(id, instruction, instance);
            return same;
        }
        id = new_node(parent, LEDGER_CODE_ALIAS, 0, instruction);
        if (id)
            node_at(id)->site = same;
    } else {
        id = new_node(parent, code, offset, instruction);
    }
    if (!id)
        return NODE_FOLDED;
    barrow_code_add_node(instance, id);
    link_child(parent, id);
    return same ? same : id;
}

uint32_t barrow_trie_child(uint32_t parent, uintptr_t instruction, const barrow_frame *frame,
                           bool past_budget)
{
    struct recorder *r = &barrow_recorder;
    uint32_t id = find_key(parent, instruction);
    if (id)
        return id;
    raw_lock_take(&r->intern_lock);
    id = find_key(parent, instruction);
    if (!id)
        id = add_child(parent, instruction, frame, past_budget);
    raw_lock_release(&r->intern_lock);
    return id;
}

/* ---- roots ---- */

static uint32_t new_root(uint32_t name)
{
    struct recorder *r = &barrow_recorder;
    uint64_t group = r->state->used[LEDGER_THREAD_GROUPS];
    uint32_t id = new_node(0, 0, 0, 0);
    if (!id || group >= r->writer.tables[LEDGER_THREAD_GROUPS].capacity)
        return NODE_NONE;
    *(struct ledger_thread_group *)ledger_record(&r->writer, LEDGER_THREAD_GROUPS, group) =
        (struct ledger_thread_group){.name = name, .node = id};
    __atomic_store_n(&r->state->used[LEDGER_THREAD_GROUPS], group + 1, __ATOMIC_RELEASE);
    roots[root_count].name = name;
    roots[root_count].node = id;
    roots[root_count].folded = 0;
    root_count++;
    return id;
}

uint32_t barrow_trie_root(const char *group_name)
{
    struct recorder *r = &barrow_recorder;
    uint32_t id = NODE_NONE;
    raw_lock_take(&r->intern_lock);
    for (int attempt = 0; attempt < 2 && id == NODE_NONE; attempt++) {
        uint32_t name = barrow_string_intern(group_name, (uint32_t)strlen(group_name));
        for (uint32_t i = 0; i < root_count; i++)
            if (name && roots[i].name == name)
                id = roots[i].node;
        if (id == NODE_NONE && (root_count < ROOT_LIMIT - 1 || attempt == 1) &&
            root_count < ROOT_LIMIT)
            id = new_root(name);
        group_name = "other";
    }
    if (id == NODE_NONE && root_count)
        id = roots[0].node;
    for (uint32_t i = 0; i < root_count; i++)
        if (roots[i].node == id) {
            struct ledger_thread_group *g = ledger_record(&r->writer, LEDGER_THREAD_GROUPS, i);
            g->threads++;
        }
    raw_lock_release(&r->intern_lock);
    return id;
}

uint32_t barrow_trie_folded_root(uint32_t root)
{
    uint32_t id = root;
    raw_lock_take(&barrow_recorder.intern_lock);
    for (uint32_t i = 0; i < root_count; i++) {
        if (roots[i].node != root)
            continue;
        if (!roots[i].folded) {
            roots[i].folded = new_node(root, LEDGER_CODE_FOLDED, 0, 0);
            if (roots[i].folded)
                link_child(root, roots[i].folded);
        }
        id = roots[i].folded ? roots[i].folded : root;
    }
    raw_lock_release(&barrow_recorder.intern_lock);
    return id;
}

/* ---- sites ---- */

/* A link to a site says its domain too, so that the first one costs no look at SITE_INFO. */
static uint32_t find_site(const struct ledger_node *n, enum ledger_domain domain)
{
    uint32_t link = __atomic_load_n(&n->site, __ATOMIC_ACQUIRE);
    while (link) {
        if ((link & 3) == (uint32_t)domain)
            return link >> 2;
        struct ledger_site_info *info =
            ledger_record(&barrow_recorder.writer, LEDGER_SITE_INFO, link >> 2);
        link = info->domain_next >> 4;
    }
    return 0;
}

static uint32_t add_site(uint32_t node, enum ledger_domain domain)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_writer *w = &r->writer;
    uint64_t id = r->state->used[LEDGER_SITES];
    if (id > PAGEMAP_SITE_MASK)
        return 0;
    if (id >= w->tables[LEDGER_SITES].capacity && !ledger_grow(w, LEDGER_SITES, id + 1))
        return 0;
    if (id >= w->tables[LEDGER_SITE_INFO].capacity && !ledger_grow(w, LEDGER_SITE_INFO, id + 1))
        return 0;
    r->sites = (struct ledger_site *)w->tables[LEDGER_SITES].base;
    struct ledger_site_info *info = ledger_record(w, LEDGER_SITE_INFO, id);
    info->node = node;
    info->domain_next = (uint32_t)domain | node_at(node)->site << 4;
    __atomic_store_n(&r->state->used[LEDGER_SITE_INFO], id + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&r->state->used[LEDGER_SITES], id + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&node_at(node)->site, (uint32_t)id << 2 | domain, __ATOMIC_RELEASE);
    return (uint32_t)id;
}

uint32_t barrow_trie_site(uint32_t node, enum ledger_domain domain)
{
    struct recorder *r = &barrow_recorder;
    uint32_t id = find_site(node_at(node), domain);
    if (id)
        return id;
    raw_lock_take(&r->intern_lock);
    id = find_site(node_at(node), domain);
    if (!id)
        id = add_site(node, domain);
    raw_lock_release(&r->intern_lock);
    return id;
}

void barrow_trie_forget_sites(void)
{
    uint64_t count = barrow_recorder.state->used[LEDGER_NODES];
    for (uint32_t i = 1; i < count; i++)
        if (node_at(i)->code != LEDGER_CODE_ALIAS)
            node_at(i)->site = 0;
}

void barrow_trie_reset(void)
{
    if (overflow)
        raw_munmap(overflow, sizeof *overflow + (overflow->mask + 1ull) * 4);
    overflow = NULL;
    overflow_used = 0;
    root_count = 0;
    memset(roots, 0, sizeof roots);
}

int barrow_trie_init(void)
{
    struct recorder *r = &barrow_recorder;
    barrow_trie_reset();
    r->state->used[LEDGER_NODES] = 1;
    r->state->used[LEDGER_SITES] = 1;
    r->state->used[LEDGER_SITE_INFO] = 1;
    r->sites = (struct ledger_site *)r->writer.tables[LEDGER_SITES].base;
    return 0;
}
