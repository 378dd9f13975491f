/* See play.h.
 * SPDX-License-Identifier: MIT */
#include "play/play.h"

#include <stdio.h>
#include <string.h>

#include <xxhash.h>

enum {
    OUTS_MAX = 3000, /* of one input; what comes behind is another input's matter */
    DEADLINES_MAX = 3000,
    WAITING_MAX = 32, /* transmissions whose aftermath is owed; later ones get none */
    REMEMBERED = 16,  /* PDUs that can come again */
    REMEMBERED_SIZE = 1500,
};

#define TIME_MAX (UINT64_C(20) * 3600 * 1000 * SIPC_NS_PER_MS) /* a script may take a day */

struct seen {                  /* of a session, whoever its peer is */
    int64_t sent, taken, ours; /* -1: none yet */
    uint8_t held;              /* by peer */
    uint8_t peer;              /* the last */
    uint8_t state;
};

struct player {
    const struct fuzz_driver *driver;
    void *self;
    const struct sfz_input *input;
    const struct fuzz_play_options *options;
    struct fuzz_played *played;
    struct judge *judge;
    uint64_t now, operations, transmissions;
    struct seen seen[SFZ_SESSIONS];
    struct {
        uint64_t token, number;
    } waiting[WAITING_MAX];
    size_t waiting_count;
    struct {
        uint8_t peer;
        uint16_t size;
        uint8_t bytes[REMEMBERED_SIZE];
    } remembered[REMEMBERED];
    size_t remembered_count;
    unsigned event, state; /* of the counters */
    size_t deadlines;
    struct judge_attribute attributes[4];
};

/* ---- oracles ---- */

void fuzz_find(struct fuzz_finding *finding, enum sipc_rule rule, const char *text)
{
    if (finding->found)
        return;
    finding->found = true;
    finding->rule = rule;
    snprintf(finding->text, sizeof finding->text, "%s", text);
}

enum sipc_rule fuzz_invariant_rule(const char *broken)
{
    const char *open = strrchr(broken, '(');
    char id[16];
    int length = 0;

    if (open == NULL || sscanf(open, "(%15[A-Z0-9a-])%n", id, &length) != 1 || length == 0 ||
        open[length] != '\0')
        return SIPC_RULE_NONE;
    return sipc_rule_find(id);
}

void fuzz_find_judged(struct fuzz_finding *out, const struct judge *judge, bool advisories)
{
    static char text[sizeof out->text]; /* a local one costs a sanitizer's time at every call */

    for (size_t i = 0; i < judge_finding_count(judge); i++) {
        const struct judge_finding *finding = judge_finding(judge, i);
        const struct sipc_rule_info *info = finding != NULL ? sipc_rule_info(finding->rule) : NULL;
        if (info == NULL || (info->level != SIPC_MUST && !advisories))
            continue;
        judge_finding_print(finding, text, sizeof text);
        fuzz_find(out, finding->rule, text);
        return;
    }
}

void fuzz_find_inside(struct fuzz_finding *finding, const struct fuzz_driver *driver, void *self)
{
    const char *wrong = driver->check != NULL ? driver->check(self) : NULL;
    static char text[sizeof finding->text];

    if (wrong == NULL)
        return;
    snprintf(text, sizeof text, "%s: %s", driver->checks, wrong);
    fuzz_find(finding, fuzz_invariant_rule(wrong), text);
}

static void player_check(struct player *p)
{
    if (p->judge != NULL)
        fuzz_find_judged(&p->played->finding, p->judge, p->options->advisories);
    fuzz_find_inside(&p->played->finding, p->driver, p->self);
}

static void player_feed(struct player *p, struct judge_event *event)
{
    event->at_ns = p->now;
    if (p->judge != NULL)
        judge_feed(p->judge, event);
}

