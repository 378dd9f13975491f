/* The text of a list of known failures (known.c): a line for each pattern, what is blamed, and why.
 * What is wrong with a line is told with its number. SPDX-License-Identifier: MIT */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static char *known_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

static bool known_is_blame(const char *word)
{
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++)
        if (strcmp(sipc_rule_info((enum sipc_rule)rule)->id, word) == 0)
            return true;
    return strcmp(word, "crash") == 0 || strcmp(word, "hang") == 0;
}

/* Adds the entry of one line; NULL, or what is wrong with it. */
static const char *known_line(struct cli_known *known, char *line, int number)
{
    char *text = known_trim(line);
    if (*text == '\0' || *text == '#')
        return NULL;
    char *hash = strchr(text, '#'); /* one that stands within a pattern has no blank before it */
    while (hash != NULL && !isspace((unsigned char)hash[-1]))
        hash = strchr(hash + 1, '#');
    if (hash == NULL || *known_trim(hash + 1) == '\0')
        return "no reason: expected `case-glob [RULE|crash|hang]  # reason`";
    const char *reason = known_trim(hash + 1);
    *hash = '\0';
    char *pattern = known_trim(text);
    char *blame = pattern + strcspn(pattern, " \t");
    if (*blame != '\0') {
        *blame++ = '\0';
        blame = known_trim(blame);
        if (!known_is_blame(blame))
            return "what follows the pattern is neither a rule's id nor `crash` nor `hang`";
    }
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->entries[i].pattern, pattern) == 0)
            return "this pattern stands above already";
    known->entries = realloc(known->entries, (known->count + 1) * sizeof *known->entries);
    SIPC_ASSERT(known->entries != NULL);
    struct cli_known_entry *entry = &known->entries[known->count++];
    *entry = (struct cli_known_entry){.pattern = strdup(pattern),
                                      .blame = *blame == '\0' ? NULL : strdup(blame),
                                      .reason = strdup(reason),
                                      .line = number};
    SIPC_ASSERT(entry->pattern != NULL && entry->reason != NULL);
    return NULL;
}

bool cli_known_take(struct cli_known *known, FILE *file, FILE *errors)
{
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    errno = 0;
    for (int number = 1; getline(&line, &capacity, file) != -1; number++) {
        const char *wrong = known_line(known, line, number);
        if (wrong != NULL)
            fprintf(errors, "%s:%d: error: %s\n", known->path, number, wrong);
        ok = ok && wrong == NULL;
    }
    if (ferror(file)) {
        fprintf(errors, "%s: error: %s\n", known->path, strerror(errno));
        ok = false;
    }
    free(line);
    return ok;
}

void cli_known_clear(struct cli_known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        free(known->entries[i].pattern);
        free(known->entries[i].blame);
        free(known->entries[i].reason);
    }
    free(known->entries);
    free(known->path);
    *known = (struct cli_known){0};
}
