/* Fuzz target: any bytes as calls of the engine's interface, with arguments that may make no sense:
 * actions left waiting, sessions that are over or never were, made-up tokens, codes, ids and
 * settings. Oracles: a call is refused with what its header says, and a refusal changes no byte of
 * the endpoint; states are those that were told; a session's handle is not given twice; another
 * moment, taken twice, is the same. SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <string.h>

#include "play/play.h"
#include "sipc/session.h"
#include "targets/take.h"

const uint32_t target_ops = 0;

enum { BLOCK_SIZE = 1 << 18, HANDLES = 24, TOKENS = 8, STEPS_MAX = 200, NUMBERS = 12 };
#define NAMED(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

struct told {
    sipc_session handle;
    enum sipc_state state;
};

static struct api {
    struct take in;
    struct sipc_endpoint *ep;
    size_t size; /* of its state */
    sipc_time now;
    struct told sessions[HANDLES];
    size_t count;
    uint64_t tokens[TOKENS];
    size_t token_count;
    bool waiting; /* actions */
} api;

static _Alignas(16) uint8_t block[BLOCK_SIZE], moved[BLOCK_SIZE], before[BLOCK_SIZE];

/* Where ranges end. */
static int64_t number(void)
{
    static const int64_t numbers[NUMBERS] = {
        0,         1,        2, 99, 100, 101, -1, -2, SIPC_WINDOW_ID_MAX, SIPC_WINDOW_ID_MAX + 1,
        INT64_MAX, INT64_MIN};

    return numbers[take_byte(&api.in) % NUMBERS];
}

/* ---- settings ---- */

static void break_setting(struct sipc_config *config)
{
    const int64_t value = number();

    switch (take_byte(&api.in) % 12) {
    case 0:
        config->max_window_size = (uint32_t)value;
        break;
    case 1:
        config->ack_timeout_ns = (sipc_time)value;
        break;
    case 2:
        config->max_retry_count = (uint32_t)value;
        break;
    case 3:
        config->open_timeout_ns = (sipc_time)value;
        break;
    case 4:
        config->min_remote_idle_timeout_ns = value;
        break;
    case 5:
        config->enquire_link_interval_ns = (sipc_time)value;
        break;
    case 6:
        config->linger_ns = (sipc_time)value;
        break;
    case 7:
        config->attribute_limit = (uint32_t)value;
        break;
    case 8:
        config->max_sessions = (uint32_t)value;
        break;
    case 9:
        config->unreliable_queue = (uint32_t)value;
        break;
    case 10:
        config->window_id_max = value;
        break;
    default:
        config->group_bytes_max = (uint32_t)value;
        break;
    }
}

/* An endpoint for these settings, or a refusal wherever they are given. */
static void check_settings(struct sipc_config config)
{
    const char *field = NULL;
    struct sipc_endpoint *none = NULL;
    const struct sipc_config given = config;
    bool good = sipc_config_check(&config, &field) == SIPC_OK;

    FUZZ_CHECK(good == (field == NULL), "a setting that makes no sense is named");
    FUZZ_CHECK(good == (sipc_endpoint_size(&given) > 0), "and has no endpoint");
    enum sipc_status status = sipc_endpoint_init(block, 1, &given, 0, &none);
    FUZZ_CHECK(status == (good ? SIPC_E_NO_SPACE : SIPC_E_INVALID) && none == NULL,
               "which needs room");
    FUZZ_CHECK(sipc_config_conformant(&given) ==
                   (given.window_id_step == 100 && given.window_id_max == SIPC_WINDOW_ID_MAX &&
                    given.group_bytes_max == SIPC_GROUP_BYTES_MAX),
               "small worlds are told apart");
}

