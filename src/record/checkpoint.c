/* A checkpoint lists the sites whose live bytes or blocks have changed since the one before, as
 * absolute values, so a reader goes through them in order and keeps the last value of each site.
 *
 * The store is bounded.  When it is full every second checkpoint goes: its entries are merged into
 * the next one, where a later value of the same site wins, and the interval doubles.
 *
 *     | A: 1 2 3 | B: 2 4 | C: 1 | D: 5 |   ──►   | A: 1 2 3 | B+C: 1 2 4 | D: 5 |
 *
 * The last one always stays as it is.  While the store is rewritten its `used` is 0: a kill in
 * that moment costs the checkpoints, never the counters.
 */
#include "record/checkpoint.h"

#include <string.h>

#include "base/crc32.h"
#include "record/hot.h"

#define LEAST_BUDGET (512ull << 10)

typedef struct ledger_checkpoint checkpoint;
typedef struct ledger_checkpoint_entry entry;

static uint32_t *seen; /* per site: a hash of the values last stored, 0: none */
static uint64_t seen_capacity;
static uint64_t stored; /* checkpoints in the store */

static uint32_t digest(uint64_t bytes, uint64_t blocks)
{
    uint64_t h = (bytes * 0x9e3779b97f4a7c15ull) ^ (blocks * 0xc4ceb9fe1a85ec53ull);
    return bytes || blocks ? (uint32_t)(h >> 32) | 1 : 0;
}

static bool make_room_for_seen(uint64_t sites)
{
    if (sites <= seen_capacity)
        return true;
    uint64_t capacity = seen_capacity ? seen_capacity * 2 : 4096;
    while (capacity < sites)
        capacity *= 2;
    uint32_t *larger = raw_memory(capacity * sizeof *larger);
    if (!larger)
        return false;
    if (seen) {
        memcpy(larger, seen, seen_capacity * sizeof *seen);
        raw_munmap(seen, seen_capacity * sizeof *seen);
    }
    seen = larger;
    seen_capacity = capacity;
    return true;
}

/* A site's live values, read while others change them: never below zero. */
static void read_live(const struct ledger_site *site, uint64_t *bytes, uint64_t *blocks)
{
    int64_t b = (int64_t)(__atomic_load_n(&site->allocated_bytes, __ATOMIC_RELAXED) -
                          __atomic_load_n(&site->freed_bytes, __ATOMIC_RELAXED));
    int64_t n = (int64_t)(__atomic_load_n(&site->allocations, __ATOMIC_RELAXED) -
                          __atomic_load_n(&site->frees, __ATOMIC_RELAXED));
    *bytes = b > 0 ? (uint64_t)b : 0;
    *blocks = n > 0 ? (uint64_t)n : 0;
}

/* Merges entries of `from` into `into`; `where` maps a site to its entry's place + 1. */
static uint32_t merge(entry *into, uint32_t count, const entry *from, uint32_t from_count,
                      uint32_t *where)
{
    for (uint32_t i = 0; i < from_count; i++) {
        uint32_t *place = &where[from[i].site];
        if (!*place)
            *place = ++count;
        into[*place - 1] = from[i];
    }
    return count;
}

/* Rewrites `used` bytes at `base` with every second checkpoint merged into the next; the new
 * length.  `copy` and `where` are zeroed memory of `used` bytes and of one word a site. */
static uint64_t thin(uint8_t *base, uint64_t used, uint8_t *copy, uint32_t *where)
{
    uint64_t from = 0, to = 0, index = 0;
    memcpy(copy, base, used);
    while (from < used) {
        const checkpoint *c = (const checkpoint *)(copy + from);
        const checkpoint *next = NULL;
        uint64_t after = from + sizeof *c + c->entries * sizeof(entry);
        checkpoint *out = (checkpoint *)(base + to);
        entry *entries = (entry *)(out + 1);
        checkpoint head = *c;
        uint32_t count;
        if (index % 2 == 1 && after < used)
            next = (const checkpoint *)(copy + after);
        if (next) {
            count = merge(entries, 0, (const entry *)(c + 1), c->entries, where);
            count = merge(entries, count, (const entry *)(next + 1), next->entries, where);
            for (uint32_t i = 0; i < count; i++)
                where[entries[i].site] = 0;
            head = *next;
            after += sizeof *next + next->entries * sizeof(entry);
            index++;
        } else {
            count = c->entries;
            memmove(entries, c + 1, count * sizeof(entry));
        }
        head.entries = count;
        head.checksum = barrow_crc32(entries, count * sizeof(entry));
        *out = head;
        to += sizeof head + count * sizeof(entry);
        from = after;
        index++;
        stored++;
    }
    return to;
}

