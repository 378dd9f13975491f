/* Any implementation as a driver, attached as the SUT contract says: its outputs are taken over in
 * the form of this folder.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play/driver.h"
#include "play/pdu.h"

enum { SUT_ATTRIBUTES_MAX = 64 };

struct fuzz_sut {
    struct conform_sut *sut;
    struct conform_response response;
    size_t taken;
    bool lacks[SFZ_SETTING_COUNT]; /* it cannot be told this, and does as the protocol has it */
    bool refused;                  /* what it does not support is refused in its place */
    struct fuzz_out refusal;
    char broken[256]; /* what it did against the contract; "" if nothing */
    struct judge_attribute attributes[SUT_ATTRIBUTES_MAX];
    uint8_t data[SFZ_SIZE_MAX];
};

static bool sut_ask(struct fuzz_sut *sut, const struct conform_request *request);

static void sut_setting(enum sfz_setting which, int64_t value, struct conform_setting *out)
{
    const struct sfz_setting_info *info = sfz_setting_info(which);
    bool word = info->words[0] != NULL;

    *out = (struct conform_setting){.name = info->name, .value = value};
    out->boolean = word && strcmp(info->words[1], "true") == 0;
    if (word && !out->boolean)
        out->word = info->words[value];
}

/* What it cannot be told, of values that everybody has. A setting whose own value is made of others
 * has to be told. */
static void sut_probe(struct fuzz_sut *sut)
{
    struct conform_setting list[SFZ_SETTING_COUNT];
    const struct conform_request configure = {
        .op = CONFORM_CONFIGURE, .settings = list, .setting_count = SFZ_SETTING_COUNT};

    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        sut_setting((enum sfz_setting)i, sfz_setting_info((enum sfz_setting)i)->usual, &list[i]);
    if (!sut_ask(sut, &configure))
        return;
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        for (size_t k = 0; k < sut->response.refused_count; k++)
            sut->lacks[i] |= strcmp(list[i].name, sut->response.refused[k]) == 0 &&
                             sfz_setting_info((enum sfz_setting)i)->protocol >= 0;
}

struct fuzz_sut *fuzz_sut_new(const char *spec, struct conform_error *error)
{
    struct fuzz_sut *sut = calloc(1, sizeof *sut);
    struct conform_sut_options options = {.in_process = true};

    SIPC_ASSERT(sut != NULL);
    if (conform_sut_attach(spec, &options, &sut->sut, error) != CONFORM_SUT_OK ||
        !conform_sut_is_virtual(sut->sut)) {
        if (sut->sut != NULL)
            conform_error_set(error, "%s has no virtual clock: expected so:PATH or exec:CMD", spec);
        fuzz_sut_free(sut);
        return NULL;
    }
    sut_probe(sut);
    return sut;
}

void fuzz_sut_free(struct fuzz_sut *sut)
{
    conform_response_clear(&sut->response);
    conform_sut_detach(sut->sut);
    free(sut);
}

static const char *const peers[] = {"?", "P", "P1", "P2"};

static uint64_t sut_peer(const char *name)
{
    for (uint64_t i = 1; name != NULL && i <= SFZ_PEERS; i++)
        if (strcmp(name, peers[i]) == 0)
            return i;
    return JUDGE_PEER_UNKNOWN;
}

static bool sut_took(struct fuzz_sut *sut, enum conform_sut_status status,
                     const struct conform_error *error)
{
    sut->taken = 0;
    if (status == CONFORM_SUT_OK)
        return sut->response.ok;
    snprintf(sut->broken, sizeof sut->broken, "%s", error->text);
    return false;
}

static bool sut_ask(struct fuzz_sut *sut, const struct conform_request *request)
{
    struct conform_error error = {""};

    conform_response_clear(&sut->response);
    return sut_took(sut, conform_sut_call(sut->sut, request, &sut->response, &error), &error);
}

/* Whoever is not told what became of a PDU waits for ever to be. */
static bool sut_takes_aftermaths(const struct fuzz_sut *sut)
{
    const struct conform_response *hello = conform_sut_hello(sut->sut);

    for (size_t i = 0; i < hello->capability_count; i++)
        if (strcmp(hello->capabilities[i], "aftermath") == 0)
            return true;
    return false;
}

