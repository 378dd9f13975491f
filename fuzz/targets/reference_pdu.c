/* See reference_pdu.h. The rule a step comes from is named beside it.
 * SPDX-License-Identifier: MIT */
#include "targets/reference_pdu.h"

#include <ctype.h>
#include <string.h>

static uint64_t big_endian(const uint8_t *bytes, size_t at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value * 256 + bytes[at + i];
    return value;
}

/* OPT-1, OPT-2: one option at *at, L already known to be there and not 0. */
static enum sipc_discard read_option(const uint8_t *bytes, size_t size, size_t *at,
                                     struct reference_option *option)
{
    size_t length = big_endian(bytes, *at, 2);
    size_t nul = *at + 2;
    while (nul < size && nul < *at + 2 + length && bytes[nul] != 0)
        nul++;
    if (nul == *at + 2 + length)
        return SIPC_DISCARD_OPTION_NAME;
    if (nul == size || nul + 1 + 2 > size)
        return SIPC_DISCARD_OPTION_CUT;
    if (big_endian(bytes, nul + 1, 2) != length)
        return SIPC_DISCARD_OPTION_LENGTHS;
    option->name_at = *at + 2;
    option->name_size = nul - option->name_at;
    option->value_at = nul + 3;
    option->value_size = length - 1 - option->name_size;
    if (option->value_at + option->value_size > size)
        return SIPC_DISCARD_OPTION_CUT;
    *at = option->value_at + option->value_size;
    return SIPC_DISCARD_NONE;
}

static enum sipc_discard read_options(const uint8_t *bytes, size_t size, struct reference_pdu *pdu)
{
    size_t at = 2 + 32 + 8 + 4 + 1;
    for (;;) {
        if (at + 2 > size)
            return SIPC_DISCARD_OPTION_CUT;
        if (bytes[at] == 0 && bytes[at + 1] == 0)
            break;
        enum sipc_discard reason = read_option(bytes, size, &at, &pdu->options[pdu->option_count]);
        if (reason != SIPC_DISCARD_NONE)
            return reason;
        pdu->option_count++;
    }
    pdu->options_end = at;
    pdu->data_at = at + 2 + 8;
    return SIPC_DISCARD_NONE;
}

/* OPT-4 */
bool reference_boolean(const uint8_t *text, size_t size, long long *value)
{
    static const char *const words[] = {"false", "true"};
    for (int word = 0; word < 2; word++) {
        size_t i = 0;
        while (i < size && words[word][i] != '\0' && tolower(text[i]) == words[word][i])
            i++;
        if (i == size && words[word][i] == '\0') {
            *value = word;
            return true;
        }
    }
    return false;
}

/* OPT-4 */
bool reference_integer(const uint8_t *text, size_t size, long long *value)
{
    size_t first = size > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    *value = 0;
    for (size_t i = first; i < size; i++) {
        if (!isdigit(text[i]))
            return false;
        *value = *value * 10 + (text[i] - '0');
        if (*value > 2147483648LL) /* out of range with either sign; also stops an overflow */
            return false;
    }
    if (first == 1 && text[0] == '-')
        *value = -*value;
    return size > first && *value <= 2147483647LL;
}

const char *const reference_names[REFERENCE_KNOWN] = {
    "s_00", "s_01",         "s_02",         "s_03",           "s_10",
    "s_20", "s_error_code", "s_abort_code", "s_idle_timeout", "s_traceId"};

/* OPT-3, OPT-5: the last of each name counts, and only it is looked at. */
static bool judge_known_options(const uint8_t *bytes, struct reference_pdu *pdu)
{
    bool good = true;
    for (int k = 0; k < REFERENCE_KNOWN; k++) {
        pdu->last[k] = -1;
        pdu->value[k] = 0;
        size_t name_size = strlen(reference_names[k]);
        for (size_t i = 0; i < pdu->option_count; i++) {
            const struct reference_option *option = &pdu->options[i];
            if (option->name_size == name_size &&
                memcmp(bytes + option->name_at, reference_names[k], name_size) == 0)
                pdu->last[k] = (long)i;
        }
        if (pdu->last[k] < 0 || k == 9)
            continue;
        const struct reference_option *last = &pdu->options[pdu->last[k]];
        const uint8_t *text = bytes + last->value_at;
        if (!(k < 5 ? reference_boolean : reference_integer)(text, last->value_size,
                                                             &pdu->value[k]))
            good = false;
    }
    return good;
}

/* ERR-1, ERR-2, ERR-3 */
static enum sipc_discard judge_codes(struct reference_pdu *pdu)
{
    long long error = pdu->value[6], *abort_code = &pdu->value[7];
    if (pdu->opcode == 2 && error != 0 && (error < 200 || error > 299))
        return SIPC_DISCARD_ACK_ERROR_CODE;
    if (pdu->opcode == 6 && error != 0 && (error < 100 || error > 199))
        return SIPC_DISCARD_LINK_ERROR_CODE;
    if (pdu->opcode == 3 && (*abort_code < 0 || *abort_code > 99))
        return SIPC_DISCARD_ABORT_CODE;
    if (pdu->opcode == 3 && *abort_code == 0)
        *abort_code = 1;
    return SIPC_DISCARD_NONE;
}

enum sipc_discard reference_decode(const uint8_t *bytes, size_t size, struct reference_pdu *pdu)
{
    memset(pdu, 0, sizeof *pdu);
    if (size < 57) /* WIRE-2 */
        return SIPC_DISCARD_TOO_SHORT;
    if (size > 65500)
        return SIPC_DISCARD_TOO_LONG;
    if (big_endian(bytes, 0, 2) != size) /* WIRE-3 */
        return SIPC_DISCARD_LENGTH_MISMATCH;
    pdu->window_id = (int64_t)big_endian(bytes, 34, 8);
    pdu->seq_nr = (int32_t)big_endian(bytes, 42, 4);
    pdu->opcode = bytes[46];
    if (pdu->window_id < 0) /* WIRE-4 */
        return SIPC_DISCARD_NEGATIVE_WINDOW_ID;
    if (pdu->seq_nr < 0)
        return SIPC_DISCARD_NEGATIVE_SEQ_NR;
    if (pdu->opcode < 1 || pdu->opcode > 6) /* WIRE-6 */
        return SIPC_DISCARD_OPCODE;

    static struct reference_option options[65500 / 5 + 1]; /* none is shorter than 5 bytes */
    pdu->options = options;
    enum sipc_discard reason = read_options(bytes, size, pdu);
    if (reason != SIPC_DISCARD_NONE)
        return reason;
    if (pdu->data_at > size) /* WIRE-5 */
        return SIPC_DISCARD_SESSION_PREFIX;
    for (size_t i = 0; i < 8; i++)
        if (bytes[pdu->options_end + 2 + i] != bytes[2 + i])
            return SIPC_DISCARD_SESSION_PREFIX;
    if (!judge_known_options(bytes, pdu))
        return SIPC_DISCARD_OPTION_VALUE;
    return judge_codes(pdu);
}
