/* A second PDU decoder, written from the rules alone, to hold the engine's against: one byte at a
 * time, options collected first and judged afterwards, nothing clever.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_FUZZ_REFERENCE_PDU_H
#define SIPC_FUZZ_REFERENCE_PDU_H

#include "sipc/pdu.h" /* only the names of reasons and option ids */

enum { REFERENCE_KNOWN = 10 }; /* s_00 ... s_traceId, in the order of OPT-3 */

struct reference_option {
    size_t name_at, name_size;
    size_t value_at, value_size;
};

struct reference_pdu {
    int64_t window_id;
    int32_t seq_nr;
    int opcode;
    struct reference_option *options; /* until the next decode */
    size_t option_count;
    size_t options_end; /* where the terminator begins */
    size_t data_at;
    /* Per known option: the index of the last of that name, or -1; its value if that is a number
     * (booleans: 0 or 1). */
    long last[REFERENCE_KNOWN];
    long long value[REFERENCE_KNOWN];
};

enum sipc_discard reference_decode(const uint8_t *bytes, size_t size, struct reference_pdu *pdu);

extern const char *const reference_names[REFERENCE_KNOWN];
/* OPT-4: whether the text is such a value, and which. */
bool reference_boolean(const uint8_t *text, size_t size, long long *value);
bool reference_integer(const uint8_t *text, size_t size, long long *value);

#endif
