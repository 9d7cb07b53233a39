/* The golden file of format 1, for tests: group set-up and copies. */
#ifndef BARROW_TESTS_GOLDEN_H
#define BARROW_TESTS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *golden;
static size_t golden_bytes;

static int read_golden(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA "/format1.barrow", "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return -1;
    golden_bytes = (size_t)ftell(file);
    golden = malloc(golden_bytes);
    rewind(file);
    size_t got = fread(golden, 1, golden_bytes, file);
    fclose(file);
    return got == golden_bytes ? 0 : -1;
}

static int drop_golden(void **state)
{
    (void)state;
    free(golden);
    return 0;
}

/* A copy of exactly `count` bytes, so that reading beyond is seen by the sanitizer. */
static unsigned char *copy_of(size_t count)
{
    unsigned char *copy = malloc(count ? count : 1);
    memcpy(copy, golden, count);
    return copy;
}

#endif
