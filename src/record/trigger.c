#include "record/trigger.h"

#include <signal.h>
#include <string.h>

#include "record/hooks_python.h"
#include "record/hot.h"

enum { POLL_NS = 10000000 };

int64_t barrow_trigger_mark = INT64_MAX;

static struct barrow_triggers set;
static unsigned due;       /* atomic */
static int64_t peak_bytes; /* of the last snapshot near the peak */

static bool is_told; /* somebody knows, and will come */

static void is_due(unsigned what)
{
    __atomic_fetch_or(&due, what, __ATOMIC_ACQ_REL);
    if (!__atomic_exchange_n(&is_told, true, __ATOMIC_ACQ_REL) && !set.notify())
        __atomic_store_n(&is_told, false, __ATOMIC_RELEASE); /* the next poll tries again */
}

/* The helper thread tells: in a handler nothing can be done that takes a lock. */
static void on_signal(int number)
{
    (void)number;
    __atomic_fetch_or(&due, BARROW_DUE_SIGNAL, __ATOMIC_ACQ_REL);
}

void barrow_triggers_set(const struct barrow_triggers *triggers)
{
    set = *triggers;
    peak_bytes = 0;
    due = 0;
    if (set.signal) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        sigaction(set.signal, &action, NULL);
    }
    if (set.at_bytes) {
        barrow_trigger_mark = set.at_bytes;
        barrow_hooks_python_count();
    }
}

unsigned barrow_triggers_take(void)
{
    __atomic_store_n(&is_told, false, __ATOMIC_RELEASE);
    return __atomic_exchange_n(&due, 0, __ATOMIC_ACQ_REL);
}

void barrow_triggers_peak_taken(void)
{
    peak_bytes = live_total(barrow_recorder.state);
}

int64_t barrow_triggers_peak_bytes(void)
{
    return peak_bytes;
}

uint64_t barrow_triggers_poll(uint64_t pause_ns)
{
    unsigned already = __atomic_load_n(&due, __ATOMIC_ACQUIRE);
    if (already)
        is_due(already);
    if (!set.at_peak && !set.signal)
        return pause_ns;
    if (set.at_peak && live_total(barrow_recorder.state) > peak_bytes + peak_bytes / 10)
        is_due(BARROW_DUE_PEAK);
    return pause_ns < POLL_NS ? pause_ns : POLL_NS;
}

void barrow_trigger_mark_reached(void)
{
    barrow_trigger_mark = INT64_MAX;
    is_due(BARROW_DUE_MARK);
}
