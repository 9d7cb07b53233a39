/* Reading heap snapshots.  Private to src/ledger/heap_read.c (streams, parts) and heap_decode.c (what
 * parts mean). */
#ifndef BARROW_LEDGER_HEAP_READ_H
#define BARROW_LEDGER_HEAP_READ_H

#include "ledger/heap_code.h"
#include "ledger/read_source.h"

struct heap_range { /* a stream in the HEAP table */
    uint64_t start, end;
    struct heap_stream head;
};

struct heap_reader {
    const struct barrow_ledger *ledger;
    struct barrow_heap *heap;
    struct heap_range place;
    uint64_t items[HEAP_PART_LIMIT]; /* that a column has, by the stream's head */
    uint64_t done[HEAP_PART_LIMIT];  /* items of all parts so far, gaps among them */
    uint64_t read[HEAP_PART_LIMIT];  /* items that could be read */
    uint64_t string_bytes;           /* of the strings read so far */
    bool needs_zstd;
    struct heap_model model;
    uint64_t raw_room, stored_room; /* as large as a part of this stream can be */
    uint8_t *raw, *stored;
};

/* Finds snapshot *number (0: the last) and sets its number. (heap_read.c) */
int heap_find(struct heap_range *range, const struct barrow_ledger *ledger, uint32_t *number,
              struct barrow_error *err);
/* The part that begins at or behind *offset, which becomes its place; false: there are no more. */
bool heap_next_part(const struct ledger_lazy *store, uint64_t *offset, uint64_t end,
                    struct heap_part *part);
uint64_t heap_after_part(uint64_t offset, const struct heap_part *part);

/* ---- heap_decode.c ---- */

/* Fills the heap's numbers and reader->items from the stream's head. */
void heap_take_head(struct heap_reader *reader, uint32_t number);
/* Zeroed memory for the columns whose part kinds are bits of `wanted`. */
bool heap_take_memory(struct heap_reader *reader, uint32_t wanted);
/* Stores the items of the part whose bytes are in reader->raw; false: they are not what was promised.
 * Then some of them may have been stored. */
bool heap_decode(struct heap_reader *reader, const struct heap_part *part);
/* Checks what refers to what once all is read.  Returns the kind of the part without which nothing can
 * be shown and which is wrong, or 0. */
unsigned heap_check_columns(struct heap_reader *reader, uint32_t wanted,
                            struct barrow_notes *warnings);

#endif
