/* "Did you mean": the edit distance (insert, delete, replace, swap of neighbours). */
#include <string.h>

#include "cli/options.h"

enum { LONGEST = 31 };

static size_t minimum(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t cost[LONGEST + 1][LONGEST + 1];

    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = minimum(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                                 minimum(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = minimum(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[n][m];
}

const char *barrow_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t length = strlen(word);
    size_t nearest = length / 3 + 1; /* further away is a guess, not a typing error */

    for (size_t i = 0; i < count; i++) {
        /* An unfinished word is the likeliest slip of all. */
        bool begun = length >= 2 && strncmp(word, names[i], length) == 0;
        size_t d = begun ? 0 : distance(word, names[i]);
        if (d <= nearest && (!best || d < nearest)) {
            best = names[i];
            nearest = d;
        }
    }
    return best;
}