/* Settings are by name, and most often those of the input before. */
static const struct judge_config *judge_settings(const int64_t settings[SFZ_SETTING_COUNT])
{
    static int64_t last[SFZ_SETTING_COUNT];
    static struct judge_config config;

    if (last[SFZ_WINDOW_ID_STEP] != settings[SFZ_WINDOW_ID_STEP] ||
        last[SFZ_WINDOW_ID_MAX] != settings[SFZ_WINDOW_ID_MAX] ||
        last[SFZ_GROUP_BYTES_MAX] != settings[SFZ_GROUP_BYTES_MAX]) { /* another world */
        memset(last, -1, sizeof last);
        judge_config_init(&config);
        judge_config_defaults(&config);
    }
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        if (i != SFZ_MANUAL && i != SFZ_STREAM && last[i] != settings[i])
            judge_config_set(&config, sfz_setting_info((enum sfz_setting)i)->name, settings[i]);
    memcpy(last, settings, sizeof last);
    config.knows = JUDGE_NEEDS_SYNC | JUDGE_NEEDS_ARRIVALS | JUDGE_NEEDS_EVENTS |
                   JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_STATES;
    if (settings[SFZ_MANUAL] != 0)
        config.knows |= JUDGE_NEEDS_AFTERMATHS;
    config.stream = settings[SFZ_STREAM] != 0;
    config.answer_ns = (uint64_t)settings[SFZ_ACK_TIMEOUT] * SIPC_NS_PER_MS / 2;
    return &config;
}

struct judge *fuzz_judge(struct judge *used, const int64_t settings[SFZ_SETTING_COUNT],
                         const bool *off)
{
    struct judge_config config = *judge_settings(settings);

    config.off = off;
    if (used == NULL)
        return judge_new(&config);
    judge_renew(used, &config);
    return used;
}

/* ---- what comes out ---- */

static void player_hash(struct player *p, const struct fuzz_out *out)
{
    uint64_t words[] = {p->played->trace,       p->now,
                        (uint64_t)out->kind,    out->peer,
                        out->operation,         (uint64_t)out->outcome,
                        (uint64_t)out->state,   (uint64_t)out->has_code << 32 | (uint32_t)out->code,
                        (uint64_t)out->discard, out->bytes.size};

    p->played->trace = XXH3_64bits(words, sizeof words);
    if (out->bytes.size > 0)
        p->played->trace = XXH3_64bits_withSeed(out->bytes.data, out->bytes.size, p->played->trace);
}

static unsigned player_verdict(const struct fuzz_out *out)
{
    switch (out->kind) {
    case JUDGE_TX:
        return out->bytes.size > 46 ? 1u + out->bytes.data[46] % 7 : 0;
    case JUDGE_DELIVER:
        return 8;
    case JUDGE_RESULT:
        return 9u + (unsigned)out->outcome;
    case JUDGE_STATE:
        return 17u + (unsigned)out->state;
    default:
        return 24u + (unsigned)out->discard;
    }
}

static void player_see_tx(struct player *p, const struct fuzz_out *out)
{
    struct sipc_pdu pdu;

    p->transmissions++;
    if (p->input->settings[SFZ_MANUAL] != 0 && p->waiting_count < WAITING_MAX) {
        p->waiting[p->waiting_count].token = out->token;
        p->waiting[p->waiting_count++].number = p->transmissions;
    }
    if (sipc_pdu_decode(out->bytes, &pdu) != SIPC_DISCARD_NONE)
        return;
    int session = fuzz_session_of(pdu.session_id);
    if (session < 0)
        return;
    if (pdu.opcode == SIPC_DATA || pdu.opcode == SIPC_CLOSE)
        p->seen[session].sent = pdu.window_id;
    else if (pdu.opcode == SIPC_DATA_ACK || pdu.opcode == SIPC_CLOSE_ACK)
        p->seen[session].taken = pdu.window_id;
}

static void player_see_state(struct player *p, const struct fuzz_out *out)
{
    int session = fuzz_session_of(out->session);

    if (session < 0 || out->peer > SFZ_PEERS)
        return;
    struct seen *seen = &p->seen[session];
    uint8_t bit = (uint8_t)(1u << out->peer);
    seen->held =
        (uint8_t)(out->state == JUDGE_STATE_DISPOSED ? seen->held & ~bit : seen->held | bit);
    seen->peer = (uint8_t)out->peer;
    seen->state = (uint8_t)(out->state + 1);
}

