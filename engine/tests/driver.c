/* See driver.h.
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include "driver.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 200, ATTRIBUTES_MAX = 64, LINE_MAX_SIZE = 4096 };

/* ---- the log ---- */

static void driver_print(struct driver *d, const char *format, ...) SIPC_PRINTF(2, 3);
static void driver_print(struct driver *d, const char *format, ...)
{
    char text[LINE_MAX_SIZE];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof text - 1);
    d->lines = realloc(d->lines, d->lines_size + (size_t)size + 1);
    assert_non_null(d->lines);
    memcpy(d->lines + d->lines_size, text, (size_t)size + 1);
    d->lines_size += (size_t)size;
}

static bool is_short_text(struct sipc_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
            return false;
    return bytes.size <= TEXT_MAX;
}

static void print_attribute(struct driver *d, struct sipc_span name, struct sipc_span value)
{
    driver_print(d, " %.*s=", (int)name.size, (const char *)name.data);
    if (is_short_text(value))
        driver_print(d, "%.*s", (int)value.size, (const char *)value.data);
    else
        driver_print(d, "(%zu bytes)", value.size);
}

/* ---- words of options ---- */

static const struct {
    const char *word;
    uint32_t id;
} booleans[] =
    {
        {"first", SIPC_OPT_FIRST_IN_WINDOW_GROUP}, {"last", SIPC_OPT_LAST_IN_WINDOW},
        {"end", SIPC_OPT_LAST_IN_WINDOW_GROUP},    {"skip", SIPC_OPT_SKIP},
        {"full", SIPC_OPT_IS_WINDOW_FULL},
},
  numbers[] = {
      {"size", SIPC_OPT_MAX_WINDOW_SIZE},
      {"error", SIPC_OPT_ERROR_CODE},
      {"abort", SIPC_OPT_ABORT_CODE},
};
enum {
    BOOLEANS = sizeof booleans / sizeof booleans[0],
    NUMBERS = sizeof numbers / sizeof numbers[0],
};

static struct sipc_span span_of(const char *text, size_t size)
{
    return (struct sipc_span){(const uint8_t *)text, size};
}

static void print_options(struct driver *d, const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option)) {
        bool known = false;
        for (int i = 0; i < BOOLEANS; i++)
            if (option.id == booleans[i].id) {
                driver_print(d, " %s", booleans[i].word);
                known = true;
                assert_true((pdu->flags & option.id) != 0);
            }
        for (int i = 0; i < NUMBERS; i++)
            if (option.id == numbers[i].id) {
                driver_print(d, " %s=%.*s", numbers[i].word, (int)option.value.size,
                             (const char *)option.value.data);
                known = true;
            }
        if (!known)
            print_attribute(d, option.name, option.value);
    }
}

/* Encodes one word of a PDU's line; "bytes=N" sets *data_size. */
static void encode_word(const char *word, uint8_t *out, size_t size, size_t *used,
                        size_t *data_size)
{
    const char *equals = strchr(word, '=');
    size_t name_size = equals == NULL ? strlen(word) : (size_t)(equals - word);

    for (int i = 0; i < BOOLEANS; i++)
        if (strcmp(word, booleans[i].word) == 0) {
            assert_int_equal(sipc_option_encode_bool(booleans[i].id, true, out, size, used),
                             SIPC_OK);
            return;
        }
    if (equals == NULL)
        fail_msg("no such word in a PDU's line: %s", word);
    if (name_size == 5 && memcmp(word, "bytes", 5) == 0) {
        *data_size = (size_t)strtoull(equals + 1, NULL, 10);
        return;
    }
    for (int i = 0; i < NUMBERS; i++)
        if (strncmp(word, numbers[i].word, name_size) == 0 && numbers[i].word[name_size] == '\0') {
            assert_int_equal(sipc_option_encode_int(numbers[i].id,
                                                    (int32_t)strtol(equals + 1, NULL, 10), out,
                                                    size, used),
                             SIPC_OK);
            return;
        }
    assert_int_equal(sipc_option_encode(span_of(word, name_size),
                                        span_of(equals + 1, strlen(equals + 1)), out, size, used),
                     SIPC_OK);
}

/* ---- actions ---- */

static unsigned id_number(const uint8_t *id)
{
    return (unsigned)id[30] << 8 | id[31];
}

static void print_about(struct driver *d, const struct sipc_action *action)
{
    if (action->session_id != NULL && id_number(action->session_id) != 1)
        driver_print(d, "#%u ", id_number(action->session_id));
    if (action->remote != 1)
        driver_print(d, "@%" PRIu64 " ", action->remote);
}

