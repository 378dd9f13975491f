/* The registry of the protocol's rules as C: an enum the code cites and a table to look them up.
 * One row of rules.def per rule; advisory parts of a rule are rows of their own.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_RULES_H
#define SIPC_RULES_H

#include "sipc/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sipc_rule_level { SIPC_MUST, SIPC_ADVISORY };

/* Who has to keep a rule; a set. */
enum sipc_rule_role { SIPC_RECEIVER = 1, SIPC_SENDER = 2, SIPC_ENDPOINT = 4 };

/* SIPC_RULE_WIRE_1, SIPC_RULE_ACK_1a, ... ; SIPC_RULE_NONE is 0. */
enum sipc_rule {
    SIPC_RULE_NONE,
#define SIPC_RULE(name, id, level, roles, sentence) SIPC_RULE_##name,
#include "sipc/rules.def"
#undef SIPC_RULE
    SIPC_RULE_COUNT
};

struct sipc_rule_info {
    const char *id;       /* "ACK-1a" */
    const char *sentence; /* the rule in one sentence */
    enum sipc_rule_level level;
    unsigned roles; /* set of enum sipc_rule_role */
};

/* The row of `rule`; NULL for SIPC_RULE_NONE and values out of range. Static lifetime. */
const struct sipc_rule_info *sipc_rule_info(enum sipc_rule rule);

/* The rule with this id ("WID-3"), SIPC_RULE_NONE if there is none. Case matters. */
enum sipc_rule sipc_rule_find(const char *id);

#ifdef __cplusplus
}
#endif
#endif