static void sut_settle(const void *self, int64_t settings[SFZ_SETTING_COUNT])
{
    const struct fuzz_sut *sut = self;

    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        if (sut->lacks[i])
            settings[i] = sfz_setting_info((enum sfz_setting)i)->protocol;
}

static bool sut_reset(void *self, const int64_t settings[SFZ_SETTING_COUNT])
{
    struct fuzz_sut *sut = self;
    struct conform_setting list[SFZ_SETTING_COUNT];
    struct conform_error error;
    size_t count = 0;

    if (settings[SFZ_MANUAL] != 0 && !sut_takes_aftermaths(sut))
        return false;
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        if (!sut->lacks[i])
            sut_setting((enum sfz_setting)i, settings[i], &list[count++]);
    if (sut->broken[0] != '\0') {
        sut->broken[0] = '\0';
        if (conform_sut_restart(sut->sut, &error) != CONFORM_SUT_OK)
            return false;
    }
    const struct conform_request configure = {
        .op = CONFORM_CONFIGURE, .settings = list, .setting_count = count};
    const struct conform_request reset = {.op = CONFORM_RESET};
    /* With a setting it refuses, the judge would expect what it cannot do. */
    return sut_ask(sut, &configure) && sut->response.refused_count == 0 && sut_ask(sut, &reset);
}

static bool sut_open(void *self, uint64_t peer, const uint8_t *session, int64_t idle_ms)
{
    const struct conform_request request = {.op = CONFORM_OPEN,
                                            .session = session,
                                            .remote = peers[peer],
                                            .has_idle_timeout = idle_ms > 0,
                                            .idle_timeout_ms = idle_ms};
    return sut_ask(self, &request);
}

static bool sut_preset(void *self, uint64_t peer, const uint8_t *session,
                       const struct sipc_preset *preset)
{
    const struct conform_request request = {.op = CONFORM_PRESET,
                                            .session = session,
                                            .remote = peers[peer],
                                            .next_window_id = preset->next_window_id,
                                            .acked_window_id = preset->acked_window_id,
                                            .min_window_id = preset->min_window_id,
                                            .processed = preset->processed};
    return sut_ask(self, &request);
}

static bool sut_begin(void *self, const struct fuzz_message *m)
{
    struct fuzz_sut *sut = self;
    struct conform_attribute attributes[4];
    char label[24];
    struct conform_request request = {.op = m->kind == JUDGE_SEND ? CONFORM_SEND
                                            : m->kind == JUDGE_SEND_UNRELIABLE
                                                ? CONFORM_SEND_UNRELIABLE
                                                : CONFORM_CLOSE,
                                      .session = m->session,
                                      .remote = peers[m->peer],
                                      .label = label,
                                      .data = {sut->data, m->size},
                                      .attributes = attributes,
                                      .attribute_count = m->attribute_count,
                                      .skip = m->skip,
                                      .code = m->code};

    snprintf(label, sizeof label, "m%llu", (unsigned long long)m->operation);
    fuzz_pattern(sut->data, m->from, m->size);
    for (size_t i = 0; i < m->attribute_count; i++)
        attributes[i] = (struct conform_attribute){m->attributes[i].name, m->attributes[i].value};
    bool begun = sut_ask(sut, &request);
    sut->refused = !begun && sut->response.unsupported;
    sut->refusal = (struct fuzz_out){.kind = JUDGE_RESULT,
                                     .peer = m->peer,
                                     .session = m->session,
                                     .operation = m->operation,
                                     .outcome = JUDGE_OUTCOME_REFUSED};
    return begun;
}

static bool sut_dispose(void *self, uint64_t peer, const uint8_t *session, int32_t code)
{
    const struct conform_request request = {
        .op = CONFORM_DISPOSE, .session = session, .remote = peers[peer], .code = code};
    return sut_ask(self, &request);
}

static bool sut_shutdown(void *self, int64_t grace_ms)
{
    const struct conform_request request = {.op = CONFORM_SHUTDOWN, .grace_ms = grace_ms};
    return sut_ask(self, &request);
}