static void take_transmit(struct driver *d, const struct sipc_action *action)
{
    struct sipc_span head = action->u.transmit.head;
    size_t size = head.size + action->u.transmit.payload_size;
    struct sipc_pdu pdu;

    free(d->pdu);
    d->pdu = calloc(1, size);
    assert_non_null(d->pdu);
    memcpy(d->pdu, head.data, head.size);
    d->pdu_size = size;
    d->payload_offset = action->u.transmit.payload_offset;
    d->payload_size = action->u.transmit.payload_size;
    *(action->u.transmit.owed ? &d->token : &d->ack_token) = action->u.transmit.token;
    assert_int_equal(sipc_pdu_decode((struct sipc_span){d->pdu, size}, &pdu), SIPC_DISCARD_NONE);
    assert_in_range(size, SIPC_PDU_SIZE_MIN, sipc_endpoint_config(d->ep)->mtu);
    driver_print(d, "tx%s %s %" PRId64 "/%" PRId32, action->u.transmit.owed ? "!" : "",
                 sipc_opcode_name(pdu.opcode), pdu.window_id, pdu.seq_nr);
    print_options(d, &pdu);
    if (d->payload_size > 0)
        driver_print(d, " m%" PRIu64 "[%" PRIu64 ",%" PRIu64 ")", action->u.transmit.message,
                     d->payload_offset, d->payload_offset + d->payload_size);
    driver_print(d, "\n");
}

static void take_delivery(struct driver *d, const struct sipc_action *action)
{
    struct sipc_span data = action->u.deliver.data;
    struct sipc_span rest = action->u.deliver.attributes;
    struct sipc_span name, value;

    free(d->delivered);
    d->delivered = malloc(data.size + rest.size + 1);
    assert_non_null(d->delivered);
    memcpy(d->delivered, data.data, data.size);
    memcpy(d->delivered + data.size, rest.data, rest.size);
    d->delivered_size = data.size;
    d->attributes = (struct sipc_span){d->delivered + data.size, rest.size};
    d->delivered_count++;
    if (is_short_text(data))
        driver_print(d, "deliver \"%.*s\"", (int)data.size, (const char *)data.data);
    else
        driver_print(d, "deliver (%zu bytes)", data.size);
    while (sipc_attribute_next(&rest, &name, &value))
        print_attribute(d, name, value);
    assert_int_equal(rest.size, 0);
    driver_print(d, "\n");
}

static void print_coded(struct driver *d, int32_t code)
{
    if (code != 0)
        driver_print(d, " %" PRId32, code);
    driver_print(d, "\n");
}

static void take_action(struct driver *d, const struct sipc_action *action)
{
    static const char *const operations[] = {"send", "send_unreliable", "close"};

    if (d->session == 0 && action->session != 0 && id_number(action->session_id) == 1)
        d->session = action->session;
    print_about(d, action);
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        take_transmit(d, action);
        break;
    case SIPC_ACTION_DELIVER:
        take_delivery(d, action);
        break;
    case SIPC_ACTION_RESULT:
        driver_print(d, "result %" PRIu64 " %s %s", action->u.result.handle,
                     operations[action->u.result.operation],
                     sipc_outcome_name(action->u.result.outcome));
        print_coded(d, action->u.result.code);
        break;
    case SIPC_ACTION_STATE:
        driver_print(d, "state %s", sipc_state_name(action->u.state.state));
        print_coded(d, action->u.state.cause);
        break;
    case SIPC_ACTION_DISCARD:
        assert_int_equal(action->u.discard.rule, sipc_discard_rule(action->u.discard.reason));
        driver_print(d, "discard %s\n", sipc_discard_name(action->u.discard.reason));
        break;
    }
}

void driver_drain(struct driver *d)
{
    struct sipc_action action;
    const char *broken;

    while (sipc_endpoint_next_action(d->ep, &action))
        take_action(d, &action);
    broken = sipc_endpoint_check(d->ep);
    if (broken != NULL)
        fail_msg("invariant broken: %s\nafter:\n%s", broken, d->lines);
}

/* ---- life ---- */

struct sipc_config driver_config(void)
{
    struct sipc_config config;

    sipc_config_default(&config);
    config.max_sessions = 4;
    config.unreliable_queue = 4;
    return config;
}

