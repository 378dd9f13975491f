/* What reading and writing scenarios share: the rows of fields.c.
 *
 *   fields    which field of the language is which member of the model
 *   load, load_link   text to data
 *   write, write_pdu   data to text
 *   tapefile  tapes as files
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SCENARIO_TEXT_H
#define SIMNET_SCENARIO_TEXT_H

#include "conform/world.h"
#include "internal.h"

enum scenario_field_type { SCENARIO_U64, SCENARIO_U32, SCENARIO_I32, SCENARIO_BOOL };
struct scenario_field {
    int key;   /* enum sx_key; 0: no more */
    int field; /* of the clause; -1: the clause alone says it */
    enum scenario_field_type type;
    size_t offset;
};
extern const struct scenario_field scenario_host_fields[]; /* of struct simnet_scenario_host */
extern const struct scenario_field scenario_link_fields[]; /* of struct simnet_link_config */
extern const struct scenario_field
    scenario_traffic_fields[]; /* of struct simnet_scenario_traffic */
int64_t scenario_field_get(const struct scenario_field *field, const void *base);
void scenario_field_set(const struct scenario_field *field, void *base, int64_t value);

/* Keys of the language and the model's enums. */
struct scenario_pair {
    int key, value; /* key 0: no more */
};
extern const struct scenario_pair scenario_changes[], scenario_commands[], scenario_verdicts[],
    scenario_metrics[];
int scenario_pair_value(const struct scenario_pair *pairs, int key);
int scenario_pair_key(const struct scenario_pair *pairs, int value);

/* From which byte the message of the n-th operation (from 1) goes where the text gives its size
 * alone: each has other bytes, so that they are told apart. */
uint32_t scenario_usual_from(size_t operation);

/* load.c: a fault as the language has it */
bool scenario_load_fault(const struct simnet_scenario *scenario,
                         const struct sx_statement *statement, struct simnet_fault *out,
                         char *error, size_t error_size);
/* write.c */
struct scenario_keys; /* which session goes by which key */
struct scenario_keys *scenario_keys_new(const struct simnet_scenario *scenario);
void scenario_keys_free(struct scenario_keys *keys);
void scenario_write_fault(const struct simnet_scenario *scenario, const struct scenario_keys *keys,
                          struct sx_script *script, const struct simnet_fault *fault);

#endif
