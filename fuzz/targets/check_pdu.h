/* What must hold of any bytes as a PDU: the engine's decoder agrees with the plain one of
 * reference_pdu.h on accept or discard, the reason and every field; what was decoded encodes to the
 * same bytes. Shared by the targets of the codec. SPDX-License-Identifier: MIT */
#ifndef FUZZ_CHECK_PDU_H
#define FUZZ_CHECK_PDU_H

#include "sipc/pdu.h"

/* What they came to; ends the program where something does not hold. */
enum sipc_discard check_pdu(struct sipc_span bytes);
/* malloc, of at least one byte and never NULL. */
void *check_allocate(size_t size);

#endif