static void player_drain(struct player *p)
{
    struct fuzz_out out;

    while (p->played->outs < OUTS_MAX && p->driver->next_out(p->self, &out)) {
        p->played->outs++;
        fuzz_mark(p->state, p->event, player_verdict(&out));
        player_hash(p, &out);
        if (out.kind == JUDGE_TX)
            player_see_tx(p, &out);
        else if (out.kind == JUDGE_STATE)
            player_see_state(p, &out);
        if (p->options->tap != NULL)
            p->options->tap->out(p->options->tap->ctx, p->now, &out);
        if (out.kind == JUDGE_GAP)
            continue;
        struct judge_event event = {.kind = out.kind,
                                    .peer = out.peer,
                                    .session = out.session,
                                    .operation = out.operation,
                                    .outcome = out.outcome,
                                    .state = out.state,
                                    .has_code = out.has_code,
                                    .code = out.code,
                                    .attributes = out.attributes,
                                    .attribute_count = out.attribute_count};
        if (out.kind == JUDGE_TX) {
            event.pdu = out.bytes;
            event.token = p->transmissions;
        } else {
            event.data = out.bytes;
        }
        player_feed(p, &event);
    }
}

static void player_tell(struct player *p, const struct sfz_record *record, struct sipc_span bytes)
{
    p->played->happened++;
    if (p->options->tap != NULL)
        p->options->tap->record(p->options->tap->ctx, p->now, record, p->operations, bytes);
}

/* ---- what goes in ---- */

static const struct sipc_span none = {NULL, 0};

static int64_t player_id(const struct player *p, unsigned anchor, unsigned session, int64_t offset)
{
    const struct seen *seen = &p->seen[session];
    const int64_t from[SFZ_ANCHOR_COUNT] = {
        [SFZ_FROM_0] = 0,
        [SFZ_FROM_HIGHEST] = p->input->settings[SFZ_WINDOW_ID_MAX],
        [SFZ_FROM_SENT] = seen->sent,
        [SFZ_FROM_TAKEN] = seen->taken,
        [SFZ_FROM_OURS] = seen->ours,
    };
    return (int64_t)((uint64_t)from[anchor] + (uint64_t)offset);
}

/* The one peer of the session that a command is for; 0: there are several. */
static uint64_t player_peer(const struct player *p, unsigned session)
{
    unsigned held = p->seen[session].held;

    if ((held & (held - 1)) != 0 && p->input->settings[SFZ_STREAM] == 0)
        return 0;
    for (unsigned peer = 1; peer <= SFZ_PEERS; peer++)
        if (held == 1u << peer)
            return peer;
    return p->seen[session].peer;
}

static int64_t player_read_id(const uint8_t *bytes)
{
    uint64_t id = 0;

    for (int i = 0; i < 8; i++)
        id = id << 8 | bytes[i];
    return (int64_t)id;
}

static void player_pdu(struct player *p, const struct sfz_record *record, struct sipc_span bytes)
{
    struct judge_event event = {.kind = JUDGE_RX, .peer = 1 + sfz_peer(record->who), .pdu = bytes};
    size_t place = p->remembered_count % REMEMBERED;

    if (bytes.size <= REMEMBERED_SIZE && record->op != SFZ_REPEAT) {
        p->remembered[place].size = (uint16_t)bytes.size;
        if (bytes.size > 0)
            memcpy(p->remembered[place].bytes, bytes.data, bytes.size);
        p->remembered_count++;
    }
    p->event = 7;
    if (bytes.size > 46 && bytes.data[46] < 7) {
        int session = fuzz_session_of(bytes.data + 2);
        p->event = bytes.data[46];
        p->state = session < 0 ? 0 : p->seen[session].state;
        if (session >= 0 && (p->event == SIPC_DATA || p->event == SIPC_CLOSE))
            p->seen[session].ours = player_read_id(bytes.data + 34);
    }
    player_tell(p, record, bytes);
    player_feed(p, &event);
    p->driver->receive(p->self, event.peer, bytes);
}

static void player_fields(struct player *p, const struct sfz_record *record)
{
    static uint8_t bytes[FUZZ_PDU_MAX];
    struct sfz_record told = *record;
    int64_t id = player_id(p, record->anchor, sfz_session(record->who), record->id);

    told.anchor = SFZ_FROM_0;
    told.id = id;
    size_t size = fuzz_pdu_build(record, id, bytes);
    player_pdu(p, &told, (struct sipc_span){bytes, size});
}

static void player_repeat(struct player *p, const struct sfz_record *record)
{
    static uint8_t bytes[REMEMBERED_SIZE];
    size_t kept = p->remembered_count < REMEMBERED ? p->remembered_count : REMEMBERED;

    if (kept == 0)
        return;
    size_t place = (p->remembered_count - 1 - record->kind % kept) % REMEMBERED;
    size_t size = p->remembered[place].size;
    struct sfz_record told = {.who = record->who};
    memcpy(bytes, p->remembered[place].bytes, size);
    if (fuzz_pdu_record((struct sipc_span){bytes, size}, false, &told))
        player_pdu(p, &told, (struct sipc_span){bytes, size});
}

