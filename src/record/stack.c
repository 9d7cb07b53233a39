/* Stacks: the slow side of the walk, and what a stack without Python frames is called. */
#include <string.h>
#include <sys/prctl.h>

#include "cpython/object.h"
#include "record/helper.h"
#include "record/hot.h"

/* ---- thread groups ---- */

/* "worker-12" and "worker-7" are one group: trailing digits, also inside a last ')', become '*'. */
static void group_name(char *name)
{
    size_t n = strlen(name), end = n, digits;
    if (n > 0 &&
        name[n - 1] == ')') { /* "Thread-3 (work)": the number stands before the function */
        char *open = strrchr(name, '(');
        if (open && open > name && open[-1] == ' ')
            end = (size_t)(open - 1 - name);
    }
    for (digits = end; digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9';)
        digits--;
    if (digits == end)
        return;
    name[digits] = '*';
    memmove(name + digits + 1, name + end, n - end + 1);
}

/* A thread that Python doesn't know goes by the name the system has for it. */
static uint32_t native_root(void)
{
    char name[32] = "", own[32] = "";
    prctl(PR_GET_NAME, name);
    int fd = raw_open("/proc/self/comm", O_RDONLY, 0);
    if (fd >= 0) {
        ssize_t n = raw_read(fd, own, sizeof own - 1);
        own[n > 0 ? n - 1 : 0] = '\0';
        raw_close(fd);
    }
    if (!name[0] || strcmp(name, own) == 0)
        strcpy(name, "native");
    group_name(name);
    return barrow_trie_root(name);
}

static uint32_t python_root(struct barrow_thread *t, const barrow_frame *rootmost)
{
    char name[128];
    if ((int)t->tid == barrow_recorder.main_tid)
        return barrow_trie_root("MainThread");
    if (!rootmost || !barrow_thread_name_look(rootmost, name, sizeof name))
        return barrow_trie_root("Thread");
    group_name(name);
    return barrow_trie_root(name);
}

static void set_root(struct barrow_thread *t, uint32_t root)
{
    memset(&t->leaves[-1], 0, sizeof t->leaves[-1]);
    t->leaves[-1].node = t->root = root;
}

/* No Python frame: the stack is the thread group alone. */
static struct barrow_leaf *frameless(struct barrow_thread *t, bool is_python)
{
    t->depth = t->top = 0;
    t->levels[0].frame = NULL;
    if (t->root == NODE_NONE) {
        if ((int)t->tid == barrow_recorder.main_tid) {
            set_root(t, barrow_trie_root("MainThread"));
        } else {
            /* A Python thread is named once its first frame can be seen. */
            memset(&t->leaves[-1], 0, sizeof t->leaves[-1]);
            t->leaves[-1].node = native_root();
            if (!is_python)
                t->root = t->leaves[-1].node;
        }
    }
    return &t->leaves[-1];
}

/* A thread counts once it allocates. */
static void count_thread(struct barrow_thread *t)
{
    if (t->booked || t->is_late)
        return;
    t->booked = 1;
    __atomic_add_fetch(&barrow_recorder.state->threads, 1, __ATOMIC_RELAXED);
}

struct barrow_leaf *barrow_stack_native(struct barrow_thread *t)
{
    count_thread(t);
    if (!t->is_late)
        return frameless(t, false);
    t->leaves[-1].node = barrow_trie_root("ending threads");
    t->leaves[-1].sites[0] = t->leaves[-1].sites[1] = 0;
    return &t->leaves[-1];
}

/* ---- from instructions to nodes ---- */

static void intern_level(struct barrow_thread *t, uint32_t level)
{
    struct barrow_leaf *leaf = &t->leaves[level];
    const struct barrow_leaf *parent = leaf - 1;
    const barrow_frame *f = t->levels[level].frame;
    uintptr_t instruction = barrow_frame_instruction(f);
    t->levels[level].instruction = instruction;
    if (barrow_frame_is_shim(f)) {
        *leaf = *parent;
        return;
    }
    if (parent->node == NODE_FOLDED) {
        *leaf = (struct barrow_leaf){.node = NODE_FOLDED};
        return;
    }
    struct barrow_memo *memo = memo_at(t, parent->node, instruction);
    if (LIKELY(memo->instruction == instruction && memo->parent == parent->node)) {
        *leaf = memo->leaf;
        return;
    }
    if (UNLIKELY(barrow_frame_is_hidden(f))) {
        *leaf = *parent;
        *memo = (struct barrow_memo){instruction, parent->node, 0, *leaf};
        return;
    }
    *leaf = (struct barrow_leaf){.node = barrow_trie_child(parent->node, instruction, f, false)};
    if (leaf->node != NODE_FOLDED)
        *memo = (struct barrow_memo){instruction, parent->node, 0, *leaf};
}

void barrow_stack_intern(struct barrow_thread *t, uint32_t first, uint32_t last)
{
    for (uint32_t level = first; level <= last; level++)
        intern_level(t, level);
}

/* Past the table budget: the 16 leafmost frames, of recursive ones only the first occurrence. */
static uint32_t folded_node(struct barrow_thread *t, barrow_frame *leafmost)
{
    const barrow_frame *kept[16];
    uint32_t count = 0;
    for (const barrow_frame *f = leafmost; f && count < 16; f = barrow_frame_previous(f)) {
        bool seen = barrow_frame_is_hidden(f);
        for (uint32_t i = 0; i < count && !seen; i++)
            seen = barrow_frame_instruction(kept[i]) == barrow_frame_instruction(f);
        if (!seen)
            kept[count++] = f;
    }
    barrow_count_drop(LEDGER_DROP_folded_stacks);
    uint32_t node = barrow_trie_folded_root(t->leaves[-1].node);
    while (count > 0) {
        const barrow_frame *f = kept[--count];
        uint32_t child = barrow_trie_child(node, barrow_frame_instruction(f), f, true);
        if (child == NODE_FOLDED)
            break; /* even this has no room: the rest of the stack is left out */
        node = child;
    }
    return node;
}

uint32_t barrow_stack_site(struct barrow_thread *t, struct barrow_leaf *leaf,
                           enum ledger_domain domain)
{
    uint32_t node = leaf->node;
    if (node == NODE_FOLDED)
        node = folded_node(t, t->levels[leaf - t->leaves].frame);
    uint32_t site = barrow_trie_site(node, domain);
    if (domain > LEDGER_DOMAIN_MEM)
        return site;
    leaf->sites[domain] = site;
    int64_t level = leaf - t->leaves;
    if (level >= 0 && leaf->node != NODE_FOLDED) {
        struct barrow_memo *memo = memo_at(t, leaf[-1].node, t->levels[level].instruction);
        if (memo->leaf.node == leaf->node)
            memo->leaf.sites[domain] = site;
    }
    return site;
}

/* ---- the whole walk ---- */

static void flush_caches(struct barrow_thread *t)
{
    t->flushed = __atomic_load_n(&barrow_recorder.generation, __ATOMIC_ACQUIRE);
    t->depth = t->top = 0;
    t->levels[0].frame = NULL;
    memset(t->memos, 0, MEMOS * sizeof *t->memos);
}

/* More frames than levels: nothing is kept, each capture is folded. */
static struct barrow_leaf *too_deep(struct barrow_thread *t, barrow_frame *leafmost)
{
    t->depth = t->top = 0;
    t->levels[0].frame = NULL;
    t->levels[LEVELS].frame = leafmost;
    t->leaves[LEVELS] = (struct barrow_leaf){.node = NODE_FOLDED};
    return &t->leaves[LEVELS];
}

/* Another leaf than the last walk's: above an old frame are some new ones, or none. */
struct barrow_leaf *barrow_stack_moved(struct barrow_thread *t, PyThreadState *state)
{
    barrow_frame *fresh[NEW_FRAMES], *f = barrow_frame_top(state);
    const struct barrow_level *changed = NULL;
    uint32_t count = 0, level;
    if (t->state != state || t->generation != barrow_recorder.generation || !f)
        return barrow_stack_slow(t, state);
    for (;;) {
        level = t->guesses[guess_index(f)];
        if (level < t->depth && t->levels[level].frame == f)
            break;
        if (count == NEW_FRAMES)
            return barrow_stack_slow(t, state);
        fresh[count++] = f;
        f = barrow_frame_previous(f);
        if (!f)
            return barrow_stack_slow(t, state);
    }
    if (!chain_holds(&t->levels[level], f, &changed))
        return barrow_stack_slow(t, state);
    if (!changed && count == 0) { /* levels above stay valid: the stack may grow there again */
        t->top = level;
        return &t->leaves[level];
    }
    uint32_t first = changed ? (uint32_t)(changed - t->levels) : level + 1;
    if (level + count >= LEVELS)
        return barrow_stack_slow(t, state);
    while (count > 0) {
        f = fresh[--count];
        t->levels[++level].frame = f;
        t->guesses[guess_index(f)] = (uint16_t)level;
    }
    t->top = level;
    t->depth = level + 1;
    barrow_stack_intern(t, first, level);
    return &t->leaves[level];
}

struct barrow_leaf *barrow_stack_slow(struct barrow_thread *t, PyThreadState *state)
{
    uint32_t count = 0;
    if (t->flushed != barrow_recorder.generation)
        flush_caches(t);
    t->generation = t->flushed;
    count_thread(t);
    if (t->state != state) {
        if (!barrow_recorder.many_locks && barrow_state_has_own_lock(state)) {
            barrow_recorder.many_locks = true;
            barrow_threads_set_mode(THREAD_ATOMIC);
        }
        t->state = state;
        t->depth = t->top = 0;
        t->levels[0].frame = NULL;
    }
    barrow_frame *leafmost = barrow_frame_top(state), *rootmost = NULL;
    for (barrow_frame *f = leafmost; f; f = barrow_frame_previous(f)) {
        if (count == LEVELS)
            return too_deep(t, leafmost);
        t->scratch[count++] = f;
        if (!barrow_frame_is_shim(f))
            rootmost = f;
    }
    if (!rootmost)
        return frameless(t, true);
    if (t->root == NODE_NONE)
        set_root(t, python_root(t, rootmost));

    uint32_t same = 0;
    while (same < count && same < t->depth &&
           t->levels[same].frame == t->scratch[count - 1 - same] &&
           t->levels[same].instruction == barrow_frame_instruction(t->levels[same].frame))
        same++;
    for (uint32_t level = same; level < count; level++) {
        barrow_frame *f = t->scratch[count - 1 - level];
        t->levels[level].frame = f;
        t->guesses[guess_index(f)] = (uint16_t)level;
    }
    t->top = count - 1;
    if (same < count) {
        t->depth = count;
        barrow_stack_intern(t, same, count - 1);
    }
    if (UNLIKELY(barrow_recorder.fork_ns != 0)) {
        barrow_helper_maybe_return(t);
        if (barrow_recorder.fork_ns != 0)
            t->generation = ~t->flushed; /* come here again next time */
    }
    return &t->leaves[t->top];
}
