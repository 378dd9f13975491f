/* Seeds: a case of a script is run on the engine, and what the runner asks of it becomes records.
 * So every case of the language makes one, whatever its lines say.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "conform/run.h"
#include "tool/story.h"

enum { NAMES_MAX = SFZ_SESSIONS, WAITING_MAX = 32, SMALL = 1500 };

struct recorder {
    struct fuzz_seed *seed;
    FILE *errors;
    bool failed, over; /* the case was reset after it */
    uint8_t sessions[SFZ_SESSIONS][SIPC_SESSION_ID_SIZE];
    bool session_used[SFZ_SESSIONS];
    char peers[SFZ_PEERS][64];
    bool peer_used[SFZ_PEERS];
    uint64_t now_ns; /* up to where waits were recorded */
    uint64_t transmissions;
    uint64_t waiting[WAITING_MAX];
    size_t waiting_count;
    uint64_t largest; /* of what is sent or told, in bytes */
};

static void recorder_fail(struct recorder *r, const char *why)
{
    if (!r->failed)
        fprintf(r->errors, "no input can say this case: %s\n", why);
    r->failed = true;
}

static struct sfz_record *recorder_add(struct recorder *r, enum sfz_op op)
{
    static struct sfz_record spare;
    struct sfz_input *input = &r->seed->input;

    if (input->count == SFZ_RECORDS_MAX) {
        recorder_fail(r, "it has too many steps");
        return &spare;
    }
    input->records[input->count] = (struct sfz_record){.op = (uint8_t)op};
    return &input->records[input->count++];
}

/* ---- names ---- */

/* Sessions and peers that have the names of inputs keep their places; others take what is free. */
static unsigned recorder_place(const bool *used, unsigned count, unsigned wish)
{
    unsigned first = 0;

    if (wish < count && !used[wish])
        return wish;
    while (first < count && used[first])
        first++;
    return first;
}

static unsigned recorder_take_session(struct recorder *r, unsigned wish, const uint8_t *id)
{
    for (unsigned i = 0; i < SFZ_SESSIONS; i++)
        if (r->session_used[i] && memcmp(r->sessions[i], id, SIPC_SESSION_ID_SIZE) == 0)
            return i;
    unsigned place = recorder_place(r->session_used, SFZ_SESSIONS, wish);
    if (place == SFZ_SESSIONS) {
        recorder_fail(r, "it has more than four sessions");
        return 0;
    }
    r->session_used[place] = true;
    memcpy(r->sessions[place], id, SIPC_SESSION_ID_SIZE);
    return place;
}

static unsigned recorder_session(struct recorder *r, const uint8_t *id)
{
    return recorder_take_session(r, SFZ_SESSIONS, id);
}

static void recorder_named(void *ctx, const char *name, const uint8_t *id)
{
    static const char *const own[SFZ_SESSIONS] = {"S", "S1", "S2", "S3"};

    for (unsigned i = 0; i < SFZ_SESSIONS; i++)
        if (strcmp(name, own[i]) == 0)
            recorder_take_session(ctx, i, id);
}

static unsigned recorder_peer(struct recorder *r, const char *name)
{
    static const char *const own[SFZ_PEERS] = {"P", "P1", "P2"};
    unsigned wish = 0;

    if (name == NULL)
        return 0;
    for (unsigned i = 0; i < SFZ_PEERS; i++)
        if (r->peer_used[i] && strcmp(r->peers[i], name) == 0)
            return i;
    while (wish < SFZ_PEERS && strcmp(own[wish], name) != 0)
        wish++;
    unsigned place = recorder_place(r->peer_used, SFZ_PEERS, wish);
    if (place == SFZ_PEERS || strlen(name) >= sizeof r->peers[0]) {
        recorder_fail(r, "it has more than three peers");
        return 0;
    }
    r->peer_used[place] = true;
    strcpy(r->peers[place], name);
    return place;
}

/* ---- time ---- */

static uint64_t recorder_thousandth(const struct recorder *r, enum sfz_unit unit)
{
    return sfz_unit_ms(r->seed->input.settings, unit) * SIPC_NS_PER_MS / 1000;
}

/* In one record, of a unit other than T where that needs more. */
static bool recorder_wait_once(struct recorder *r, uint64_t ns)
{
    for (unsigned unit = SFZ_T; unit < SFZ_UNIT_COUNT; unit++) {
        uint64_t thousandth = recorder_thousandth(r, (enum sfz_unit)unit);
        if (thousandth == 0 || ns % thousandth != 0 || ns / thousandth > SFZ_WAIT_MAX)
            continue;
        struct sfz_record *record = recorder_add(r, SFZ_WAIT);
        record->kind = (uint8_t)unit;
        record->value = (uint32_t)(ns / thousandth);
        return true;
    }
    return false;
}

