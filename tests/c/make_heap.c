/* Makes ledgers with heap snapshots without running Python.
 *
 *     make-heap TEXT OUT [BASE]      the snapshots of a text (see heap_maker.h), in a ledger of
 * their own, or added to the ledger BASE make-heap --random SEED OBJECTS EDGES OUT    any graph
 *     make-heap --big OBJECTS OUT [SEED]           a heap as programs have them
 *     make-heap --seed LEDGER OUT    its HEAP table alone, nothing compressed: for fuzzing
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_maker.h"
#include "ledger/heap_code.h"
#include "ledger/read_source.h"
#include "ledger/zstd.h"

static int usage(void)
{
    fputs("usage: make-heap TEXT OUT [BASE] | --random SEED OBJECTS EDGES OUT |\n"
          "       --big OBJECTS OUT [SEED] | --seed LEDGER OUT\n",
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

/* Parts of a stream at `at`, up to its end, unpacked. */
static const uint8_t *write_parts(const uint8_t *at, const uint8_t *end, FILE *to)
{
    static uint8_t raw[HEAP_PART_ROOM];
    struct heap_part part = {0};
    while (at + sizeof part <= end && part.kind != HEAP_PART_END) {
        memcpy(&part, at, sizeof part);
        const uint8_t *bytes = at + sizeof part;
        at = bytes + heap_padded(part.stored_bytes);
        if (part.codec) {
            ledger_zstd_unpack(raw, sizeof raw, bytes, part.stored_bytes);
            bytes = raw;
        }
        part.codec = 0;
        part.stored_bytes = part.raw_bytes;
        part.checksum = 0;
        part.checksum = barrow_crc32_more(barrow_crc32(&part, sizeof part), bytes, part.raw_bytes);
        fwrite(&part, sizeof part, 1, to);
        fwrite(bytes, part.raw_bytes, 1, to);
        fwrite("\0\0\0\0\0\0\0", heap_padded(part.raw_bytes) - part.raw_bytes, 1, to);
    }
    return at;
}

static int write_seed(const char *path, const char *out)
{
    struct barrow_ledger *ledger;
    struct barrow_error err;
    if (barrow_ledger_open(&ledger, path, &err) < 0 || !ledger->heap) {
        fprintf(stderr, "make-heap: %s: no heap snapshot\n", path);
        return 2;
    }
    uint64_t count = ledger->heap->bytes;
    uint8_t *bytes = malloc(count);
    FILE *file = fopen(out, "wb");
    ledger_lazy_read(ledger->heap, 0, bytes, count);
    for (const uint8_t *at = bytes; file && at + sizeof(struct heap_stream) < bytes + count;) {
        struct heap_stream head;
        memcpy(&head, at, sizeof head);
        head.bytes = 0; /* another length now: to be found by the parts */
        fwrite(&head, sizeof head, 1, file);
        at = write_parts(at + sizeof head, bytes + count, file);
    }
    barrow_ledger_free(ledger);
    free(bytes);
    return file && fclose(file) == 0 ? 0 : 2;
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
    if (count == 4 && strcmp(words[1], "--seed") == 0)
        return write_seed(words[2], words[3]);
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