static bool sut_receive(void *self, uint64_t peer, struct sipc_span pdu)
{
    const struct conform_request request = {.op = CONFORM_RX, .from = peers[peer], .pdu = pdu};
    return sut_ask(self, &request);
}

static bool sut_sent(void *self, uint64_t token, bool ok)
{
    const struct conform_request request = {.op = CONFORM_SENT, .token = token, .success = ok};
    return sut_ask(self, &request);
}

/* Up to the deadline, which conform_sut_step never passes; it stops there if anything comes. */
static bool sut_advance(void *self, uint64_t now_ns)
{
    struct fuzz_sut *sut = self;
    struct conform_error error = {""};

    conform_response_clear(&sut->response);
    return sut_took(sut, conform_sut_step(sut->sut, now_ns, &sut->response, &error), &error);
}

static uint64_t sut_deadline(const void *self)
{
    const struct fuzz_sut *sut = self;

    return conform_sut_deadline(sut->sut);
}

/* ---- out ---- */

static unsigned sut_word(const char *word, const char *const *words, unsigned count)
{
    unsigned i = 0;

    while (i < count && (word == NULL || strcmp(word, words[i]) != 0))
        i++;
    return i;
}

static bool sut_take(struct fuzz_sut *sut, const struct conform_out *from, struct fuzz_out *out)
{
    static const char *const outcomes[] = {"ok",      "timeout",  "peer_error", "network_error",
                                           "refused", "not_sent", "closed"};
    static const char *const states[] = {"opening", "opened", "closing", "awaiting_disposal",
                                         "disposed"};
    size_t count = from->attribute_count;

    *out = (struct fuzz_out){.peer = sut_peer(from->remote),
                             .session = from->has_session ? from->session : NULL,
                             .bytes = {from->bytes, from->size},
                             .token = from->token,
                             .attributes = sut->attributes,
                             .has_code = from->has_code,
                             .code = (int32_t)from->code};
    switch (from->kind) {
    case CONFORM_OUT_TX:
        out->kind = JUDGE_TX;
        return true;
    case CONFORM_OUT_DELIVER:
        out->kind = JUDGE_DELIVER;
        out->attribute_count = count < SUT_ATTRIBUTES_MAX ? count : SUT_ATTRIBUTES_MAX;
        for (size_t i = 0; i < out->attribute_count; i++)
            sut->attributes[i] =
                (struct judge_attribute){from->attributes[i].name, from->attributes[i].value};
        return true;
    case CONFORM_OUT_RESULT:
        out->kind = JUDGE_RESULT;
        out->operation = from->label != NULL ? strtoull(from->label + 1, NULL, 10) : 0;
        out->outcome = (enum judge_outcome)sut_word(from->word, outcomes, 7);
        return out->outcome <= JUDGE_OUTCOME_CLOSED;
    case CONFORM_OUT_STATE:
        out->kind = JUDGE_STATE;
        out->state = (enum judge_state)sut_word(from->word, states, 5);
        return out->state <= JUDGE_STATE_DISPOSED;
    default:
        return false; /* why it discards is its own affair */
    }
}

static bool sut_next_out(void *self, struct fuzz_out *out)
{
    struct fuzz_sut *sut = self;

    if (sut->refused) {
        sut->refused = false;
        *out = sut->refusal;
        return true;
    }
    while (sut->taken < sut->response.out_count)
        if (sut_take(sut, &sut->response.outs[sut->taken++], out))
            return true;
    return false;
}

static const char *sut_check(void *self)
{
    const struct fuzz_sut *sut = self;

    return sut->broken[0] != '\0' ? sut->broken : NULL;
}

const struct fuzz_driver fuzz_sut_driver = {
    .reset = sut_reset,
    .settle = sut_settle,
    .open = sut_open,
    .preset = sut_preset,
    .begin = sut_begin,
    .dispose = sut_dispose,
    .shutdown = sut_shutdown,
    .receive = sut_receive,
    .sent = sut_sent,
    .advance = sut_advance,
    .deadline = sut_deadline,
    .next_out = sut_next_out,
    .check = sut_check,
    .checks = "SUT contract",
};