static bool thin_store(struct ledger_state *state, uint8_t *base)
{
    uint64_t used = state->used[LEDGER_CHECKPOINTS], copy_bytes = used + 4096;
    uint8_t *copy = raw_memory(copy_bytes);
    uint32_t *where = raw_memory(seen_capacity * sizeof *where);
    if (copy && where) {
        stored = 0;
        __atomic_store_n(&state->used[LEDGER_CHECKPOINTS], 0, __ATOMIC_RELEASE);
        used = thin(base, used, copy, where);
        __atomic_store_n(&state->used[LEDGER_CHECKPOINTS], used, __ATOMIC_RELEASE);
        state->checkpoint_interval_ns *= 2;
    }
    if (copy)
        raw_munmap(copy, copy_bytes);
    if (where)
        raw_munmap(where, seen_capacity * sizeof *where);
    return copy && where;
}

/* Makes room for `bytes` more, by growing within the budget, else by thinning. */
static bool make_room(struct ledger_writer *w, uint64_t bytes)
{
    struct ledger_state *state = w->state;
    uint64_t tables = state->used[LEDGER_NODES] * 32 + state->used[LEDGER_SITES] * 72;
    uint64_t budget = tables / 4 > LEAST_BUDGET ? tables / 4 : LEAST_BUDGET;
    for (int attempt = 0; attempt < 12; attempt++) {
        uint64_t end = state->used[LEDGER_CHECKPOINTS] + bytes;
        uint64_t capacity = w->tables[LEDGER_CHECKPOINTS].capacity;
        if (end <= capacity)
            return true;
        if (end <= budget && ledger_grow(w, LEDGER_CHECKPOINTS, end))
            return true;
        if (stored < 3 || !thin_store(state, w->tables[LEDGER_CHECKPOINTS].base))
            return false;
    }
    return false;
}

void barrow_checkpoint_take(uint64_t now_ns)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    uint64_t sites = state->used[LEDGER_SITES], changed = 0, bytes, blocks;
    const struct ledger_site *table =
        (const struct ledger_site *)r->writer.tables[LEDGER_SITES].base;
    if (!make_room_for_seen(sites))
        return;
    for (uint64_t i = 1; i < sites; i++) {
        read_live(&table[i], &bytes, &blocks);
        changed += digest(bytes, blocks) != seen[i];
    }
    /* Some more may change while we look. */
    uint64_t limit = changed + changed / 8 + 16;
    if (!make_room(&r->writer, sizeof(checkpoint) + limit * sizeof(entry))) {
        state->dropped[LEDGER_DROP_lost_checkpoints]++;
        state->checkpoint_interval_ns *= 2;
        return;
    }
    uint8_t *base = r->writer.tables[LEDGER_CHECKPOINTS].base + state->used[LEDGER_CHECKPOINTS];
    entry *entries = (entry *)(base + sizeof(checkpoint));
    uint32_t count = 0;
    for (uint64_t i = 1; i < sites && count < limit; i++) {
        read_live(&table[i], &bytes, &blocks);
        if (digest(bytes, blocks) == seen[i])
            continue;
        seen[i] = digest(bytes, blocks);
        entries[count++] =
            (entry){.site = (uint32_t)i, .live_blocks = (uint32_t)blocks, .live_bytes = bytes};
    }
    int64_t live = live_total(state);
    *(checkpoint *)base = (checkpoint){
        .magic = LEDGER_CHECKPOINT_MAGIC,
        .entries = count,
        .time_ns = now_ns,
        .live_bytes = live > 0 ? (uint64_t)live : 0,
        .checksum = barrow_crc32(entries, count * sizeof(entry)),
    };
    stored++;
    __atomic_store_n(&state->used[LEDGER_CHECKPOINTS],
                     state->used[LEDGER_CHECKPOINTS] + sizeof(checkpoint) + count * sizeof(entry),
                     __ATOMIC_RELEASE);
}

void barrow_checkpoint_reset(void)
{
    if (seen)
        raw_munmap(seen, seen_capacity * sizeof *seen);
    seen = NULL;
    seen_capacity = 0;
    stored = 0;
}