static void player_open(struct player *p, const struct sfz_record *record)
{
    unsigned session = sfz_session(record->who);
    struct judge_event event = {.kind = JUDGE_OPEN,
                                .peer = 1 + sfz_peer(record->who),
                                .session = sfz_session_id(session),
                                .idle_timeout_ms = record->value > 0 ? (int64_t)record->value : -1};

    p->event = 8;
    if (!p->driver->open(p->self, event.peer, event.session, record->value))
        return;
    player_tell(p, record, none);
    player_feed(p, &event);
}

static void player_preset(struct player *p, const struct sfz_record *record)
{
    unsigned session = sfz_session(record->who);
    struct sfz_record told = *record;
    uint64_t peer = player_peer(p, session);

    told.id = player_id(p, record->anchor, session, record->id);
    told.id2 = player_id(p, record->anchor2, session, record->id2);
    told.anchor = told.anchor2 = SFZ_FROM_0;
    struct sipc_preset preset = {.next_window_id = told.id,
                                 .acked_window_id =
                                     (int64_t)((uint64_t)told.id - 1u - record->kind),
                                 .min_window_id = record->flags & SFZ_NO_MIN ? -1 : told.id2,
                                 .processed = (record->flags & SFZ_PROCESSED) != 0};
    if (preset.acked_window_id < -1)
        preset.acked_window_id = -1;
    struct judge_event event = {.kind = JUDGE_PRESET,
                                .peer = peer,
                                .session = sfz_session_id(session),
                                .next_id = preset.next_window_id,
                                .acked_id = preset.acked_window_id,
                                .min_id = preset.min_window_id,
                                .processed = preset.processed};
    if (preset.next_window_id < 0 || preset.min_window_id < -1 || peer == 0 ||
        !p->driver->preset(p->self, peer, event.session, &preset))
        return;
    player_tell(p, &told, none);
    player_feed(p, &event);
}

static void player_begin(struct player *p, const struct sfz_record *record)
{
    unsigned session = sfz_session(record->who);
    uint64_t peer = player_peer(p, session);
    bool sends = record->op == SFZ_SEND;
    struct fuzz_message message = {.kind = !sends                           ? JUDGE_CLOSE
                                           : record->flags & SFZ_UNRELIABLE ? JUDGE_SEND_UNRELIABLE
                                                                            : JUDGE_SEND,
                                   .peer = peer,
                                   .session = sfz_session_id(session),
                                   .operation = p->operations + 1,
                                   .size = record->size,
                                   .from = record->from,
                                   .skip = sends && (record->flags & SFZ_SKIP) != 0,
                                   .code = (int32_t)record->value,
                                   .attributes = p->attributes};

    p->event = sends ? 9 + (record->flags & SFZ_UNRELIABLE) / 2 : 11;
    p->state = p->seen[session].state;
    if (p->seen[session].peer == 0 || peer == 0)
        return; /* never heard of, or one of several */
    if (sends)
        message.attribute_count = fuzz_attributes((enum sfz_attributes)record->kind, p->attributes);
    p->operations++;
    player_tell(p, record, none);
    struct judge_event event = {.kind = message.kind,
                                .peer = peer,
                                .session = message.session,
                                .operation = message.operation,
                                .size = message.size,
                                .skip = message.skip,
                                .code = message.code,
                                .attributes = message.attributes,
                                .attribute_count = message.attribute_count};
    player_feed(p, &event);
    p->driver->begin(p->self, &message);
}

static void player_dispose(struct player *p, const struct sfz_record *record)
{
    unsigned session = sfz_session(record->who);
    uint64_t peer = player_peer(p, session);
    struct judge_event event = {
        .kind = JUDGE_DISPOSE, .peer = peer, .session = sfz_session_id(session)};

    p->event = 12;
    p->state = p->seen[session].state;
    if (peer == 0 || p->seen[session].held == 0 ||
        !p->driver->dispose(p->self, peer, event.session, -(int32_t)record->value))
        return;
    player_tell(p, record, none);
    player_feed(p, &event);
}

