/* See pair.h. A PDU takes DELAY_MS. An oracle that is broken ends the playing.
 * SPDX-License-Identifier: MIT */
#include "play/pair.h"

#include <string.h>

#include "play/pair_scenario.h"

enum {
    UNDER_WAY_MAX = 128,
    FAULTS_MAX = 32,
    OWED_MAX = 64,
    MESSAGES_MAX = 96,
    EVENTS_MAX = 6000,
    DELAY_MS = 10,
    PDU_MAX = 1600,
    MARK = 4, /* bytes of a message that say which it is */
    GROUP = 2048,
    GROUP_DATA = 1200, /* fits one group, headers included (GRP-2a) */
};
#define MS SIPC_NS_PER_MS

struct message {
    uint64_t operation; /* 0: not begun */
    bool unreliable, reached, ended, ok, close;
    uint32_t size;
    uint8_t from;
};

struct side {
    const struct fuzz_driver *driver;
    void *self;
    struct judge *judge;
    uint64_t operations, transmissions;
    struct message messages[MESSAGES_MAX];
    size_t message_count, delivered; /* of the other's: the newest that came */
    bool disturbed;                  /* opened anew, ended or forgotten: no more promises */
    bool anew; /* gone, or opened anew: the peer may hold the one before, and ack for it (END-3) */
    uint8_t open;
    struct {
        uint8_t kind;
        uint32_t value;
    } faults[FAULTS_MAX]; /* of the PDUs sent next, one each */
    size_t fault_first, fault_count;
    struct { /* aftermaths, told once all that came out was taken */
        uint64_t token, number;
        bool left;
    } owed[OWED_MAX];
    size_t owed_first, owed_count;
};

struct datagram {
    uint64_t at, number;
    unsigned to;
    size_t size;
    uint8_t bytes[PDU_MAX];
};

struct pair {
    struct side sides[2];
    struct datagram *way[UNDER_WAY_MAX], *arrived;
    size_t way_count;
    uint64_t now, datagrams;
    size_t events;
    bool healed, manual, advisories;
    struct fuzz_finding *finding;
    struct pair_scenario scenario;
};

static void must(struct pair *p, enum sipc_rule rule, bool holds, const char *what)
{
    static char text[256]; /* a local one costs a sanitizer's time whenever something holds, too */
    const struct sipc_rule_info *info;

    if (holds)
        return;
    info = sipc_rule_info(rule);
    snprintf(text, sizeof text, "%s%s%s", info != NULL ? info->id : "", info != NULL ? ": " : "",
             what);
    fuzz_find(p->finding, rule, text);
}

/* Nothing more happens: it is long enough, or an oracle is broken. */
static bool over(const struct pair *p)
{
    return p->events >= EVENTS_MAX || p->finding->found;
}

static void feed(struct pair *p, struct side *side, struct judge_event *event)
{
    event->at_ns = p->now;
    judge_feed(side->judge, event);
}

static void check(struct pair *p, struct side *side)
{
    if (p->events >= EVENTS_MAX)
        return; /* cut in the middle of something */
    fuzz_find_judged(p->finding, side->judge, p->advisories);
    fuzz_find_inside(p->finding, side->driver, side->self);
}

/* ---- the link ---- */

static void under_way(struct pair *p, unsigned to, struct sipc_span bytes, uint64_t delay_ms)
{
    if (p->way_count == UNDER_WAY_MAX || bytes.size > PDU_MAX)
        return; /* lost */
    struct datagram *datagram = p->way[p->way_count++];
    datagram->at = p->now + delay_ms * MS;
    datagram->number = p->datagrams++;
    datagram->to = to;
    datagram->size = bytes.size;
    memcpy(datagram->bytes, bytes.data, bytes.size);
}