static void recorder_wait(struct recorder *r, uint64_t now_ns)
{
    uint64_t thousandth = recorder_thousandth(r, SFZ_T);
    uint64_t left = now_ns > r->now_ns ? (now_ns - r->now_ns) / thousandth : 0;

    r->now_ns += left * thousandth;
    if (left == 0 || recorder_wait_once(r, left * thousandth))
        return;
    while (left > 0 && !r->failed) {
        uint32_t part = left > SFZ_WAIT_MAX ? SFZ_WAIT_MAX : (uint32_t)left;
        recorder_add(r, SFZ_WAIT)->value = part;
        left -= part;
    }
}

/* ---- requests ---- */

static void recorder_configure(struct recorder *r, const struct conform_request *request)
{
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        for (int k = 0; k < SFZ_SETTING_COUNT; k++) {
            const struct sfz_setting_info *info = sfz_setting_info((enum sfz_setting)k);
            int64_t value = setting->value;
            if (strcmp(info->name, setting->name) != 0)
                continue;
            if (setting->word != NULL)
                value = info->words[1] != NULL && strcmp(info->words[1], setting->word) == 0;
            if (k == SFZ_MAX_SESSIONS && value > info->high)
                value = info->high;
            if (value < info->low || value > info->high)
                recorder_fail(r, setting->name);
            r->seed->input.settings[k] = value;
        }
    }
}

static enum sfz_attributes recorder_attributes(const struct conform_request *request)
{
    bool idle = false, forbidden = false, piece = false, nul = false, beyond = false;
    size_t large = 0;

    for (size_t i = 0; i < request->attribute_count; i++) {
        const struct sipc_span name = request->attributes[i].name;
        const struct sipc_span value = request->attributes[i].value;
        uint32_t id = sipc_option_find(name);
        large += value.size > 400;
        beyond |=
            value.size > 400 && (value.data[0] >= 0x80 || (name.size > 0 && name.data[0] >= 0x80));
        piece |= id == SIPC_OPT_LONG_ATTRIBUTE;
        nul |= name.size > 0 && memchr(name.data, 0, name.size) != NULL;
        idle |= id == SIPC_OPT_IDLE_TIMEOUT;
        forbidden |= (id & SIPC_OPT_FRAMING) != 0;
    }
    if (forbidden)
        return SFZ_FORBIDDEN;
    if (piece || nul)
        return piece ? SFZ_PIECE_NAME : SFZ_NUL_IN_NAME;
    if (beyond)
        return SFZ_BEYOND_ASCII;
    if (large > 1)
        return SFZ_TWO_LONG;
    if (idle)
        return SFZ_WITH_IDLE;
    if (large > 0)
        return SFZ_LARGE_ATTRIBUTE;
    return request->attribute_count > 1   ? SFZ_TWO_OF_A_NAME
           : request->attribute_count > 0 ? SFZ_ONE_ATTRIBUTE
                                          : SFZ_NO_ATTRIBUTES;
}

static void recorder_send(struct recorder *r, const struct conform_request *request,
                          struct sfz_record *record)
{
    size_t size = request->has_size ? (size_t)request->size : request->data.size;

    if (size > SFZ_SIZE_MAX) {
        recorder_fail(r, "a message is too long");
        return;
    }
    record->size = (uint16_t)size;
    record->from = request->data.size > 0 ? request->data.data[0] % 251 : 0;
    record->kind = (uint8_t)recorder_attributes(request);
    record->flags = (uint8_t)((request->skip ? SFZ_SKIP : 0) |
                              (request->op == CONFORM_SEND_UNRELIABLE ? SFZ_UNRELIABLE : 0));
    r->largest = size > r->largest ? size : r->largest;
    if (record->kind >= SFZ_TWO_LONG)
        r->largest = SMALL + 1; /* such attributes need the protocol's own room */
}

static void recorder_preset(struct recorder *r, const struct conform_request *request,
                            struct sfz_record *record)
{
    int64_t behind = request->next_window_id - 1 - request->acked_window_id;

    if (behind < 0 || behind > 255) {
        recorder_fail(r, "acked is too far behind next");
        return;
    }
    record->kind = (uint8_t)behind;
    record->id = request->next_window_id;
    record->id2 = request->min_window_id;
    record->flags = request->processed ? SFZ_PROCESSED : 0;
    if (request->min_window_id < 0) {
        record->id2 = 0;
        record->flags = SFZ_NO_MIN;
    }
}

enum { PREFIX = 8 };

/* How much of the beginning of an id stands there: one byte of it may be damaged, or be cut off
 * where the PDU ends. */
