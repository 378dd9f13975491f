/* What write.c has of write_pdu.c: values of the language, in the script's memory.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SCENARIO_WRITE_H
#define SIMNET_SCENARIO_WRITE_H

#include "text.h"

const struct sx_expr *scenario_write_const(struct sx_script *script, int64_t value);
/* `bytes(size, from)`. */
const struct sx_data *scenario_write_pattern(struct sx_script *script, uint64_t size,
                                             uint32_t from);
/* As text, hexadecimal or a pattern; NONE: there are no bytes. */
struct sx_data scenario_write_data(struct sx_script *script, struct sipc_span bytes);
/* By its fields if they say all of it, else raw. */
struct sx_pdu *scenario_write_pdu(const struct simnet_scenario *scenario, struct sx_script *script,
                                  struct sipc_span bytes);

#endif
