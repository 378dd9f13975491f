/* Options of a PDU on decode, shared by pdu.c and options.c only. The public part is in pdu.h.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_SRC_OPTIONS_H
#define SIPC_SRC_OPTIONS_H

#include "sipc/pdu.h"
#include "wire.h"

/* Reads options up to and including the terminator and fills the option fields of *pdu; other
 * fields are left alone. Returns an OPT-2 reason. A known option whose last value is none of its
 * kind (OPT-4, OPT-5) is no reason yet: *bad_values gets its bit. */
enum sipc_discard sipc__options_decode(struct sipc__reader *reader, struct sipc_pdu *pdu,
                                       uint32_t *bad_values);

#endif