static void begin(void)
{
    struct sipc_config config;
    const uint8_t flags = take_byte(&api.in);

    sipc_config_default(&config);
    check_settings(config);
    struct sipc_config other = config;
    break_setting(&other);
    check_settings(other);
    other.window_id_step = number();
    check_settings(other);
    config.max_sessions = 3; /* no power of two: a token may name a slot that is not there */
    config.mtu = 512;
    config.group_bytes_max = 1024;
    config.max_window_size = 4;
    config.unreliable_queue = 2;
    config.attribute_limit = 600;
    config.stream = (flags & 1) != 0;
    config.enquire_link_interval_ns = (flags & 2) != 0 ? SIPC_NS_PER_MS * 500 : 0;
    config.linger_ns = (flags & 4) != 0 ? 0 : SIPC_NEVER;
    config.idle_timeout_ns = (flags & 8) != 0 ? (int64_t)SIPC_NS_PER_MS * 3000 : 0;
    memset(block, 0, sizeof block);
    FUZZ_CHECK(sipc_endpoint_size(&config) <= sizeof block, "it is small");
    FUZZ_CHECK(sipc_endpoint_init(block, sizeof block, &config, 0, &api.ep) == SIPC_OK,
               "it is made");
    FUZZ_CHECK(sipc_endpoint_config(api.ep)->mtu == 512, "by its settings");
    api.size = sipc_endpoint_snapshot_size(api.ep);
}

/* ---- calls ---- */

static struct told *find(sipc_session handle)
{
    for (size_t i = 0; i < api.count; i++)
        if (api.sessions[i].handle == handle)
            return &api.sessions[i];
    return NULL;
}

static void add(sipc_session handle, enum sipc_state state)
{
    if (find(handle) == NULL && api.count < HANDLES)
        api.sessions[api.count++] = (struct told){handle, state};
}

/* One of those known, or made up. */
static sipc_session choose(void)
{
    const uint8_t at = take_byte(&api.in);

    if (at < api.count)
        return api.sessions[at].handle;
    return at == 255   ? 0
           : at > 250  ? UINT64_C(1) << 32 | (at - 250)
           : at > 240  ? UINT64_C(77) << 32 | (at - 240)
           : api.count ? api.sessions[at % api.count].handle
                       : at;
}

static void remember(void)
{
    memcpy(before, block, api.size);
}

/* `allowed`: a set of enum sipc_status, once the session is held and no action waits. */
static void judge(enum sipc_status got, unsigned allowed, const sipc_session *session)
{
    if (api.waiting)
        allowed = 1u << SIPC_E_PENDING;
    else if (session != NULL && sipc_session_state(api.ep, *session) == SIPC_DISPOSED &&
             got != SIPC_OK)
        allowed = 1u << SIPC_E_UNKNOWN;
    FUZZ_CHECK((1u << got & allowed) != 0, "a status that the call may have");
    FUZZ_CHECK(got == SIPC_OK || memcmp(before, block, api.size) == 0, "a refusal changes nothing");
    const char *broken = sipc_endpoint_check(api.ep);
    if (broken != NULL)
        target_break(fuzz_invariant_rule(broken), "%s", broken);
    target_note((uint64_t)got);
}

#define SET_2(a, b)       (1u << (a) | 1u << (b))
#define SET_4(a, b, c, d) (SET_2(a, b) | SET_2(c, d))

static void take_action(const struct sipc_action *action)
{
    struct told *told = find(action->session);

    if (action->kind == SIPC_ACTION_TRANSMIT && api.token_count < TOKENS)
        api.tokens[api.token_count++] = action->u.transmit.token;
    else if (action->kind == SIPC_ACTION_RESULT)
        FUZZ_CHECK(sipc_outcome_name(action->u.result.outcome) != NULL, "an outcome has a name");
    else if (action->kind == SIPC_ACTION_DISCARD)
        FUZZ_CHECK(sipc_endpoint_discarded(api.ep, action->u.discard.reason) > 0, "it is counted");
    else if (action->kind == SIPC_ACTION_STATE) {
        FUZZ_CHECK(sipc_state_name(action->u.state.state) != NULL, "a state has a name");
        if (told != NULL)
            told->state = action->u.state.state;
    }
    if (told == NULL && action->session != 0)
        add(action->session,
            action->kind == SIPC_ACTION_STATE ? action->u.state.state : SIPC_OPENING);
}

