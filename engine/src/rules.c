/* The rule registry as a table; see rules.def. */
#include "sipc/rules.h"

static const struct sipc_rule_info rules_table[SIPC_RULE_COUNT] = {
#define SIPC_RULE(name, id, level, roles, sentence)                                                \
    [SIPC_RULE_##name] = {id, sentence, level, roles},
#include "sipc/rules.def"
#undef SIPC_RULE
};

static bool rules_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct sipc_rule_info *sipc_rule_info(enum sipc_rule rule)
{
    if (rule <= SIPC_RULE_NONE || rule >= SIPC_RULE_COUNT)
        return NULL;
    return &rules_table[rule];
}

enum sipc_rule sipc_rule_find(const char *id)
{
    for (int rule = SIPC_RULE_NONE + 1; rule < SIPC_RULE_COUNT; rule++)
        if (rules_equal(rules_table[rule].id, id))
            return (enum sipc_rule)rule;
    return SIPC_RULE_NONE;
}
