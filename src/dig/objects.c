#include "dig/state.h"

#include "os/raw.h"

bool barrow_walk_grow_objects(struct dig_walk *w)
{
    struct dig_column *columns = w->dig->columns;
    size_t room = (size_t)w->room + w->room / 2 + 65536;
    const struct barrow_dig_options *o = w->options;
    bool grown = room < UINT32_MAX && barrow_column_reserve(&columns[COLUMN_ADDRESS], room * 8) &&
                 barrow_column_reserve(&columns[COLUMN_TYPE], room * 4) &&
                 barrow_column_reserve(&columns[COLUMN_BYTES], room * 4) &&
                 (!o->birth || barrow_column_reserve(&columns[COLUMN_BIRTH], room * 4)) &&
                 (!o->with_hashes || barrow_column_reserve(&columns[COLUMN_HASH], room * 4)) &&
                 barrow_column_reserve(&columns[COLUMN_LENGTH], room * 4) &&
                 barrow_column_reserve(&w->reference_column, room * 4) &&
                 barrow_column_reserve(&columns[COLUMN_EDGE_START], (room + 1) * 8);
    if (!grown) {
        w->failed = true;
        return false;
    }
    w->room = (uint32_t)room;
    w->address = columns[COLUMN_ADDRESS].at;
    w->type = columns[COLUMN_TYPE].at;
    w->bytes = columns[COLUMN_BYTES].at;
    w->birth = columns[COLUMN_BIRTH].at;
    w->hash = columns[COLUMN_HASH].at;
    w->length = columns[COLUMN_LENGTH].at;
    w->references = w->reference_column.at;
    w->edge_start = columns[COLUMN_EDGE_START].at;
    return true;
}

bool barrow_walk_grow_edges(struct dig_walk *w)
{
    struct dig_column *columns = w->dig->columns;
    size_t room = w->edge_room + w->edge_room / 2 + 65536;
    if (!barrow_column_reserve(&columns[COLUMN_TARGET], room * 4) ||
        !barrow_column_reserve(&columns[COLUMN_NAME], room * 4)) {
        w->failed = true;
        return false;
    }
    w->edge_room = room;
    w->target = columns[COLUMN_TARGET].at;
    w->name = columns[COLUMN_NAME].at;
    return true;
}

uint32_t *barrow_walk_add_chunk(struct dig_walk *w, const void *o)
{
    uintptr_t address = (uintptr_t)o;
    uint32_t *chunk = NULL;
    if (address >> 47)
        return NULL; /* no address of an object: a mark that a module keeps in its place */
    if (barrow_column_reserve(&w->chunk_column, (w->chunk_count + (size_t)1) * sizeof chunk))
        chunk = raw_memory(PAGEMAP_CHUNK_BYTES);
    if (!chunk) {
        w->failed = true;
        return NULL;
    }
    ((uint32_t **)w->chunk_column.at)[w->chunk_count++] = chunk;
    w->map.chunks[address >> PAGEMAP_CHUNK_BITS] = chunk;
    return pagemap_find(&w->map, o);
}

void *barrow_walk_append(struct dig_walk *w, enum dig_column_number column, uint32_t index,
                         size_t record_bytes)
{
    struct dig_column *c = &w->dig->columns[column];
    if (!barrow_column_reserve(c, (index + (size_t)1) * record_bytes)) {
        w->failed = true;
        return NULL;
    }
    return (char *)c->at + index * record_bytes;
}