/* Takes all actions; then states are as told, and what the last action lent is given back. */
static void drain(void)
{
    struct sipc_action action;
    uint32_t held = 0;

    while (sipc_endpoint_next_action(api.ep, &action))
        take_action(&action);
    for (size_t i = 0; i < api.count; i++) {
        const enum sipc_state state = sipc_session_state(api.ep, api.sessions[i].handle);
        FUZZ_CHECK(state == api.sessions[i].state, "a state is as it was told");
        held += state != SIPC_DISPOSED;
    }
    FUZZ_CHECK(api.count == HANDLES || held == sipc_endpoint_session_count(api.ep),
               "sessions are counted");
    FUZZ_CHECK(sipc_endpoint_sent(api.ep, api.now, 0, true) == SIPC_E_UNKNOWN, "0 is no token");
}

static const uint8_t *session_id(void)
{
    static uint8_t id[SIPC_SESSION_ID_SIZE];

    id[0] = take_byte(&api.in) % 4;
    return id;
}

static void call_open(void)
{
    const uint8_t peer = take_byte(&api.in) % 3 + 1;
    const uint8_t *id = session_id();
    sipc_session handle = 0;

    enum sipc_status got =
        sipc_session_open(api.ep, api.now, peer, id, peer == 1 ? INT64_MIN : peer - 2, &handle);
    judge(got, SET_4(SIPC_OK, SIPC_E_EXISTS, SIPC_E_NO_SPACE, SIPC_E_STATE), NULL);
    FUZZ_CHECK((got == SIPC_OK) == (handle != 0), "a session has a handle");
    if (got != SIPC_OK)
        return;
    FUZZ_CHECK(find(handle) == NULL, "a handle is not given twice");
    FUZZ_CHECK(sipc_session_find(api.ep, peer, id) == handle, "what was opened is found");
    add(handle, SIPC_OPENING);
}

static void call_preset(sipc_session session)
{
    const struct sipc_preset preset = {number(), number(), number(), true};

    judge(sipc_session_preset(api.ep, api.now, session, &preset),
          SET_2(SIPC_OK, SIPC_E_STATE) | 1u << SIPC_E_INVALID, &session);
}

static void call_send(sipc_session session, bool reliable)
{
    static const struct sipc_span texts[] = {
        NAMED(""),
        NAMED("a"),
        NAMED("s_00"),
        NAMED("s_03"),
        NAMED("s_e_00"),
        NAMED("s_e_01"),
        NAMED("True"),
        NAMED("False"),
        NAMED("5"),
        NAMED("x\0y"),
        NAMED("long"),
        NAMED("e0000000000000000000000000000000000000000000000000000000000000000000000000000000")};
    static const uint8_t many[700] = {'v'};
    struct sipc_attribute attributes[3];
    const uint8_t flags = take_byte(&api.in);
    struct sipc_message message = {.handle = 1,
                                   .size = flags >> 4 == 15 ? 100000 : (flags >> 4) * 200u,
                                   .attributes = attributes,
                                   .attribute_count = flags & 3,
                                   .skip = (flags & 4) != 0};

    for (size_t i = 0; i < message.attribute_count; i++) {
        const uint8_t name = take_byte(&api.in), value = take_byte(&api.in);
        attributes[i].name = texts[name % (sizeof texts / sizeof texts[0])];
        attributes[i].value = value >= 128 ? (struct sipc_span){many, (value - 127u) * 5}
                                           : texts[value % (sizeof texts / sizeof texts[0])];
    }
    if (reliable)
        judge(sipc_session_send(api.ep, api.now, session, &message),
              SET_4(SIPC_OK, SIPC_E_BUSY, SIPC_E_STATE, SIPC_E_OPENING) | 1u << SIPC_E_ATTRIBUTES,
              &session);
    else
        judge(sipc_session_send_unreliable(api.ep, api.now, session, &message),
              SET_4(SIPC_OK, SIPC_E_SIZE, SIPC_E_STATE, SIPC_E_OPENING) | 1u << SIPC_E_ATTRIBUTES,
              &session);
}