static void player_shutdown(struct player *p, const struct sfz_record *record)
{
    struct judge_event event = {
        .kind = JUDGE_SHUTDOWN, .peer = JUDGE_PEER_UNKNOWN, .grace_ms = (int64_t)record->value};

    p->event = 13;
    p->state = 0;
    if (!p->driver->shutdown(p->self, record->value))
        return;
    player_tell(p, record, none);
    player_feed(p, &event);
}

static void player_sent(struct player *p, const struct sfz_record *record)
{
    struct sfz_record told = *record;
    bool ok = (record->flags & SFZ_FAILED) == 0;

    if (p->waiting_count == 0)
        return;
    told.kind = (uint8_t)(record->kind % p->waiting_count);
    uint64_t token = p->waiting[told.kind].token;
    struct judge_event event = {.kind = JUDGE_AFTERMATH,
                                .peer = JUDGE_PEER_UNKNOWN,
                                .token = p->waiting[told.kind].number,
                                .ok = ok};
    p->waiting_count--;
    memmove(&p->waiting[told.kind], &p->waiting[told.kind + 1],
            (p->waiting_count - told.kind) * sizeof p->waiting[0]);
    p->event = ok ? 14 : 15;
    player_tell(p, &told, none);
    player_feed(p, &event);
    p->driver->sent(p->self, token, ok);
}

/* ---- time ---- */

static uint64_t player_wait_ns(const struct player *p, const struct sfz_record *record)
{
    uint64_t thousandth = SIPC_NS_PER_MS / 1000;
    uint64_t ns =
        sfz_unit_ms(p->input->settings, (enum sfz_unit)record->kind) * thousandth * record->value;
    uint64_t nudge = (uint64_t)p->input->settings[SFZ_ACK_TIMEOUT] * thousandth;

    if (record->flags == SFZ_BEHIND)
        return ns + nudge;
    return record->flags == SFZ_BEFORE ? ns - (ns > nudge ? nudge : ns) : ns;
}

static void player_wait(struct player *p, const struct sfz_record *record)
{
    uint64_t ns = player_wait_ns(p, record);
    uint64_t until = p->now + ns;
    struct judge_event event = {.kind = JUDGE_TIME, .peer = JUDGE_PEER_UNKNOWN};

    if (ns == 0 || until > TIME_MAX)
        return;
    p->event = 0;
    player_tell(p, record, none);
    while (p->now < until && p->deadlines < DEADLINES_MAX && p->played->outs < OUTS_MAX) {
        uint64_t deadline = p->driver->deadline(p->self);
        p->now = deadline < until ? deadline : until;
        p->deadlines++;
        if (!p->driver->advance(p->self, p->now))
            return;
        player_drain(p);
        player_feed(p, &event);
        player_check(p);
        if (p->played->finding.found)
            return;
    }
}

/* The silence at the end, in which what is still owed does not come: as long as an answer may take,
 * but not up to where the endpoint acts by itself. */
static void player_end(struct player *p)
{
    struct judge_event end = {.kind = JUDGE_TIME, .peer = JUDGE_PEER_UNKNOWN};
    uint64_t answer = (uint64_t)p->input->settings[SFZ_ACK_TIMEOUT] * SIPC_NS_PER_MS / 2;
    uint64_t deadline = p->driver->deadline(p->self);

    if (deadline > p->now) {
        p->now += answer + 1;
        if (p->now >= deadline)
            p->now = deadline - 1;
    }
    player_feed(p, &end);
    if (p->judge != NULL)
        fuzz_find_judged(&p->played->finding, p->judge, p->options->advisories);
}

/* ---- one after the other ---- */

static void player_record(struct player *p, const struct sfz_record *record)
{
    switch (record->op) {
    case SFZ_OPEN:
        player_open(p, record);
        break;
    case SFZ_PRESET:
        player_preset(p, record);
        break;
    case SFZ_SEND:
    case SFZ_CLOSE:
        player_begin(p, record);
        break;
    case SFZ_DISPOSE:
        player_dispose(p, record);
        break;
    case SFZ_SHUTDOWN:
        player_shutdown(p, record);
        break;
    case SFZ_PDU:
        player_fields(p, record);
        break;
    case SFZ_RAW:
        player_pdu(p, record, (struct sipc_span){record->raw, record->raw_size});
        break;
    case SFZ_REPEAT:
        player_repeat(p, record);
        break;
    case SFZ_SENT:
        player_sent(p, record);
        break;
    case SFZ_WAIT:
        player_wait(p, record);
        return;
    default:
        return;
    }
    player_drain(p);
    player_check(p);
}