/* False: it did not leave. */
static bool transmit(struct pair *p, unsigned from, struct sipc_span bytes)
{
    struct side *side = &p->sides[from];
    unsigned kind = SFZ_FAULT_COUNT;
    uint32_t value = 0;

    if (side->fault_count > 0 && !p->healed) {
        size_t place = side->fault_first++ % FAULTS_MAX;
        side->fault_count--;
        kind = side->faults[place].kind;
        value = side->faults[place].value;
    }
    pair_scenario_sent(&p->scenario, from, bytes, kind, value % 5000);
    if (kind == SFZ_LOSE || kind == SFZ_NOT_SENT)
        return kind != SFZ_NOT_SENT || !p->manual;
    under_way(p, !from, bytes, DELAY_MS + (kind == SFZ_DELAY ? value % 5000 : 0));
    if (kind == SFZ_DOUBLE)
        under_way(p, !from, bytes, DELAY_MS + value % 5000);
    return true;
}

/* ---- what comes out ---- */

static void delivered(struct pair *p, unsigned to, const struct fuzz_out *out)
{
    struct side *sender = &p->sides[!to], *side = &p->sides[to];
    static uint8_t data[MARK + GROUP_DATA];

    for (size_t i = 0; i < sender->message_count; i++) {
        struct message *m = &sender->messages[i];
        if (m->close || m->size != out->bytes.size)
            continue;
        fuzz_pattern(data, m->from, m->size);
        if (memcmp(data, out->bytes.data, m->size) != 0)
            continue;
        must(p, SIPC_RULE_RCV_9, !m->reached || side->disturbed || sender->disturbed,
             "a message is handed over once");
        must(p, SIPC_RULE_RCV_9,
             i + 1 >= side->delivered || side->disturbed || sender->disturbed || m->unreliable,
             "messages are handed over in order");
        m->reached = true;
        if (!m->unreliable)
            side->delivered = i + 1;
        return;
    }
    /* the beginning of a message may stay with a session that was before */
    must(p, SIPC_RULE_RCV_9, side->anew || sender->anew, "what is handed over was sent so");
}

static void ended(struct pair *p, struct side *side, const struct fuzz_out *out)
{
    for (size_t i = 0; i < side->message_count; i++) {
        struct message *m = &side->messages[i];
        if (m->operation != out->operation)
            continue;
        must(p, SIPC_RULE_SND_11, !m->ended, "an operation ends once");
        m->ended = true;
        m->ok = out->outcome == JUDGE_OUTCOME_OK;
        must(p, SIPC_RULE_SND_11, !m->ok || m->unreliable || m->close || m->reached || side->anew,
             "what is reported sent was handed over");
        return;
    }
}

static void take(struct pair *p, unsigned at, const struct fuzz_out *out)
{
    struct side *side = &p->sides[at];
    struct judge_event event = {.kind = out->kind,
                                .peer = 1,
                                .session = out->session,
                                .operation = out->operation,
                                .outcome = out->outcome,
                                .state = out->state,
                                .has_code = out->has_code,
                                .code = out->code,
                                .data = out->bytes,
                                .attributes = out->attributes,
                                .attribute_count = out->attribute_count};

    if (out->kind == JUDGE_TX) {
        event.pdu = out->bytes;
        event.token = ++side->transmissions;
        bool left = transmit(p, at, out->bytes);
        if (p->manual) {
            must(p, SIPC_RULE_NONE, side->owed_count < OWED_MAX, "few PDUs leave at once");
            if (p->finding->found)
                return;
            size_t place = (side->owed_first + side->owed_count++) % OWED_MAX;
            side->owed[place].token = out->token;
            side->owed[place].number = side->transmissions;
            side->owed[place].left = left;
        }
    } else if (out->kind == JUDGE_DELIVER) {
        delivered(p, at, out);
    } else if (out->kind == JUDGE_RESULT) {
        ended(p, side, out);
    } else if (out->kind == JUDGE_STATE && out->state >= JUDGE_STATE_CLOSING) {
        side->disturbed = true;
        side->anew |= out->state == JUDGE_STATE_DISPOSED;
    }
    feed(p, side, &event);
}

