/* Brings the hooks into a running process, once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/raw.h"
#include "record/native/got.h"
#include "record/record.h"

static struct {
    raw_lock lock;
    bool done;
    char allocator[sizeof((struct barrow_native_report *)0)->allocator];
} installed;

static void fill_report(struct barrow_native_report *report)
{
    struct barrow_got_counts counts = barrow_got_counts();

    *report = (struct barrow_native_report){
        .objects_patched = counts.objects,
        .slots_patched = counts.slots,
    };
    memcpy(report->allocator, installed.allocator, sizeof report->allocator);
    if (barrow_originals_miss_cxx())
        snprintf(report->note, sizeof report->note,
                 "operator new of %s is not seen: blocks of C++ code are missing",
                 installed.allocator);
    else if (counts.failed > 0)
        snprintf(report->note, sizeof report->note,
                 "%zu calls of allocation functions are not seen: their slots can't be written",
                 counts.failed);
    else if (counts.foreign > 0)
        snprintf(
            report->note, sizeof report->note,
            "%zu calls of allocation functions are not seen: they lead to another library than %s",
            counts.foreign, installed.allocator);
}

int barrow_native_install(struct barrow_native_report *report)
{
    int error = errno;

    raw_lock_take(&installed.lock);
    if (!installed.done)
        installed.done = barrow_originals_find(installed.allocator, sizeof installed.allocator);
    bool done = installed.done;
    raw_lock_release(&installed.lock);
    if (done)
        barrow_got_patch_new();
    if (report && done)
        fill_report(report);
    else if (report)
        *report = (struct barrow_native_report){
            .note =
                "the C library's allocation functions were not found: only Python's are recorded"};
    errno = error;
    return done ? 0 : -1;
}

void barrow_native_refresh(void)
{
    int error = errno;
    if (__atomic_load_n(&installed.done, __ATOMIC_RELAXED))
        barrow_got_patch_new();
    errno = error;
}
