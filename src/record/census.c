/* Class censuses in the ledger of the recording. */
#include "ledger/census.h"
#include "record/recorder.h"
#include "record/state.h"

static uint32_t intern(void *unused, const char *text, uint32_t bytes)
{
    (void)unused;
    return barrow_string_intern(text, bytes);
}

bool barrow_recorder_census(const struct ledger_census *head,
                            const struct ledger_census_class *classes, size_t count)
{
    static struct ledger_census_writer writer;
    static uint64_t recording; /* which one it writes to: another one has another start */
    struct recorder *r = &barrow_recorder;
    struct ledger_census timed = *head;
    if (!r->on)
        return false;
    raw_lock_take(&r->intern_lock);
    if (recording != r->start_ns)
        ledger_census_reset(&writer);
    recording = r->start_ns;
    writer.ledger = &r->writer;
    writer.intern = intern;
    timed.time_ns = barrow_now();
    bool done = ledger_census_put(&writer, &timed, classes, count);
    raw_lock_release(&r->intern_lock);
    return done;
}