/* All that came out, and its aftermaths, until nothing comes any more. */
static void drain(struct pair *p, unsigned at)
{
    struct side *side = &p->sides[at];
    struct fuzz_out out;

    while (!over(p)) {
        if (side->driver->next_out(side->self, &out)) {
            p->events++;
            if (out.kind != JUDGE_GAP)
                take(p, at, &out);
        } else if (side->owed_count > 0) {
            size_t place = side->owed_first++ % OWED_MAX;
            struct judge_event told = {.kind = JUDGE_AFTERMATH,
                                       .peer = JUDGE_PEER_UNKNOWN,
                                       .token = side->owed[place].number,
                                       .ok = side->owed[place].left};
            side->owed_count--;
            feed(p, side, &told);
            side->driver->sent(side->self, side->owed[place].token, told.ok);
        } else {
            return;
        }
    }
}

/* ---- what goes in ---- */

static struct message *begin(struct side *side, uint64_t operation)
{
    if (side->message_count == MESSAGES_MAX)
        return NULL;
    struct message *m = &side->messages[side->message_count++];
    *m = (struct message){.operation = operation};
    return m;
}

static void command(struct pair *p, const struct sfz_record *record)
{
    unsigned at = sfz_side(record->who);
    struct side *side = &p->sides[at];
    bool sends = record->op == SFZ_SEND;
    bool unreliable = sends && (record->flags & SFZ_UNRELIABLE) != 0;
    struct fuzz_message message = {.kind = !sends       ? JUDGE_CLOSE
                                           : unreliable ? JUDGE_SEND_UNRELIABLE
                                                        : JUDGE_SEND,
                                   .peer = 1,
                                   .session = sfz_session_id(0),
                                   .operation = side->operations + 1,
                                   .size = sends ? MARK + record->size % GROUP_DATA : 0,
                                   .skip = sends && (record->flags & SFZ_SKIP) != 0,
                                   .code = (int32_t)record->value};
    static const struct judge_attribute none[1];

    if (side->open == 0)
        return;
    /* Told apart by size or first byte. */
    message.from = (uint8_t)((7 * side->operations + 100 * at) % 251);
    struct message *m = begin(side, message.operation);
    if (m == NULL)
        return;
    side->operations++;
    *m = (struct message){.operation = message.operation,
                          .unreliable = unreliable,
                          .close = !sends,
                          .size = message.size,
                          .from = message.from};
    struct judge_event event = {.kind = message.kind,
                                .peer = 1,
                                .session = message.session,
                                .operation = message.operation,
                                .size = message.size,
                                .skip = message.skip,
                                .code = message.code,
                                .attributes = none};
    side->disturbed |= !sends;
    feed(p, side, &event);
    if (sends)
        pair_scenario_at(&p->scenario, p->now, at, "%s S bytes(%u, %u)%s",
                         unreliable ? "send_unreliable" : "send", message.size, message.from,
                         message.skip ? " skip" : "");
    else
        pair_scenario_at(&p->scenario, p->now, at, "close S %d", (int)message.code);
    side->driver->begin(side->self, &message);
    drain(p, at);
}

static void open_session(struct pair *p, const struct sfz_record *record)
{
    unsigned at = sfz_side(record->who);
    struct side *side = &p->sides[at];
    struct judge_event event = {
        .kind = JUDGE_OPEN, .peer = 1, .session = sfz_session_id(0), .idle_timeout_ms = -1};

    if (!side->driver->open(side->self, 1, sfz_session_id(0), 0))
        return;
    side->anew |= side->open > 0;
    side->disturbed |= side->anew;
    side->open = 1;
    feed(p, side, &event);
    pair_scenario_at(&p->scenario, p->now, at, "open S");
    drain(p, at);
}

static void dispose(struct pair *p, const struct sfz_record *record)
{
    unsigned at = sfz_side(record->who);
    struct side *side = &p->sides[at];
    struct judge_event event = {.kind = JUDGE_DISPOSE, .peer = 1, .session = sfz_session_id(0)};

    if (!side->driver->dispose(side->self, 1, sfz_session_id(0), -2))
        return;
    p->sides[0].disturbed = p->sides[1].disturbed = true;
    feed(p, side, &event);
    pair_scenario_at(&p->scenario, p->now, at, "dispose S -2");
    drain(p, at);
}