static void call_close(sipc_session session)
{
    const int32_t code = (int32_t)number();

    judge(sipc_session_close(api.ep, api.now, session, code, 5),
          code >= 1 && code <= 99 ? SET_2(SIPC_OK, SIPC_E_BUSY) | 1u << SIPC_E_NO_SPACE
                                  : 1u << SIPC_E_INVALID,
          &session);
}

/* A PDU that decodes, of small numbers; or any bytes. */
static void call_receive(void)
{
    uint8_t bytes[600], head = take_byte(&api.in);
    struct sipc_pdu_parts parts = {.opcode = (uint8_t)(head & 7), .session_id = session_id()};
    uint8_t options[80] = {0};
    size_t size = 0, option_size = 0;

    for (unsigned i = 0; i < 4; i++)
        if ((head >> 4 & 1u << i) != 0)
            FUZZ_CHECK(sipc_option_encode_bool(1u << i, true, options, sizeof options,
                                               &option_size) == SIPC_OK,
                       "an option is written");
    parts.window_id = take_byte(&api.in);
    parts.seq_nr = take_byte(&api.in) & 7;
    parts.opcode = (uint8_t)(SIPC_DATA + parts.opcode);
    parts.options = (struct sipc_span){options, option_size};
    parts.data = (struct sipc_span){options, (size_t)parts.seq_nr};
    if (sipc_pdu_encode(&parts, bytes, sizeof bytes, &size) != SIPC_OK) {
        FUZZ_CHECK(sipc_opcode_name(parts.opcode) == NULL, "what is not on the wire has no name");
        size = 0;
    }
    judge(sipc_endpoint_receive(api.ep, api.now, 1 + head % 2, (struct sipc_span){bytes, size}),
          1u << SIPC_OK, NULL);
}

static void call_sent(void)
{
    const uint8_t at = take_byte(&api.in);
    const uint64_t token = at < api.token_count ? api.tokens[at] : (uint64_t)at << (at & 7);

    judge(sipc_endpoint_sent(api.ep, api.now, token, (at & 1) == 0), SET_2(SIPC_OK, SIPC_E_UNKNOWN),
          NULL);
}

static void call_advance(void)
{
    const sipc_time deadline = sipc_endpoint_deadline(api.ep);
    const uint8_t by = take_byte(&api.in);

    if (!api.waiting && by >= 128 && deadline != SIPC_NEVER)
        api.now = deadline > api.now ? deadline : api.now;
    else if (!api.waiting)
        api.now += by * (SIPC_NS_PER_MS * 100);
    judge(sipc_endpoint_advance(api.ep, api.now), 1u << SIPC_OK, NULL);
}

/* The same endpoint at another moment, and once more: the second time nothing changes. */
static void call_rebase(void)
{
    const sipc_time base = UINT64_C(1) << 40;
    struct sipc_endpoint *ep = (struct sipc_endpoint *)(void *)moved;
    uint64_t tokens[TOKENS], again[TOKENS];

    if (api.waiting)
        return;
    memcpy(moved, block, api.size);
    memcpy(tokens, api.tokens, sizeof tokens);
    sipc_endpoint_rebase(ep, api.now, base, tokens, api.token_count);
    const char *broken = sipc_endpoint_check(ep);
    if (broken != NULL)
        target_break(fuzz_invariant_rule(broken), "at another moment: %s", broken);
    const sipc_time deadline = sipc_endpoint_deadline(api.ep), there = sipc_endpoint_deadline(ep);
    FUZZ_CHECK((deadline == SIPC_NEVER) == (there == SIPC_NEVER) &&
                   (deadline == SIPC_NEVER || deadline - api.now == there - base),
               "its deadline is as far away");
    memcpy(before, moved, api.size);
    memcpy(again, tokens, sizeof again);
    sipc_endpoint_rebase(ep, base, base, again, api.token_count);
    FUZZ_CHECK(memcmp(before, moved, api.size) == 0 &&
                   memcmp(again, tokens, api.token_count * sizeof *again) == 0,
               "another moment twice is the same");
}

