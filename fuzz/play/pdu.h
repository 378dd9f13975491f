/* PDUs of inputs as bytes, and as one record what bytes say.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_PDU_H
#define FUZZ_PDU_H

#include "input/input.h"
#include "sipc/pdu.h"

enum { FUZZ_PDU_MAX = SIPC_PDU_SIZE_MAX + 1 };

/* Which session of an input has this id; -1: none. */
int fuzz_session_of(const uint8_t *id);

/* The bytes of an SFZ_PDU whose window id is `window_id`, in `out` of FUZZ_PDU_MAX bytes. */
size_t fuzz_pdu_build(const struct sfz_record *record, int64_t window_id, uint8_t *out);
/* The encoded options it carries; SFZ_WRONG_* and SFZ_CUT apart. */
size_t fuzz_pdu_options(const struct sfz_record *record, uint8_t *out, size_t size);

/* How much data it has, of as much as fits it beside encoded options of this size. */
size_t fuzz_pdu_data_size(const struct sfz_record *record, size_t options);

/* Data of inputs: byte i is (from + i) mod 251. */
void fuzz_pattern(uint8_t *out, uint64_t from, size_t size);

/* An SFZ_PDU with these bytes and its window id from 0, or else SFZ_RAW; who's session is set. With
 * `alike` data of other bytes is taken for as much of the usual pattern. False: too long. */
bool fuzz_pdu_record(struct sipc_span bytes, bool alike, struct sfz_record *record);

#endif