static void fault(struct pair *p, const struct sfz_record *record)
{
    struct side *side = &p->sides[sfz_side(record->who)];

    if (side->fault_count == FAULTS_MAX)
        return;
    size_t place = (side->fault_first + side->fault_count++) % FAULTS_MAX;
    side->faults[place].kind = record->kind;
    side->faults[place].value = record->value;
}

/* ---- time ---- */

static size_t first_under_way(const struct pair *p)
{
    size_t first = 0;

    for (size_t i = 1; i < p->way_count; i++)
        if (p->way[i]->at < p->way[first]->at ||
            (p->way[i]->at == p->way[first]->at && p->way[i]->number < p->way[first]->number))
            first = i;
    return first;
}

static void arrive(struct pair *p, size_t which)
{
    struct datagram *datagram = p->way[which], *free = p->arrived;

    p->way[which] = p->way[--p->way_count];
    p->way[p->way_count] = free;
    p->arrived = datagram; /* what is sent now takes the place of the one before */
    struct side *side = &p->sides[datagram->to];
    struct judge_event event = {
        .kind = JUDGE_RX, .peer = 1, .pdu = {datagram->bytes, datagram->size}};
    feed(p, side, &event);
    side->driver->receive(side->self, 1, event.pdu);
    drain(p, datagram->to);
    side->open = 1;
}

/* One moment at which something happens, up to `until`; false: none. */
static bool step(struct pair *p, uint64_t until)
{
    uint64_t deadlines[2], next = until;
    size_t which = first_under_way(p);

    for (int i = 0; i < 2; i++) {
        deadlines[i] = p->sides[i].driver->deadline(p->sides[i].self);
        next = deadlines[i] < next ? deadlines[i] : next;
    }
    bool comes = p->way_count > 0 && p->way[which]->at <= next;
    if (p->finding->found || p->events++ > EVENTS_MAX || (!comes && next >= until))
        return false;
    p->now = comes ? p->way[which]->at : next;
    for (unsigned i = 0; i < 2; i++) {
        struct judge_event time = {.kind = JUDGE_TIME, .peer = JUDGE_PEER_UNKNOWN};
        p->sides[i].driver->advance(p->sides[i].self, p->now);
        if (!comes || deadlines[i] > p->now)
            feed(p, &p->sides[i], &time);
        drain(p, i);
    }
    if (comes)
        arrive(p, first_under_way(p));
    check(p, &p->sides[0]);
    check(p, &p->sides[1]);
    return true;
}

static void pass(struct pair *p, uint64_t until)
{
    while (step(p, until))
        ;
    if (over(p))
        return;
    p->now = until;
    for (unsigned i = 0; i < 2; i++)
        p->sides[i].driver->advance(p->sides[i].self, until);
    for (unsigned i = 0; i < 2; i++)
        drain(p, i);
}

/* ---- the whole ---- */

/* Settings of a link like this. */
static void pair_settings(const int64_t *from, bool manual, int64_t settings[SFZ_SETTING_COUNT])
{
    memcpy(settings, from, SFZ_SETTING_COUNT * sizeof settings[0]);
    settings[SFZ_MANUAL] = manual;
    settings[SFZ_STREAM] = 0;
    settings[SFZ_MTU] = settings[SFZ_MTU] > 1400 ? 1400 : settings[SFZ_MTU];
    settings[SFZ_IDLE_TIMEOUT] = settings[SFZ_OPEN_TIMEOUT] = 0;
    settings[SFZ_MIN_REMOTE_IDLE_TIMEOUT] = 0; /* never above the maximum */
    settings[SFZ_ACK_TIMEOUT] = 1000;
    settings[SFZ_MAX_RETRY_COUNT] %= 4;
    settings[SFZ_GROUP_BYTES_MAX] = GROUP;
    settings[SFZ_LINGER] = 100000; /* late copies of this link are younger (END-3) */
    settings[SFZ_REQUIRE_FIRST] = settings[SFZ_ACCEPT] = 1;
}

/* False: an implementation refuses settings, and the input is none for it. One that tells no
 * aftermaths by hand may still talk: then nothing fails to leave. */