/* ---- what needs no endpoint ---- */

static void check_attribute(void)
{
    static const uint8_t zeros[UINT16_MAX + 1];
    static uint8_t room[300];
    const uint8_t wide = take_byte(&api.in);
    const struct sipc_span name = {zeros, wide == 255 ? sizeof zeros : wide / 2},
                           value = {zeros, wide == 254 ? sizeof zeros : take_byte(&api.in)};
    size_t used = 0, space = take_byte(&api.in) + 40u;

    enum sipc_status status = sipc_attribute_add(name, value, room, space, &used);
    FUZZ_CHECK((status == SIPC_E_SIZE) == (wide >= 254), "a name or value is too long");
    FUZZ_CHECK((status == SIPC_OK) == (used > 0) && used <= space, "or it is written");
    if (status != SIPC_OK)
        return;
    struct sipc_span rest = {room, used}, got_name, got_value;
    FUZZ_CHECK(sipc_attribute_next(&rest, &got_name, &got_value) && rest.size == 0 &&
                   got_name.size == name.size && got_value.size == value.size,
               "and is read as it was written");
}

static void check_names(void)
{
    const int at = (int)take_byte(&api.in) - 8;
    uint8_t out[40];
    size_t used = 0;

    FUZZ_CHECK((sipc_rule_info((enum sipc_rule)at) != NULL) == (at > 0 && at < SIPC_RULE_COUNT),
               "a rule is known or not");
    FUZZ_CHECK((sipc_discard_name((enum sipc_discard)at) != NULL) ==
                   (at >= 0 && at < SIPC_DISCARD_COUNT),
               "a reason has a name");
    (void)sipc_discard_rule((enum sipc_discard)at);
    const uint32_t id = at < 0 ? UINT32_MAX : 1u << (at & 31);
    const bool known = sipc_option_wire_name(id) != NULL;
    FUZZ_CHECK(known == (sipc_option_spec_name(id) != NULL), "an option has both names");
    const bool written = sipc_option_encode_bool(id, true, out, sizeof out, &used) == SIPC_OK;
    const bool number_too = sipc_option_encode_int(id, at, out, sizeof out, &used) == SIPC_OK;
    FUZZ_CHECK(!(written && number_too) && (known || !(written || number_too)),
               "an option is of one kind");
}

static void step(void)
{
    const uint8_t op = take_byte(&api.in);

    remember();
    switch (op % 16) {
    case 0:
        call_open();
        break;
    case 1:
        call_preset(choose());
        break;
    case 2:
    case 3:
        call_send(choose(), true);
        break;
    case 4:
        call_send(choose(), false);
        break;
    case 5:
        call_close(choose());
        break;
    case 6: {
        const sipc_session session = choose();
        judge(sipc_session_dispose(api.ep, api.now, session, -2), 1u << SIPC_OK, &session);
        break;
    }
    case 7:
    case 8:
    case 9:
        call_receive();
        break;
    case 10:
        call_sent();
        break;
    case 11:
        call_advance();
        break;
    case 12:
        judge(sipc_endpoint_shutdown(api.ep, api.now, take_byte(&api.in) * SIPC_NS_PER_MS),
              1u << SIPC_OK, NULL);
        break;
    case 13:
        call_rebase();
        break;
    case 14:
        check_attribute();
        break;
    default:
        check_names();
        break;
    }
    if (op < 240)
        drain();
    api.waiting = sipc_endpoint_sent(api.ep, api.now, 0, true) == SIPC_E_PENDING;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    api = (struct api){.in = {data, size}};
    begin();
    for (int i = 0; i < STEPS_MAX && api.in.left > 0; i++)
        step();
    return 0;
}
