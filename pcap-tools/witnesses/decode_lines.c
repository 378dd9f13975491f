/* What the engine's codec says of PDUs, for comparison with other codecs: a PDU a line of standard
 * input, in hex (an empty line: no bytes); a line of standard output for each:
 *
 *   discard REASON
 *   accept OPCODE WINDOW_ID SEQ_NR SESSION DATA NAME=VALUE... | WORD=VALUE...
 *
 * Bytes are in hex, "-" if there are none; behind the bar are the known options that count.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sipc/pdu.h"

enum { LINE_MAX_BYTES = 2 * 131072 + 2 };

static void print_bytes(struct sipc_span span)
{
    if (span.size == 0)
        putchar('-');
    for (size_t i = 0; i < span.size; i++)
        printf("%02x", span.data[i]);
}

static void print_known(const struct sipc_pdu *pdu)
{
    static const uint32_t booleans[] = {SIPC_OPT_FIRST_IN_WINDOW_GROUP, SIPC_OPT_LAST_IN_WINDOW,
                                        SIPC_OPT_LAST_IN_WINDOW_GROUP, SIPC_OPT_SKIP,
                                        SIPC_OPT_IS_WINDOW_FULL};
    const struct {
        uint32_t id;
        int32_t value;
    } integers[] = {{SIPC_OPT_MAX_WINDOW_SIZE, pdu->max_window_size},
                    {SIPC_OPT_ERROR_CODE, pdu->error_code},
                    {SIPC_OPT_ABORT_CODE, pdu->abort_code},
                    {SIPC_OPT_IDLE_TIMEOUT, pdu->idle_timeout_ms}};

    for (size_t i = 0; i < sizeof booleans / sizeof *booleans; i++)
        if ((pdu->present & booleans[i]) != 0)
            printf(" %s=%d", sipc_option_spec_name(booleans[i]), (pdu->flags & booleans[i]) != 0);
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if ((pdu->present & integers[i].id) != 0)
            printf(" %s=%" PRId32, sipc_option_spec_name(integers[i].id), integers[i].value);
    if ((pdu->present & SIPC_OPT_TRACE_ID) != 0) {
        printf(" %s=", sipc_option_spec_name(SIPC_OPT_TRACE_ID));
        print_bytes(pdu->trace_id);
    }
}

static void print_pdu(const struct sipc_pdu *pdu)
{
    printf("accept %s %" PRId64 " %" PRId32 " ", sipc_opcode_name(pdu->opcode), pdu->window_id,
           pdu->seq_nr);
    print_bytes((struct sipc_span){pdu->session_id, SIPC_SESSION_ID_SIZE});
    putchar(' ');
    print_bytes(pdu->data);
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    while (sipc_option_next(&rest, &option)) {
        putchar(' ');
        print_bytes(option.name);
        putchar('=');
        print_bytes(option.value);
    }
    printf(" |");
    print_known(pdu);
    putchar('\n');
}

/* Bytes of a line, in place of its digits. */
static size_t bytes_of(char *line)
{
    size_t size = 0;
    for (; line[2 * size] != '\0' && line[2 * size] != '\n'; size++) {
        const char digits[] = {line[2 * size], line[2 * size + 1], '\0'};
        char *end;
        line[size] = (char)strtoul(digits, &end, 16);
        if (end != digits + 2) {
            fprintf(stderr, "decode_lines: no pair of hex digits: '%s'\n", digits);
            exit(2);
        }
    }
    return size;
}

int main(void)
{
    static char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t size = bytes_of(line);
        uint8_t *bytes = malloc(size + 1); /* of its own, so that a sanitizer sees what is read */
        if (bytes == NULL)
            return 4;
        memcpy(bytes, line, size);
        struct sipc_pdu pdu;
        enum sipc_discard reason = sipc_pdu_decode((struct sipc_span){bytes, size}, &pdu);
        if (reason != SIPC_DISCARD_NONE)
            printf("discard %s\n", sipc_discard_name(reason));
        else
            print_pdu(&pdu);
        free(bytes);
    }
    return 0;
}
