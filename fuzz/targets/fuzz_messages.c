/* Fuzz target: any bytes as a line of the SUT contract, a request to an adapter, or a response or
 * an event from one, by either clock. Oracles: a message or an error, never both; what is encoded
 * of a message is decoded again, and encodes to the same bytes. SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <string.h>

#include "conform/message.h"

enum { ID = 7 };

const uint32_t target_ops = 0;

/* The request as a line, malloc'ed; NULL: it is none. */
static char *request_again(const char *text, size_t size)
{
    struct conform_request request;
    struct conform_request_memory memory;
    struct conform_error error = {""};
    char *line = NULL, *id;

    bool good = conform_request_decode(text, size, &request, &memory, &id, &error);
    FUZZ_CHECK(good == (error.text[0] == '\0'), "a request, or an error");
    FUZZ_CHECK(id != NULL, "an answer can name the request");
    if (good)
        line = conform_request_encode(&request, ID);
    conform_request_memory_clear(&memory);
    free(id);
    return line;
}

static char *response_again(const char *text, size_t size, enum conform_op op, bool virtual_clock)
{
    struct conform_response response = {0};
    struct conform_error error = {""};
    char *line = NULL;

    enum conform_line kind =
        conform_response_decode(text, size, op, ID, virtual_clock, 1, &response, &error);
    FUZZ_CHECK((kind == CONFORM_LINE_BAD) == (error.text[0] != '\0'), "a line, or an error");
    FUZZ_CHECK(kind != CONFORM_LINE_EVENT || (response.out_count == 1 && !virtual_clock),
               "an event is one output, by the wall clock");
    if (kind == CONFORM_LINE_RESPONSE)
        line = conform_response_encode(&response, op, "7", virtual_clock);
    else if (kind == CONFORM_LINE_EVENT)
        line = conform_event_encode(&response.outs[0]);
    conform_response_clear(&response);
    return line;
}

/* Takes over both: what came of a line, and of that. */
static void check_same(char *first, char *second)
{
    FUZZ_CHECK(second != NULL, "what was encoded is decoded");
    if (strcmp(first, second) != 0)
        fprintf(stderr, "first:\n%ssecond:\n%s", first, second);
    FUZZ_CHECK(strcmp(first, second) == 0, "and encodes to the same");
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum conform_op ops[] = {CONFORM_HELLO, CONFORM_CONFIGURE, CONFORM_STATE,
                                          CONFORM_RX};
    const char *text = (const char *)data;
    char *line = request_again(text, size);

    if (line != NULL)
        check_same(line, request_again(line, strlen(line)));
    for (size_t i = 0; i < 2 * sizeof ops / sizeof ops[0]; i++) {
        enum conform_op op = ops[i / 2];
        bool virtual_clock = i % 2 == 0;
        line = response_again(text, size, op, virtual_clock);
        if (line != NULL)
            check_same(line, response_again(line, strlen(line), op, virtual_clock));
    }
    return 0;
}