static size_t recorder_stands(const uint8_t *bytes, size_t left, const uint8_t *id)
{
    size_t length = left < PREFIX ? left : PREFIX;
    unsigned wrong = (unsigned)(PREFIX - length);

    for (size_t i = 0; i < length; i++)
        wrong += bytes[i] != id[i];
    return wrong <= 1 ? length : 0;
}

/* The ids of sessions that the script names become those of inputs, wherever they stand; what was
 * damaged in them still is. Others stay. */
static void recorder_rename(struct recorder *r, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < SFZ_SESSIONS; i++) {
        for (size_t at = 0; at < size && r->session_used[i]; at++) {
            size_t length = recorder_stands(bytes + at, size - at, r->sessions[i]);
            if (length == 0)
                continue;
            if (at + SIPC_SESSION_ID_SIZE <= size &&
                memcmp(bytes + at, r->sessions[i], SIPC_SESSION_ID_SIZE) == 0)
                length = SIPC_SESSION_ID_SIZE;
            for (size_t k = 0; k < length; k++)
                bytes[at + k] ^= r->sessions[i][k] ^ sfz_session_id((unsigned)i)[k];
            at += length - 1;
        }
    }
}

static void recorder_rx(struct recorder *r, const struct conform_request *request)
{
    static uint8_t bytes[FUZZ_PDU_MAX + 64];
    size_t size = request->pdu.size;
    struct sfz_record record = {.who = (uint8_t)(recorder_peer(r, request->from) << 2)};

    if (size > sizeof bytes) {
        recorder_fail(r, "a PDU is too long");
        return;
    }
    if (size > 0)
        memcpy(bytes, request->pdu.data, size);
    recorder_rename(r, bytes, size);
    r->largest = size > r->largest ? size : r->largest;
    if (!fuzz_pdu_record((struct sipc_span){bytes, size}, true, &record)) {
        recorder_fail(r, "a raw PDU is too long");
        return;
    }
    struct sfz_record *to = recorder_add(r, SFZ_RAW);
    if (record.op == SFZ_RAW && !r->failed) {
        uint8_t *raw = r->seed->raw[r->seed->input.count - 1];
        memcpy(raw, bytes, size);
        record.raw = raw;
    }
    *to = record;
}

static void recorder_sent(struct recorder *r, const struct conform_request *request)
{
    for (size_t i = 0; i < r->waiting_count; i++) {
        if (r->waiting[i] != request->token)
            continue;
        struct sfz_record *record = recorder_add(r, SFZ_SENT);
        record->kind = (uint8_t)i;
        record->flags = request->success ? 0 : SFZ_FAILED;
        r->waiting_count--;
        memmove(&r->waiting[i], &r->waiting[i + 1], (r->waiting_count - i) * sizeof r->waiting[0]);
        return;
    }
    recorder_fail(r, "too many transmissions wait for their aftermath");
}

static void recorder_command(struct recorder *r, const struct conform_request *request)
{
    static const enum sfz_op ops[CONFORM_OP_COUNT] = {
        [CONFORM_OPEN] = SFZ_OPEN,         [CONFORM_PRESET] = SFZ_PRESET,
        [CONFORM_SEND] = SFZ_SEND,         [CONFORM_SEND_UNRELIABLE] = SFZ_SEND,
        [CONFORM_CLOSE] = SFZ_CLOSE,       [CONFORM_DISPOSE] = SFZ_DISPOSE,
        [CONFORM_SHUTDOWN] = SFZ_SHUTDOWN,
    };
    if (ops[request->op] == SFZ_NOP)
        return;
    struct sfz_record *record = recorder_add(r, ops[request->op]);
    if (request->session != NULL)
        record->who = (uint8_t)recorder_session(r, request->session);
    if (request->op == CONFORM_OPEN) {
        record->who |= (uint8_t)(recorder_peer(r, request->remote) << 2);
        record->value = request->has_idle_timeout && request->idle_timeout_ms > 0
                            ? (uint32_t)request->idle_timeout_ms
                            : 0;
    } else if (request->op == CONFORM_PRESET) {
        recorder_preset(r, request, record);
    } else if (request->op == CONFORM_SEND || request->op == CONFORM_SEND_UNRELIABLE) {
        recorder_send(r, request, record);
    } else if (request->op == CONFORM_SHUTDOWN) {
        record->value = (uint32_t)request->grace_ms;
    } else {
        record->value = (uint32_t)(request->code < 0 ? -request->code : request->code);
    }
}

/* The last moment is the silence at the end of every script. */
static void recorder_end(struct recorder *r, uint64_t now_ns)
{
    uint64_t thousandth = recorder_thousandth(r, SFZ_T);

    recorder_wait(r, now_ns > thousandth ? now_ns - thousandth : 0);
    r->over = true;
}