void driver_init(struct driver *d, const struct sipc_config *config)
{
    struct sipc_config own = config == NULL ? driver_config() : *config;

    memset(d, 0, sizeof *d);
    d->block_size = sipc_endpoint_size(&own);
    assert_int_not_equal(d->block_size, 0);
    d->block = calloc(1, d->block_size);
    assert_non_null(d->block);
    assert_int_equal(sipc_endpoint_init(d->block, d->block_size, &own, 0, &d->ep), SIPC_OK);
    driver_print(d, "%s", "");
}

void driver_fini(struct driver *d)
{
    if (d->lines_size != 0)
        fail_msg("nobody looked at these actions:\n%s", d->lines);
    free(d->lines);
    free(d->pdu);
    free(d->delivered);
    free(d->block);
    memset(d, 0, sizeof *d);
}

const uint8_t *driver_id(unsigned n)
{
    static uint8_t id[SIPC_SESSION_ID_SIZE];

    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)(i * 7 + n);
    id[30] = (uint8_t)(n >> 8);
    id[31] = (uint8_t)n;
    return id;
}

uint8_t driver_byte(size_t index)
{
    return (uint8_t)(index ^ index >> 8);
}

/* ---- events ---- */

void driver_rx_bytes(struct driver *d, sipc_peer from, struct sipc_span bytes)
{
    /* A copy of exactly that size, gone afterwards: nothing may be read behind it, or kept. */
    uint8_t *copy = malloc(bytes.size + (bytes.size == 0));

    assert_non_null(copy);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    assert_int_equal(
        sipc_endpoint_receive(d->ep, d->now, from, (struct sipc_span){copy, bytes.size}), SIPC_OK);
    free(copy);
    driver_drain(d);
}

void driver_rx_parts(struct driver *d, sipc_peer from, const struct sipc_pdu_parts *parts)
{
    static uint8_t bytes[SIPC_PDU_SIZE_MAX];
    struct sipc_pdu_parts own = *parts;
    size_t used = 0;

    if (own.session_id == NULL)
        own.session_id = driver_id(1);
    assert_int_equal(sipc_pdu_encode(&own, bytes, sizeof bytes, &used), SIPC_OK);
    driver_rx_bytes(d, from, (struct sipc_span){bytes, used});
}

static uint8_t opcode_of(const char *word)
{
    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++)
        if (strcmp(word, sipc_opcode_name(opcode)) == 0)
            return (uint8_t)opcode;
    fail_msg("no such opcode: %s", word);
    return 0;
}

void driver_rx(struct driver *d, const char *format, ...)
{
    static uint8_t options[SIPC_PDU_SIZE_MAX], data[SIPC_PDU_SIZE_MAX];
    static char line[SIPC_PDU_SIZE_MAX];
    struct sipc_pdu_parts parts = {.session_id = driver_id(1)};
    sipc_peer from = 1;
    size_t used = 0, data_size = 0;
    char *text, *place;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof line - 1);
    text = strstr(line, ": ");
    if (text != NULL) {
        *text = '\0';
        text += 2;
    }
    for (char *word = strtok_r(line, " ", &place); word != NULL;
         word = strtok_r(NULL, " ", &place)) {
        if (word[0] == '#')
            parts.session_id = driver_id((unsigned)strtoul(word + 1, NULL, 10));
        else if (word[0] == '@')
            from = strtoull(word + 1, NULL, 10);
        else if (parts.opcode == 0)
            parts.opcode = opcode_of(word);
        else if (word[0] >= '0' && word[0] <= '9')
            assert_int_equal(sscanf(word, "%" SCNd64 "/%" SCNd32, &parts.window_id, &parts.seq_nr),
                             2);
        else
            encode_word(word, options, sizeof options, &used, &data_size);
    }
    assert_true(data_size <= sizeof data);
    for (size_t i = 0; i < data_size; i++)
        data[i] = driver_byte(i);
    parts.options = (struct sipc_span){options, used};
    parts.data = text == NULL ? (struct sipc_span){data, data_size} : span_of(text, strlen(text));
    driver_rx_parts(d, from, &parts);
}

void driver_wait(struct driver *d, sipc_time ns)
{
    sipc_time until = d->now + ns;

    for (;;) {
        sipc_time deadline = sipc_endpoint_deadline(d->ep);
        if (deadline > until)
            break;
        if (deadline > d->now)
            d->now = deadline;
        assert_int_equal(sipc_endpoint_advance(d->ep, d->now), SIPC_OK);
        driver_drain(d);
    }
    d->now = until;
    assert_int_equal(sipc_endpoint_advance(d->ep, d->now), SIPC_OK);
    driver_drain(d);
}

