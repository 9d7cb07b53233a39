#include "cli/source.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/memory.h"

/* Opens a plain file of reasonable size that was not changed since. */
static FILE *open_source(const char *file, uint64_t recorded_until_ns)
{
    struct stat info;
    /* The name comes out of the ledger: don't wait for a pipe it may name. */
    int fd = *file ? open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

    if (fd < 0)
        return NULL;
    bool fits = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size < 64 << 20;
    uint64_t changed_ns =
        (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec;
    FILE *stream = fits && changed_ns <= recorded_until_ns ? fdopen(fd, "r") : NULL;
    if (!stream)
        close(fd);
    return stream;
}

static char *trimmed(char *line)
{
    char *start = line + strspn(line, " \t\f");
    size_t length = strlen(start);

    while (length && strchr(" \t\r\n\f", start[length - 1]))
        start[--length] = '\0';
    for (char *p = start; *p; p++)
        if (*p == '\t')
            *p = ' ';
    return length ? barrow_copy(start) : NULL;
}

char *barrow_source_line(const char *file, uint32_t line, uint64_t recorded_until_ns)
{
    FILE *stream = line ? open_source(file, recorded_until_ns) : NULL;
    char *text = NULL, *found = NULL;
    size_t room = 0;
    uint32_t number = 0;

    if (!stream)
        return NULL;
    while (number < line && getline(&text, &room, stream) >= 0)
        number++;
    if (number == line)
        found = trimmed(text);
    free(text);
    fclose(stream);
    return found;
}

char **barrow_source_lines(const char *file, uint32_t first, uint32_t last,
                           uint64_t recorded_until_ns)
{
    FILE *stream = open_source(file, recorded_until_ns);
    char *text = NULL;
    size_t room = 0;

    if (!stream)
        return NULL;
    char **lines = barrow_allocate(((size_t)last - first + 1) * sizeof *lines);
    memset(lines, 0, ((size_t)last - first + 1) * sizeof *lines);
    for (uint32_t number = 1; number <= last && getline(&text, &room, stream) >= 0; number++) {
        if (number < first)
            continue;
        text[strcspn(text, "\r\n")] = '\0';
        for (char *p = text; *p; p++)
            if (*p == '\t' || *p == '\f')
                *p = ' ';
        lines[number - first] = barrow_copy(text);
    }
    free(text);
    fclose(stream);
    return lines;
}

void barrow_source_free(char **lines, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; lines && i <= last - first; i++)
        free(lines[i]);
    free(lines);
}
