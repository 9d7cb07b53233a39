/* The tables of heap snapshots: snapshots, types, objects, roots, refs, unowned.  Private to src/export/sql_*.c. */
#ifndef BARROW_EXPORT_SQL_HEAP_H
#define BARROW_EXPORT_SQL_HEAP_H

#include "export/sql_tables.h"

#define BARROW_SQL_HEAP_TABLES(X) \
    X(snapshots)                  \
    X(types)                      \
    X(objects)                    \
    X(roots)                      \
    X(refs)                       \
    X(unowned)

#define X(name) extern const struct barrow_sql_table barrow_sql_table_##name;
BARROW_SQL_HEAP_TABLES(X)
#undef X

/* Reads all snapshots of the recording into data->heaps, which may hold less already. */
int barrow_sql_heaps_load(struct barrow_sql_data *data, enum barrow_sql_need need,
                          struct barrow_error *err);
bool barrow_sql_heaps_are_loaded(const struct barrow_sql_heaps *heaps, enum barrow_sql_need need);
void barrow_sql_heaps_free(struct barrow_sql_heaps *heaps);

#endif
