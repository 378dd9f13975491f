/* Patterns of case names and rules, and near misses for words that match nothing: a typo must
 * never select nothing in silence. */
#include "cli.h"

#include <string.h>

enum { PATTERN_WORD_MAX = 200, PATTERN_NEAR_MAX = 3 };

bool cli_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star != NULL) { /* let the last star take one more */
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static char pattern_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edit distance without regard to case; long words count as far apart. */
static size_t pattern_distance(const char *a, const char *b)
{
    size_t row[PATTERN_WORD_MAX + 1];
    const size_t size = strlen(b);
    if (size > PATTERN_WORD_MAX || strlen(a) > PATTERN_WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= size; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= size; j++) {
            const size_t above = row[j];
            const size_t change =
                diagonal + (pattern_lower(a[i - 1]) != pattern_lower(b[j - 1]) ? 1 : 0);
            const size_t shift = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
            diagonal = above;
        }
    }
    return row[size];
}

/* Small is alike; SIZE_MAX is unlike. A candidate that contains the word (its stars left out) is
 * alike however long it is. */
static size_t pattern_unlikeness(const char *word, const char *candidate)
{
    char bare[PATTERN_WORD_MAX + 1];
    size_t size = 0;
    for (; *word != '\0' && size < PATTERN_WORD_MAX; word++)
        if (*word != '*')
            bare[size++] = *word;
    bare[size] = '\0';
    if (size == 0)
        return SIZE_MAX;
    if (strcasestr(candidate, bare) != NULL)
        return 1;
    const size_t distance = pattern_distance(bare, candidate);
    return distance <= 1 + size / 4 ? distance : SIZE_MAX;
}

char *cli_near(const char *word, const char *const *candidates, size_t count)
{
    const char *best[PATTERN_NEAR_MAX] = {NULL};
    size_t unlike[PATTERN_NEAR_MAX] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < count; i++) {
        size_t at = pattern_unlikeness(word, candidates[i]);
        const char *name = candidates[i];
        for (size_t k = 0; k < PATTERN_NEAR_MAX; k++) {
            if (at >= unlike[k])
                continue;
            const size_t moved = unlike[k];
            const char *moved_name = best[k];
            unlike[k] = at;
            best[k] = name;
            at = moved;
            name = moved_name;
        }
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    for (size_t k = 0; k < PATTERN_NEAR_MAX && best[k] != NULL; k++)
        fprintf(out, "%s%s", k == 0 ? " (did you mean " : ", ", best[k]);
    if (best[0] != NULL)
        fputs("?)", out);
    fclose(out);
    return text;
}