static void recorder_request(void *ctx, uint64_t now_ns, const struct conform_request *request)
{
    struct recorder *r = ctx;

    if (request->op == CONFORM_ADVANCE || r->over)
        return; /* the wait is recorded when something happens after it */
    if (request->op == CONFORM_CONFIGURE) {
        recorder_configure(r, request);
        return;
    }
    if (request->op == CONFORM_RESET && r->seed->input.count > 0) {
        recorder_end(r, now_ns);
        return;
    }
    if (request->op == CONFORM_RESET) {
        r->now_ns = r->transmissions = r->waiting_count = 0;
        r->seed->input.count = 0;
        return;
    }
    recorder_wait(r, now_ns);
    if (request->op == CONFORM_RX)
        recorder_rx(r, request);
    else if (request->op == CONFORM_SENT)
        recorder_sent(r, request);
    else
        recorder_command(r, request);
}

static void recorder_pdu(void *ctx, bool from_sut, const char *peer, uint64_t at_ns,
                         struct sipc_span pdu, const char *case_name)
{
    struct recorder *r = ctx;

    (void)peer;
    (void)at_ns;
    (void)pdu;
    (void)case_name;
    if (!from_sut)
        return;
    r->transmissions++;
    if (r->seed->input.settings[SFZ_MANUAL] != 0 && r->waiting_count < WAITING_MAX)
        r->waiting[r->waiting_count++] = r->transmissions;
}

/* ---- the whole ---- */

static void recorder_settings(struct recorder *r)
{
    for (int i = 0; i < SFZ_SETTING_COUNT; i++) {
        const struct sfz_setting_info *info = sfz_setting_info((enum sfz_setting)i);
        int64_t value = info->protocol < 0 ? info->usual : info->protocol;
        r->seed->input.settings[i] = value > info->high ? info->high : value;
    }
    r->seed->input.settings[SFZ_MAX_SESSIONS] = 4;
    r->seed->input.settings[SFZ_LINGER] = 8000; /* of the protocol's own T and retries */
}

/* A small endpoint is a fast one; the protocol's own sizes where they are what the case is about.
 */
static void recorder_shrink(struct recorder *r, const struct sx_script *script)
{
    static const enum sfz_setting small[] = {SFZ_GROUP_BYTES_MAX, SFZ_ATTRIBUTE_LIMIT,
                                             SFZ_UNRELIABLE_QUEUE};

    if (r->largest > SMALL)
        return;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const struct sfz_setting_info *info = sfz_setting_info(small[i]);
        bool set = false;
        for (size_t k = 0; k < script->setting_count; k++)
            set |= strcmp(script->settings[k].name, info->name) == 0;
        if (!set)
            r->seed->input.settings[small[i]] = info->usual;
    }
}

size_t fuzz_story_cases(const char *path, FILE *errors)
{
    size_t count = 0;
    struct sx_script *script = sx_parse_file(path, errors, NULL);

    if (script != NULL && script->world != NULL)
        fprintf(errors, "%s: expected a case, found a scenario\n", path);
    else if (script != NULL)
        count = script->case_count;
    sx_script_free(script);
    return count;
}

bool fuzz_story_seed(const char *path, size_t index, struct fuzz_seed *seed, FILE *errors)
{
    struct recorder r = {.seed = seed, .errors = errors};
    struct conform_sut_options sut_options = {.on_request = recorder_request, .ctx = &r};
    struct conform_run_options run_options = {
        .on_pdu = recorder_pdu, .on_session = recorder_named, .ctx = &r};
    struct conform_record record = {0};
    struct conform_error error;
    struct conform_sut *sut;
    struct sx_script *script = sx_parse_file(path, errors, NULL);

    if (script == NULL)
        return false;
    seed->input.count = 0;
    recorder_settings(&r);
    if (conform_sut_attach("engine", &sut_options, &sut, &error) != CONFORM_SUT_OK) {
        fprintf(errors, "%s\n", error.text);
        sx_script_free(script);
        return false;
    }
    conform_run_case(sut, script, index, &run_options, &record, &error);
    if (!r.over)
        recorder_end(&r, conform_sut_now(sut));
    recorder_shrink(&r, script);
    if (record.verdict != CONFORM_PASS && record.verdict != CONFORM_ADVISORY)
        fprintf(errors, "note: %s ends as %s\n", record.name, conform_verdict_name(record.verdict));
    conform_record_clear(&record);
    conform_sut_detach(sut);
    sx_script_free(script);
    if (!r.failed && seed->input.count == 0)
        recorder_fail(&r, "nothing happens in it");
    return !r.failed;
}
