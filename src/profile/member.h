/* One ledger on its way into a profile.  Private to src/profile.
 *
 * A member translates its ledger's own numbers (string offsets, codes, nodes, sites) to the
 * profile's.  Every translation is made when it is first asked for and kept, so what no site leads
 * to is never looked at, and work and memory are bounded by the size of the ledger, whatever its
 * records say.
 */
#ifndef BARROW_PROFILE_MEMBER_H
#define BARROW_PROFILE_MEMBER_H

#include "ledger/read.h"
#include "profile/lines.h"
#include "profile/module.h"
#include "profile/names.h"

/* Marks in profile_member.nodes, beside nodes and PROFILE_NO_MEMORY. */
#define PROFILE_NODE_UNRESOLVED 0xfffffffeu
#define PROFILE_NODE_IN_WORK 0xfffffffdu

struct profile_code {
    struct profile_text *function, *file; /* NULL: not looked up yet */
    const char *module;
    struct barrow_lines lines;
    bool has_lines;
};

/* The frame last made for some instruction: most nodes repeat the few thousand call sites of a
 * program, and finding them here saves three cache misses. */
enum { PROFILE_SEEN_MOST = 1 << 17 };
struct profile_seen {
    uint32_t code; /* 0: none yet */
    int32_t unit;
    uint32_t frame;
};

struct profile_string { /* STRINGS offset -> text */
    uint32_t offset;
    struct profile_text *text;
};

struct profile_member {
    struct barrow_ledger *ledger;
    struct profile_modules modules;
    struct profile_code *codes; /* by index in CODES */
    struct profile_seen *seen;  /* by hash */
    uint32_t seen_mask;         /* their number, a power of two, - 1 */
    uint32_t *nodes;            /* index in NODES -> node of the profile */
    uint32_t *climb;            /* scratch: a chain of nodes */
    uint32_t site_count;
    uint32_t *sites;            /* index in SITES -> site of the profile + 1, 0: none */
    struct barrow_map string_map;
    BARROW_ARRAY(struct profile_string) strings; /* index 0 is unused */
    uint64_t string_budget, line_budget; /* bytes that may still be looked at */
    uint32_t unknown_nodes;              /* stacks that lead to a damaged node */
    uint32_t process;                    /* index in the profile's processes */
    uint64_t start_ns;                   /* relative to the root's start */
    bool open_climb;                     /* the peak is now */
};

/* Takes the ledger.  false: no memory (profile_member_free is still to be called). */
bool profile_member_init(struct profile_member *member, struct barrow_ledger *ledger);
/* Gives back what is only needed for translating; `sites` and the checkpoints stay. */
void profile_member_trim(struct profile_member *member);
void profile_member_free(struct profile_member *member);

/* The text at a string offset, "" if there is none; NULL: no memory. */
struct profile_text *profile_member_text(struct profile_member *member, struct profile_names *names,
                                         uint32_t offset);

/* The frame of a code at an instruction (stacks.c); PROFILE_NO_MEMORY. */
uint32_t profile_member_frame(struct profile_member *member, struct profile_names *names,
                              uint32_t code, int32_t unit);
/* The frame of a code at a line. */
uint32_t profile_member_line(struct profile_member *member, struct profile_names *names,
                             uint32_t code, uint32_t line);
/* The profile's node for a node of the ledger; 0, the root, if there is none; PROFILE_NO_MEMORY. */
uint32_t profile_member_node(struct profile_member *member, struct profile_names *names,
                             uint32_t node);
/* Makes the nodes of the thread groups; to be called before profile_member_node. */
bool profile_member_threads(struct profile_member *member, struct profile_names *names);

#endif