static enum sipc_rule player_exercised(const struct player *p)
{
    for (int rule = 1; p->judge != NULL && rule < SIPC_RULE_COUNT; rule++)
        if (sipc_rule_info((enum sipc_rule)rule)->level == SIPC_MUST &&
            judge_exercised(p->judge, (enum sipc_rule)rule) > 0)
            return (enum sipc_rule)rule;
    return SIPC_RULE_NONE;
}

void fuzz_play(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
               const struct fuzz_play_options *options, struct fuzz_played *played)
{
    static struct player p;
    static struct judge *judge;
    static struct sfz_input settled;

    if (driver->settle != NULL) {
        settled = *input;
        driver->settle(self, settled.settings);
        input = &settled;
    }

    memset(&p, 0, offsetof(struct player, remembered));
    p.remembered_count = 0;
    p.event = p.state = 0;
    p.deadlines = 0;
    p.driver = driver;
    p.self = self;
    p.input = input;
    p.options = options;
    p.played = played;
    for (int i = 0; i < SFZ_SESSIONS; i++)
        p.seen[i] = (struct seen){.sent = -1, .taken = -1, .ours = -1};
    *played = (struct fuzz_played){0};
    if (!driver->reset(self, input->settings)) {
        played->refused = true;
        return;
    }
    if (!options->no_judge)
        p.judge = judge = fuzz_judge(judge, input->settings, options->off);
    for (size_t i = 0; i < input->count && !played->finding.found && played->outs < OUTS_MAX; i++)
        player_record(&p, &input->records[i]);
    if (!played->finding.found && played->outs < OUTS_MAX) {
        player_end(&p);
        played->state = driver->hash != NULL ? driver->hash(self) : 0;
        if (options->tap != NULL)
            played->exercised = player_exercised(&p);
    }
}

size_t fuzz_attributes(enum sfz_attributes kind, struct judge_attribute out[4])
{
    static uint8_t large[SFZ_LARGE_ATTRIBUTE_SIZE], umlauts[SFZ_LARGE_ATTRIBUTE_SIZE];
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    static const struct judge_attribute one = {TEXT("colour"), TEXT("blue")};
    static const struct judge_attribute two = {TEXT("colour"), TEXT("green")};
    static const struct judge_attribute idle = {TEXT("s_idle_timeout"), TEXT("2000")};
    static const struct judge_attribute forbidden = {TEXT("s_01"), TEXT("True")};
    static const struct judge_attribute big = {TEXT("large"), {large, sizeof large}};
    static const struct judge_attribute other = {TEXT("k"), {large, sizeof large}};
    static const struct judge_attribute piece = {TEXT("s_e_0"), TEXT("1:ab")};
    static const struct judge_attribute nul = {TEXT("a\0b"), TEXT("1")};
    static const struct judge_attribute beyond = {TEXT("\xc3\xbc\xf0\x9f\x98\x80"),
                                                  {umlauts, sizeof umlauts}};
#undef TEXT

    if (large[0] == 0) {
        memset(large, 'x', sizeof large);
        for (size_t i = 0; i < sizeof umlauts; i++)
            umlauts[i] = i % 2 == 0 ? 0xc3 : 0xbc;
    }
    switch (kind) {
    case SFZ_ONE_ATTRIBUTE:
        out[0] = one;
        return 1;
    case SFZ_TWO_OF_A_NAME:
        out[0] = one;
        out[1] = two;
        return 2;
    case SFZ_LARGE_ATTRIBUTE:
        out[0] = big;
        return 1;
    case SFZ_WITH_IDLE:
        out[0] = idle;
        return 1;
    case SFZ_FORBIDDEN:
        out[0] = forbidden;
        return 1;
    case SFZ_PIECE_NAME:
        out[0] = piece;
        return 1;
    case SFZ_NUL_IN_NAME:
        out[0] = nul;
        return 1;
    case SFZ_TWO_LONG:
        out[0] = big;
        out[1] = other;
        return 2;
    case SFZ_BEYOND_ASCII:
        out[0] = beyond;
        return 1;
    default:
        return 0;
    }
}