static bool begin_pair(struct pair *p, const int64_t *input_settings,
                       const struct fuzz_pair_options *options)
{
    static struct datagram places[UNDER_WAY_MAX + 1];
    static struct judge *judges[2];
    int64_t settings[SFZ_SETTING_COUNT];
    bool ready = false;

    memset(p->sides, 0, sizeof p->sides);
    for (size_t i = 0; p->arrived == NULL && i < UNDER_WAY_MAX; i++)
        p->way[i] = &places[i];
    p->arrived = p->arrived == NULL ? &places[UNDER_WAY_MAX] : p->arrived;
    p->way_count = p->events = 0;
    p->now = p->datagrams = 0;
    p->healed = false;
    for (int i = 0; i < 2; i++) {
        p->sides[i].driver = options->driver;
        p->sides[i].self = options->selves[i];
    }
    for (int manual = 1; manual >= 0 && !ready; manual--) {
        pair_settings(input_settings, manual != 0, settings);
        if (options->driver->settle != NULL)
            options->driver->settle(options->selves[0], settings);
        ready = true;
        for (int i = 0; i < 2; i++)
            ready = p->sides[i].driver->reset(p->sides[i].self, settings) && ready;
        p->manual = manual != 0;
    }
    must(p, SIPC_RULE_NONE, ready || options->driver != &fuzz_engine_driver,
         "settings make sense to the engine");
    for (int i = 0; ready && i < 2; i++)
        p->sides[i].judge = judges[i] = fuzz_judge(judges[i], settings, options->off);
    p->scenario.out = options->scenario;
    if (ready)
        pair_scenario_begin(&p->scenario, options->id, settings, DELAY_MS, options->sut);
    return ready;
}

static void heal(struct pair *p)
{
    p->healed = true;
    pass(p, p->now + UINT64_C(600) * 1000 * MS);
    if (over(p))
        return; /* of too long a story nothing is wanted */
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < p->sides[i].message_count; k++)
            must(p, SIPC_RULE_SND_11, p->sides[i].messages[k].ended, "every operation has ended");
    must(p, SIPC_RULE_NONE,
         p->way_count == 0 || p->sides[0].driver->deadline(p->sides[0].self) < SIPC_NEVER,
         "nothing is under way any more");
}

static void tell_end(struct pair *p)
{
    struct pair_scenario_ended ended = {0, 0, 0};

    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < p->sides[i].message_count; k++) {
            const struct message *m = &p->sides[i].messages[k];
            *(m->close ? &ended.closes : m->unreliable ? &ended.unreliable : &ended.sends) += m->ok;
        }
    pair_scenario_end(&p->scenario, p->now, p->events >= EVENTS_MAX, &ended);
}

static void happen(struct pair *p, const struct sfz_record *record)
{
    if (record->op == SFZ_OPEN)
        open_session(p, record);
    else if (record->op == SFZ_SEND || record->op == SFZ_CLOSE)
        command(p, record);
    else if (record->op == SFZ_DISPOSE)
        dispose(p, record);
    else if (record->op == SFZ_FAULT)
        fault(p, record);
    else if (record->op == SFZ_WAIT)
        pass(p, p->now + record->value * MS);
    check(p, &p->sides[0]);
    check(p, &p->sides[1]);
}

void fuzz_pair_play(const struct sfz_input *input, const struct fuzz_pair_options *options,
                    struct fuzz_pair_played *played)
{
    static struct pair p;

    *played = (struct fuzz_pair_played){.refused = true};
    p.finding = &played->finding;
    p.advisories = options->advisories;
    if (!begin_pair(&p, input->settings, options))
        return;
    played->refused = false;
    for (size_t i = 0; i < input->count && !played->finding.found; i++)
        happen(&p, &input->records[i]);
    if (!played->finding.found)
        heal(&p);
    played->events = p.events;
    if (played->finding.found)
        pair_scenario_broken(&p.scenario, played->finding.text);
    else
        tell_end(&p);
    for (int i = 0; i < 2; i++)
        if (options->driver->hash != NULL && !played->finding.found)
            played->states[i] = options->driver->hash(options->selves[i]);
}
