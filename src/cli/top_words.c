#include "cli/top_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/memory.h"
#include "table/series.h"
#include "table/summary.h"

char *barrow_top_command(const struct barrow_top *top)
{
    const char *command = top->profile->command ? top->profile->command : "";
    const char *slash = memrchr(command, '/', strcspn(command, " "));

    if (!*command)
        return barrow_copy("(no command)");
    return barrow_copy(*command == '/' && slash[1] != ' ' ? slash + 1 : command);
}

/* "pid 4242, running for 12 s"; "3 processes, ended after 12 s: the program ended" */
char *barrow_top_life(const struct barrow_top *top, const struct barrow_terminal *t)
{
    const struct barrow_profile *p = top->profile;
    const struct barrow_process *process = barrow_deciding_process(p);
    char *ran = barrow_duration(t, p->duration_ns);
    char *who = p->process_count > 1 ? barrow_format("%zu processes", p->process_count)
                                     : barrow_format("pid %u", p->pid);
    char *text;

    if (top->state == TOP_RUNNING)
        text = barrow_format("%s, running for %s", who, ran);
    else if (top->state == TOP_LOST)
        text = barrow_format("%s, gone after %s (killed?)", who, ran);
    else
        text = barrow_format("%s, ended after %s: %s", who, ran,
                             process ? barrow_end_words(process->end) : "");
    free(who);
    free(ran);
    return text;
}

uint64_t barrow_top_rss(const struct barrow_profile *p)
{
    uint64_t sum = 0;

    for (size_t process = 0; process < p->process_count; process++) {
        if (p->process_count > 1 && p->processes[process].end != LEDGER_END_NONE)
            continue;
        for (size_t i = p->sample_count; i-- > 0;)
            if (p->samples[i].process == process) {
                sum += p->samples[i].rss_bytes;
                break;
            }
    }
    return sum;
}

/* "RSS 41 MiB, max 45 MiB   heap 20 MiB, 1,234 blocks   peak 22 MiB at 1.0 s" */
char *barrow_top_memory(const struct barrow_top *top, const struct barrow_terminal *t)
{
    const struct barrow_profile *p = top->profile;
    char rss[BARROW_UNITS_ROOM], max[BARROW_UNITS_ROOM], heap[BARROW_UNITS_ROOM];
    char blocks[BARROW_UNITS_ROOM], peak[BARROW_UNITS_ROOM];
    char *when = barrow_duration(t, p->peak_ns);
    uint64_t now = barrow_top_rss(p);
    uint64_t most = p->max_rss_bytes > now ? p->max_rss_bytes : now;

    char *text = barrow_format(
        "RSS %s, max %s   heap %s, %s block%s   peak %s at %s",
        now ? barrow_units_bytes(rss, now) : "?", most ? barrow_units_bytes(max, most) : "?",
        barrow_units_bytes(heap, p->live_bytes), barrow_units_count(blocks, p->live_blocks),
        p->live_blocks == 1 ? "" : "s", barrow_units_bytes(peak, p->peak_bytes), when);
    free(when);
    return text;
}

/* "allocating 12,345/s, 3.1 MiB/s   gc 12   heap +1.2 MiB in the last 4.0 s" */
char *barrow_top_activity(const struct barrow_top *top, const struct barrow_terminal *t)
{
    const struct barrow_profile *p = top->profile;
    char count[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM], gc[BARROW_UNITS_ROOM];
    char growth[TOP_CELL_ROOM];
    uint64_t collections = 0;

    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++)
        collections += p->gc[i].collections;
    barrow_units_count(count, top->allocations_per_s);
    barrow_units_bytes(bytes, top->bytes_per_s);
    barrow_units_count(gc, collections);
    if (!top->before)
        return barrow_format("allocating %s/s, %s/s on average   gc %s", count, bytes, gc);
    char *since = barrow_duration(t, p->duration_ns - top->baseline_ns);
    barrow_top_growth(growth, top->growth_bytes);
    char *text = barrow_format("allocating %s/s, %s/s   gc %s   heap %s in the last %s", count,
                               bytes, gc, *growth ? growth : "+0 B", since);
    free(since);
    return text;
}

/* ---- cells ---- */

char *barrow_top_growth(char *text, int64_t bytes)
{
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

    *text = '\0';
    if (bytes) {
        *text = bytes < 0 ? '-' : '+';
        barrow_units_bytes(text + 1, size);
    }
    return text;
}

char *barrow_top_rate(char *text, uint64_t bytes)
{
    *text = '\0';
    if (bytes)
        strcat(barrow_units_bytes(text, bytes), "/s");
    return text;
}

char *barrow_top_count(char *text, uint64_t count)
{
    *text = '\0';
    return count ? barrow_units_count(text, count) : text;
}

char *barrow_top_row_name(const struct barrow_top_row *row, enum top_group by)
{
    const char *name = row->row->function;

    if (by == TOP_BY_FILE)
        return *row->row->name ? barrow_place(row->row->name, 0) : barrow_copy(barrow_no_frame);
    if (by == TOP_BY_MODULE)
        name = row->row->name;
    return barrow_copy(*name ? name : barrow_no_frame);
}

char *barrow_top_row_place(const struct barrow_top_row *row, enum top_group by)
{
    if (by == TOP_BY_LINE || by == TOP_BY_FUNCTION)
        return barrow_place(row->row->file, row->row->line);
    return barrow_copy("");
}
