/* Makes ledgers with heap snapshots without running Python.
 *
 *     make-heap TEXT OUT.barrow [BASE.barrow]      the snapshots of a text (see heap_maker.h), in a
 * ledger of their own or added to the ledger BASE make-heap --random SEED OBJECTS EDGES OUT    any
 * graph make-heap --big OBJECTS OUT [SEED]           a heap as programs have them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_maker.h"

static int usage(void)
{
    fputs("usage: make-heap TEXT OUT [BASE] | --random SEED OBJECTS EDGES OUT | --big OBJECTS OUT "
          "[SEED]\n",
          stderr);
    return 2;
}

static unsigned char *read_file(const char *path, size_t *count)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    BARROW_ARRAY(unsigned char) bytes = {0};
    if (!file) {
        perror(path);
        exit(2);
    }
    for (int c; (c = getc(file)) != EOF;)
        *(unsigned char *)barrow_array_add(&bytes) = (unsigned char)c;
    *count = bytes.count;
    *(unsigned char *)barrow_array_add(&bytes) = '\0';
    fclose(file);
    return bytes.items;
}

static int write_ledger(const char *path, struct barrow_heap **heaps, size_t count,
                        const char *base_path)
{
    size_t bytes, base_bytes = 0;
    unsigned char *base = base_path ? read_file(base_path, &base_bytes) : NULL;
    unsigned char *ledger = maker_ledger(heaps, count, base, base_bytes, &bytes);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(ledger, 1, bytes, file) == bytes && fclose(file) == 0;
    if (!good)
        perror(path);
    for (size_t i = 0; i < count; i++)
        barrow_heap_free(heaps[i]);
    free(ledger);
    free(base);
    return good ? 0 : 2;
}

int main(int count, char **words)
{
    struct barrow_heap *heap;
    if (count == 6 && strcmp(words[1], "--random") == 0) {
        heap = maker_random(strtoull(words[2], NULL, 0), (uint32_t)strtoul(words[3], NULL, 0),
                            (uint32_t)strtoul(words[4], NULL, 0));
        return write_ledger(words[5], &heap, 1, NULL);
    }
    if ((count == 4 || count == 5) && strcmp(words[1], "--big") == 0) {
        heap = maker_big((uint32_t)strtoul(words[2], NULL, 0),
                         count == 5 ? strtoull(words[4], NULL, 0) : 1);
        return write_ledger(words[3], &heap, 1, NULL);
    }
    if ((count != 3 && count != 4) || strncmp(words[1], "--", 2) == 0)
        return usage();
    size_t text_bytes, snapshots;
    unsigned line = 0;
    const char *why;
    char *text = (char *)read_file(words[1], &text_bytes);
    struct barrow_heap **heaps = maker_read_text(text, &snapshots, &line, &why);
    if (!heaps) {
        fprintf(stderr, "%s:%u: %s\n", words[1], line, why ? why : "no memory");
        return 2;
    }
    int status = write_ledger(words[2], heaps, snapshots, count == 4 ? words[3] : NULL);
    free(heaps);
    free(text);
    return status;
}