enum sipc_status driver_sent_token(struct driver *d, uint64_t token, bool success)
{
    enum sipc_status status = sipc_endpoint_sent(d->ep, d->now, token, success);

    driver_drain(d);
    return status;
}

void driver_sent(struct driver *d, bool success)
{
    assert_int_equal(driver_sent_token(d, d->token, success), SIPC_OK);
}

/* ---- commands ---- */

sipc_session driver_open_id(struct driver *d, unsigned n, sipc_peer remote)
{
    sipc_session session = 0;

    assert_int_equal(sipc_session_open(d->ep, d->now, remote, driver_id(n), INT64_MIN, &session),
                     SIPC_OK);
    driver_drain(d);
    return session;
}

void driver_open(struct driver *d)
{
    d->session = driver_open_id(d, 1, 1);
}

typedef enum sipc_status (*driver_sender)(struct sipc_endpoint *, sipc_time, sipc_session,
                                          const struct sipc_message *);

static enum sipc_status send_words(struct driver *d, driver_sender send, uint64_t handle,
                                   uint64_t size, const char *words)
{
    struct sipc_attribute attributes[ATTRIBUTES_MAX];
    struct sipc_message message = {.handle = handle, .size = size, .attributes = attributes};
    size_t text_size = strlen(words) + 1;
    char *text = malloc(text_size);
    char *place;
    enum sipc_status status;

    assert_non_null(text);
    memcpy(text, words, text_size);
    for (char *word = strtok_r(text, " ", &place); word != NULL;
         word = strtok_r(NULL, " ", &place)) {
        char *equals = strchr(word, '=');
        if (strcmp(word, "skip") == 0) {
            message.skip = true;
            continue;
        }
        assert_non_null(equals);
        assert_true(message.attribute_count < ATTRIBUTES_MAX);
        attributes[message.attribute_count++] = (struct sipc_attribute){
            span_of(word, (size_t)(equals - word)), span_of(equals + 1, strlen(equals + 1))};
    }
    status = send(d->ep, d->now, d->session, &message);
    free(text); /* attributes are copied */
    driver_drain(d);
    return status;
}

enum sipc_status driver_try_send(struct driver *d, uint64_t handle, uint64_t size,
                                 const char *words)
{
    return send_words(d, sipc_session_send, handle, size, words);
}

enum sipc_status driver_try_unreliable(struct driver *d, uint64_t handle, uint64_t size,
                                       const char *words)
{
    return send_words(d, sipc_session_send_unreliable, handle, size, words);
}

enum sipc_status driver_try_close(struct driver *d, int32_t code, uint64_t handle)
{
    enum sipc_status status = sipc_session_close(d->ep, d->now, d->session, code, handle);

    driver_drain(d);
    return status;
}

void driver_send(struct driver *d, uint64_t handle, uint64_t size, const char *words)
{
    assert_int_equal(driver_try_send(d, handle, size, words), SIPC_OK);
}

void driver_unreliable(struct driver *d, uint64_t handle, uint64_t size, const char *words)
{
    assert_int_equal(driver_try_unreliable(d, handle, size, words), SIPC_OK);
}

void driver_close(struct driver *d, int32_t code, uint64_t handle)
{
    assert_int_equal(driver_try_close(d, code, handle), SIPC_OK);
}

void driver_preset(struct driver *d, int64_t next, int64_t acked, int64_t min, bool processed)
{
    struct sipc_preset preset = {next, acked, min, processed};

    assert_int_equal(sipc_session_preset(d->ep, d->now, d->session, &preset), SIPC_OK);
    driver_drain(d);
}

/* ---- looking ---- */

void driver_expect(struct driver *d, const char *const *lines, const char *file, int line)
{
    size_t at = 0;

    for (size_t i = 0;; i++) {
        const char *found = d->lines + at;
        size_t size = strcspn(found, "\n");
        if (lines[i] == NULL && at == d->lines_size)
            break;
        if (lines[i] == NULL || at == d->lines_size || strlen(lines[i]) != size ||
            memcmp(lines[i], found, size) != 0) {
            print_error("%s:%d: %s: action %zu\n  expected: %s\n  found:    %.*s\nof:\n%s", file,
                        line, d->note == NULL ? "" : d->note, i + 1,
                        lines[i] == NULL ? "no more" : lines[i], (int)size, found, d->lines);
            _fail(file, line);
        }
        at += size + 1;
    }
    driver_forget(d);
}

void driver_forget(struct driver *d)
{
    d->lines_size = 0;
    d->lines[0] = '\0';
}
