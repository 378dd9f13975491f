/* A counter-example as a conformance case: one side is the SUT, what arrives at it are the lines of
 * the script, what it is to do is what the reference engine does at the same. The case ends where
 * that and what the explored engine did part, so it is one that the reference passes and the
 * explored engine fails.
 *
 * Both sides are tried; the one that parts first is the one that broke the rule. Where neither
 * does, as the explored engine is the reference, the lines tell what it did, up to the last event.
 */
#include "explore_sx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conform/script.h"

enum { EFFECTS_MAX = 64, TOKENS_MAX = 4096, IDS_MAX = 256, PATTERN = 251 };

/* What an engine does upon one event, where the application or the peer can see it. */
struct sx_effect {
    enum simnet_explore_what what; /* TRANSMITS, HANDS_OVER, ENDS */
    struct sipc_span bytes;        /* malloc'ed */
    uint64_t number;
    enum sipc_outcome outcome;
    int32_t code;
    bool owed, refused;
};
struct sx_effects {
    struct sx_effect items[EFFECTS_MAX];
    size_t count;
};

struct sx_writer {
    const struct simnet_explore_world *world;
    const struct simnet_explore_result *result;
    const struct simnet_explore_engine *reference;
    uint32_t side;
    FILE *out;         /* NULL: only looking */
    sipc_time told_ns; /* up to where the script waited */
    struct sipc_config config;
    struct sipc_endpoint *ep;
    uint64_t tokens[TOKENS_MAX]; /* by the number the trace gives the transmission */
    int64_t ids[IDS_MAX];        /* own window ids, in order of use: $w0, $w1 ... */
    size_t id_count;
};

/* ---- the reference ---- */

static uint8_t explore_sx_byte(uint64_t number, uint64_t offset)
{
    return (uint8_t)((67 * number + offset) % PATTERN);
}

static void explore_sx_take(struct sx_effects *effects, const struct sipc_action *action)
{
    struct sx_effect *effect = &effects->items[effects->count];
    uint8_t *bytes = NULL;

    SIPC_ASSERT(effects->count < EFFECTS_MAX);
    *effect = (struct sx_effect){0};
    if (action->kind == SIPC_ACTION_TRANSMIT) {
        size_t size = action->u.transmit.head.size;
        effect->what = SIMNET_EXPLORE_TRANSMITS;
        effect->owed = action->u.transmit.owed;
        effect->number = action->u.transmit.token;
        bytes = calloc(1, size + action->u.transmit.payload_size + 1);
        SIPC_ASSERT(bytes != NULL);
        memcpy(bytes, action->u.transmit.head.data, size);
        for (uint32_t i = 0; i < action->u.transmit.payload_size; i++)
            bytes[size++] =
                explore_sx_byte(action->u.transmit.message, action->u.transmit.payload_offset + i);
        effect->bytes = (struct sipc_span){bytes, size};
    } else if (action->kind == SIPC_ACTION_DELIVER) {
        effect->what = SIMNET_EXPLORE_HANDS_OVER;
        bytes = calloc(1, action->u.deliver.data.size + 1);
        SIPC_ASSERT(bytes != NULL);
        if (action->u.deliver.data.size > 0)
            memcpy(bytes, action->u.deliver.data.data, action->u.deliver.data.size);
        effect->bytes = (struct sipc_span){bytes, action->u.deliver.data.size};
    } else if (action->kind == SIPC_ACTION_RESULT) {
        effect->what = SIMNET_EXPLORE_ENDS;
        effect->number = action->u.result.handle;
        effect->outcome = action->u.result.outcome;
        effect->code = action->u.result.code;
    } else {
        return;
    }
    effects->count++;
}

static void explore_sx_forget(struct sx_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        free((void *)(uintptr_t)effects->items[i].bytes.data);
    effects->count = 0;
}

static void explore_sx_drain(struct sx_writer *w, struct sx_effects *effects, sipc_time now)
{
    struct sipc_action action;
    size_t first = effects->count;

    while (w->reference->next_action(w->ep, &action))
        explore_sx_take(effects, &action);
    for (size_t i = first; i < effects->count && !w->world->aftermaths; i++)
        if (effects->items[i].owed) {
            if (w->reference->sent(w->ep, now, effects->items[i].number, true) == SIPC_OK)
                explore_sx_drain(w, effects, now);
        }
}

static void explore_sx_open(struct sx_writer *w, sipc_time now)
{
    const struct simnet_explore_side *plan = &w->world->sides[w->side];
    static const uint8_t *id;
    struct sipc_action action;
    sipc_session session;

    id = simnet_explore_session_id();
    if (w->reference->open(w->ep, now, 2 - w->side, id, INT64_MIN, &session) != SIPC_OK)
        return;
    while (w->reference->next_action(w->ep, &action))
        ;
    if (plan->preset && w->reference->preset(w->ep, now, session, &plan->window_ids) == SIPC_OK)
        while (w->reference->next_action(w->ep, &action))
            ;
}

static void explore_sx_command(struct sx_writer *w, const struct simnet_explore_entry *entry,
                               struct sx_effects *effects)
{
    sipc_session session = w->reference->find(w->ep, 2 - w->side, simnet_explore_session_id());
    struct sipc_message message = {
        .handle = entry->number, .size = entry->size, .skip = entry->skip};
    enum sipc_status status;

    if (entry->operation == SIPC_OP_SEND)
        status = w->reference->send(w->ep, entry->at_ns, session, &message);
    else if (entry->operation == SIPC_OP_SEND_UNRELIABLE)
        status = w->reference->send_unreliable(w->ep, entry->at_ns, session, &message);
    else
        status = w->reference->close(w->ep, entry->at_ns, session, entry->code, entry->number);
    if (status != SIPC_OK)
        effects->items[effects->count++] = (struct sx_effect){
            .what = SIMNET_EXPLORE_ENDS, .number = entry->number, .refused = true};
}

/* Gives the event to the reference; what comes of it is added to `effects`. */
static void explore_sx_feed(struct sx_writer *w, const struct simnet_explore_entry *entry,
                            struct sx_effects *effects)
{
    enum sipc_status status = SIPC_OK;

    switch (entry->what) {
    case SIMNET_EXPLORE_DELIVERS:
    case SIMNET_EXPLORE_DUPLICATES:
    case SIMNET_EXPLORE_INJECTS:
        status = w->reference->receive(w->ep, entry->at_ns, 2 - w->side, entry->pdu);
        break;
    case SIMNET_EXPLORE_ADVANCES:
        status = w->reference->advance(w->ep, entry->at_ns);
        break;
    case SIMNET_EXPLORE_OPENS:
        explore_sx_open(w, entry->at_ns);
        break;
    case SIMNET_EXPLORE_COMMANDS:
        explore_sx_command(w, entry, effects);
        break;
    case SIMNET_EXPLORE_TELLS_SENT:
    case SIMNET_EXPLORE_TELLS_NOT_SENT:
        status = w->reference->sent(w->ep, entry->at_ns, w->tokens[entry->number % TOKENS_MAX],
                                    entry->what == SIMNET_EXPLORE_TELLS_SENT);
        break;
    default:
        break;
    }
    (void)status;
    explore_sx_drain(w, effects, entry->at_ns);
}

/* ---- lines ---- */

/* Thousandths of T. */
static void explore_sx_time(sipc_time time, const struct sx_writer *w)
{
    uint64_t thousandths = time * 1000 / w->config.ack_timeout_ns;

    fprintf(w->out, "%" PRIu64 ".%03" PRIu64 "T", thousandths / 1000, thousandths % 1000);
}

/* Waits until `at`; an event that is to come before a deadline of the same moment, a bit less. */
static void explore_sx_wait(struct sx_writer *w, sipc_time at)
{
    const sipc_time bit = w->config.ack_timeout_ns / 1000;

    if (w->reference->deadline(w->ep) <= at && at >= bit)
        at -= bit;
    if (at <= w->told_ns)
        return;
    fputs("wait ", w->out);
    explore_sx_time(at - w->told_ns, w);
    fputc('\n', w->out);
    w->told_ns = at;
}

static void explore_sx_data(struct sipc_span data, FILE *out)
{
    size_t i = 1;

    while (i < data.size && data.data[i] == (data.data[0] + i) % PATTERN)
        i++;
    if (data.size == 0)
        return;
    if (data.data[0] < PATTERN && i == data.size) {
        fprintf(out, " bytes(%zu, %d)", data.size, data.data[0]);
        return;
    }
    fputs(" hex:", out);
    for (i = 0; i < data.size; i++)
        fprintf(out, "%02x", data.data[i]);
}

static void explore_sx_options(const struct sipc_pdu *pdu, bool expected, FILE *out)
{
    fputs(" {", out);
    for (uint32_t bit = 1; bit <= SIPC_OPT_IS_WINDOW_FULL; bit <<= 1)
        if (pdu->flags & bit)
            fprintf(out, "%s ", sipc_option_spec_name(bit));
    if (pdu->max_window_size > 0 && expected)
        fputs("max_window_size=* ", out);
    else if (pdu->max_window_size > 0)
        fprintf(out, "max_window_size=%" PRId32 " ", pdu->max_window_size);
    if (pdu->error_code != 0)
        fprintf(out, "error_code=%" PRId32 " ", pdu->error_code);
    if (pdu->opcode == SIPC_CLOSE && pdu->abort_code != SIPC_ABORT_NORMAL)
        fprintf(out, "abort_code=%" PRId32 " ", pdu->abort_code);
    fputc('}', out);
}

/* The variable of an own window id; IDS_MAX: none yet. */
static size_t explore_sx_id(const struct sx_writer *w, int64_t id)
{
    for (size_t i = w->id_count; i > 0; i--)
        if (w->ids[i - 1] == id)
            return i - 1;
    return IDS_MAX;
}

static void explore_sx_pdu(struct sx_writer *w, struct sipc_span bytes, bool expected)
{
    struct sipc_pdu pdu;
    enum sipc_discard reason = sipc_pdu_decode(bytes, &pdu);

    if (reason != SIPC_DISCARD_NONE) {
        fputs("raw hex:", w->out);
        for (size_t i = 0; i < bytes.size; i++)
            fprintf(w->out, "%02x", bytes.data[i]);
        return;
    }
    bool own = (pdu.opcode == SIPC_DATA || pdu.opcode == SIPC_CLOSE) == expected;
    size_t id = own ? explore_sx_id(w, pdu.window_id) : IDS_MAX;
    fprintf(w->out, "%s ", sipc_opcode_name(pdu.opcode));
    if (id < IDS_MAX)
        fprintf(w->out, "$w%zu", id);
    else if (own && expected && w->id_count < IDS_MAX)
        fprintf(w->out, "$w%zu", w->id_count);
    else
        fprintf(w->out, "%" PRId64, pdu.window_id);
    fprintf(w->out, ":%" PRId32, pdu.seq_nr);
    if (memcmp(pdu.session_id, simnet_explore_session_id(), SIPC_SESSION_ID_SIZE) != 0)
        fputs(" session=S2", w->out);
    explore_sx_options(&pdu, expected, w->out);
    explore_sx_data(pdu.data, w->out);
    if (own && expected && id == IDS_MAX && w->id_count < IDS_MAX)
        w->ids[w->id_count++] = pdu.window_id;
}

/* A window id seen for the first time: greater than those before, or the first, or wrapped. */
static void explore_sx_check_id(const struct sx_writer *w, size_t before)
{
    if (w->id_count == before)
        return;
    if (before == 0)
        fprintf(w->out, "check $w0 <= $window_id_max [WID-2]\n");
    else
        fprintf(w->out, "check $w%zu %c $w%zu [WID-9]\n", before,
                w->ids[before] > w->ids[before - 1] ? '>' : '<', before - 1);
}

static void explore_sx_expect(struct sx_writer *w, const struct sx_effect *effect,
                              uint64_t transmission)
{
    size_t ids = w->id_count;

    if (effect->what == SIMNET_EXPLORE_TRANSMITS) {
        fputs("<- ", w->out);
        explore_sx_pdu(w, effect->bytes, true);
        if (effect->owed && w->world->aftermaths)
            fprintf(w->out, " #t%" PRIu64, transmission);
        fputc('\n', w->out);
        explore_sx_check_id(w, ids);
    } else if (effect->what == SIMNET_EXPLORE_HANDS_OVER) {
        fputs("== deliver", w->out);
        explore_sx_data(effect->bytes, w->out);
        fputc('\n', w->out);
    } else {
        fprintf(w->out, "== result m%" PRIu64 " %s", effect->number,
                effect->refused ? "refused *" : sipc_outcome_name(effect->outcome));
        if (effect->code != 0)
            fprintf(w->out, " %" PRId32, effect->code);
        fputc('\n', w->out);
    }
}

static void explore_sx_open_line(const struct sx_writer *w)
{
    const struct simnet_explore_side *plan = &w->world->sides[w->side];
    const struct sipc_preset *ids = &plan->window_ids;

    fputs("do open\n", w->out);
    if (!plan->preset)
        return;
    fprintf(w->out, "do preset next=%" PRId64, ids->next_window_id);
    if (ids->acked_window_id >= 0)
        fprintf(w->out, " acked=%" PRId64, ids->acked_window_id);
    if (ids->min_window_id >= 0)
        fprintf(w->out, " min=%" PRId64 "%s", ids->min_window_id,
                ids->processed ? " processed" : "");
    fputc('\n', w->out);
}

/* The event as a line of the script, before it is given to the reference. */
static void explore_sx_cause(struct sx_writer *w, const struct simnet_explore_entry *entry)
{
    if (entry->what == SIMNET_EXPLORE_ADVANCES)
        return; /* what it brings is waited for */
    explore_sx_wait(w, entry->at_ns);
    switch (entry->what) {
    case SIMNET_EXPLORE_DELIVERS:
    case SIMNET_EXPLORE_DUPLICATES:
    case SIMNET_EXPLORE_INJECTS:
        fputs("-> ", w->out);
        explore_sx_pdu(w, entry->pdu, false);
        fputc('\n', w->out);
        break;
    case SIMNET_EXPLORE_OPENS:
        explore_sx_open_line(w);
        break;
    case SIMNET_EXPLORE_COMMANDS:
        if (entry->operation == SIPC_OP_CLOSE) {
            fprintf(w->out, "do close %" PRId32 " as m%" PRIu64 "\n", entry->code, entry->number);
            break;
        }
        fprintf(w->out, "do %s bytes(%" PRIu32 ", %d) as m%" PRIu64 "%s\n",
                entry->operation == SIPC_OP_SEND ? "send" : "send_unreliable", entry->size,
                explore_sx_byte(entry->number, 0), entry->number, entry->skip ? " skip" : "");
        break;
    case SIMNET_EXPLORE_TELLS_SENT:
    case SIMNET_EXPLORE_TELLS_NOT_SENT:
        fprintf(w->out, "do sent #t%" PRIu64 " %s\n", entry->number,
                entry->what == SIMNET_EXPLORE_TELLS_SENT ? "ok" : "failed");
        break;
    default:
        break;
    }
}

/* ---- event by event ---- */

static bool explore_sx_is_cause(const struct simnet_explore_entry *entry)
{
    return entry->what < SIMNET_EXPLORE_TRANSMITS;
}

static bool explore_sx_is_seen(const struct simnet_explore_entry *entry)
{
    return entry->what == SIMNET_EXPLORE_TRANSMITS || entry->what == SIMNET_EXPLORE_HANDS_OVER ||
           entry->what == SIMNET_EXPLORE_ENDS;
}

static bool explore_sx_same(const struct sx_effect *effect,
                            const struct simnet_explore_entry *entry)
{
    if (effect->refused || effect->what != entry->what || effect->bytes.size != entry->pdu.size)
        return false;
    if (effect->what == SIMNET_EXPLORE_ENDS)
        return effect->number == entry->number && effect->outcome == entry->outcome &&
               effect->code == entry->code;
    return memcmp(effect->bytes.data, entry->pdu.data, entry->pdu.size) == 0;
}

/* Whether the reference did what the trace says behind entry `cause`. */
static bool explore_sx_agrees(struct sx_writer *w, const struct sx_effects *effects, size_t cause)
{
    const struct simnet_explore_result *r = w->result;
    size_t n = 0;

    for (size_t i = cause + 1; i < r->entry_count && !explore_sx_is_cause(&r->entries[i]); i++) {
        if (!explore_sx_is_seen(&r->entries[i]))
            continue;
        if (n == effects->count || !explore_sx_same(&effects->items[n], &r->entries[i]))
            return false;
        if (r->entries[i].number > 0 && r->entries[i].what == SIMNET_EXPLORE_TRANSMITS)
            w->tokens[r->entries[i].number % TOKENS_MAX] = effects->items[n].number;
        n++;
    }
    return n == effects->count;
}

/* The first effect of entry `cause` that names a transmission: labels follow the trace's. */
static uint64_t explore_sx_label(const struct sx_writer *w, size_t cause, size_t n)
{
    const struct simnet_explore_result *r = w->result;

    for (size_t i = cause + 1; i < r->entry_count && !explore_sx_is_cause(&r->entries[i]); i++)
        if (explore_sx_is_seen(&r->entries[i]) && n-- == 0)
            return r->entries[i].number;
    return 9000 + n;
}

static void explore_sx_expect_all(struct sx_writer *w, const struct sx_effects *effects,
                                  size_t cause, size_t count, bool parted)
{
    if ((count > 0 || parted) && w->result->entries[cause].at_ns > w->told_ns) {
        fputs("wait ", w->out);
        explore_sx_time(w->result->entries[cause].at_ns - w->told_ns, w);
        fputc('\n', w->out);
        w->told_ns = w->result->entries[cause].at_ns;
    }
    for (size_t i = 0; i < count; i++)
        explore_sx_expect(w, &effects->items[i], explore_sx_label(w, cause, i));
}

/* Goes through the events of the side until the engines part: the index of that event; the number
 * of entries if they do not. With `out` each becomes lines. */
static size_t explore_sx_walk(struct sx_writer *w)
{
    const struct simnet_explore_result *r = w->result;
    size_t i, first = 0, last = 0;

    for (i = 0; i < r->entry_count; i++) {
        if (explore_sx_is_cause(&r->entries[i]) && r->entries[i].side == w->side)
            last = i;
        if (r->entries[i].what == SIMNET_EXPLORE_CRASHES && r->entries[i].side == w->side)
            first = i; /* it begins anew */
    }
    w->told_ns = first > 0 ? r->entries[first].at_ns : 0;
    for (i = first; i < r->entry_count; i++) {
        struct sx_effects effects = {.count = 0};
        if (!explore_sx_is_cause(&r->entries[i]) || r->entries[i].side != w->side ||
            r->entries[i].what == SIMNET_EXPLORE_DROPS ||
            r->entries[i].what == SIMNET_EXPLORE_CRASHES)
            continue;
        if (w->out != NULL)
            explore_sx_cause(w, &r->entries[i]);
        explore_sx_feed(w, &r->entries[i], &effects);
        bool parted = !explore_sx_agrees(w, &effects, i);
        /* Where they never part, what the last event brought is what must not be. */
        bool end = !parted && i == last && strcmp(r->failure.invariant, "stuck") != 0;
        if (w->out != NULL)
            explore_sx_expect_all(w, &effects, i, end ? 0 : effects.count, parted);
        explore_sx_forget(&effects);
        if (parted)
            return i;
    }
    return r->entry_count;
}

/* It stands still where the reference would go on: its next effect is expected. */
static void explore_sx_go_on(struct sx_writer *w)
{
    const struct simnet_explore_result *r = w->result;
    struct sx_effects effects = {.count = 0};
    sipc_time now = r->entry_count > 0 ? r->entries[r->entry_count - 1].at_ns : 0;
    enum sipc_status status = SIPC_OK;

    for (size_t i = 0; i < r->entry_count && w->world->aftermaths; i++)
        if (r->entries[i].what == SIMNET_EXPLORE_TRANSMITS && r->entries[i].side == w->side &&
            w->reference->sent(w->ep, now, w->tokens[r->entries[i].number % TOKENS_MAX], true) ==
                SIPC_OK) {
            fprintf(w->out, "do sent #t%" PRIu64 " ok\n", r->entries[i].number);
            explore_sx_drain(w, &effects, now);
        }
    while (effects.count == 0 && status == SIPC_OK && w->reference->deadline(w->ep) != SIPC_NEVER) {
        now = w->reference->deadline(w->ep);
        status = w->reference->advance(w->ep, now);
        explore_sx_drain(w, &effects, now);
    }
    if (now > w->told_ns) {
        fputs("wait ", w->out);
        explore_sx_time(now - w->told_ns, w);
        fputc('\n', w->out);
    }
    w->told_ns = now;
    for (size_t i = 0; i < effects.count; i++)
        explore_sx_expect(w, &effects.items[i], 9000 + i);
    explore_sx_forget(&effects);
}

static size_t explore_sx_run(struct sx_writer *w, uint32_t side, FILE *out)
{
    size_t size = w->reference->size(&w->config);
    void *block = calloc(1, size);

    SIPC_ASSERT(block != NULL);
    w->side = side;
    w->out = out;
    w->id_count = 0;
    enum sipc_status status = w->reference->init(block, size, &w->config, 0, &w->ep);
    SIPC_ASSERT(status == SIPC_OK);
    size_t parted = explore_sx_walk(w);
    if (out != NULL && parted == w->result->entry_count &&
        strcmp(w->result->failure.invariant, "stuck") == 0)
        explore_sx_go_on(w);
    if (out != NULL) {
        sipc_time at =
            parted < w->result->entry_count ? w->result->entries[parted].at_ns : w->told_ns;
        sipc_time deadline = w->reference->deadline(w->ep);
        bool soon = deadline != SIPC_NEVER && deadline <= at + w->config.ack_timeout_ns / 2;
        fputs(soon ? "quiet 0.001T\n" : "quiet 0.5T\n", out);
    }
    free(block);
    return parted;
}

/* ---- the header ---- */

static void explore_sx_number(FILE *out, const char *name, int64_t value, int64_t usual)
{
    if (value != usual)
        fprintf(out, "set %s = %" PRId64 "\n", name, value);
}

static void explore_sx_header(const struct sx_writer *w, const char *id, uint32_t side, FILE *out)
{
    const struct sipc_config *c = &w->config;
    const struct simnet_explore_failure *failure = &w->result->failure;
    struct sipc_config usual;
    const int64_t ms = (int64_t)SIPC_NS_PER_MS;

    sipc_config_default(&usual);
    fprintf(out, "# Found by exploring the world %s, %" PRIu32 " actions from its beginning:\n",
            w->world->name, w->result->steps);
    fprintf(out, "# %s: %s.\n", failure->invariant, failure->text);
    /* So short an exchange may not show the rule that broke; a PDU of the SUT shows WIRE-1. */
    fprintf(out, "sx 1\nid %s\nrules %s WIRE-1\nrole %s\n", id,
            failure->rule == SIPC_RULE_NONE ? "RCV-9" : sipc_rule_info(failure->rule)->id,
            w->world->sides[side].operation_count > 0 ? "sender" : "receiver");
    explore_sx_number(out, "mtu", c->mtu, usual.mtu);
    explore_sx_number(out, "max_window_size", c->max_window_size, usual.max_window_size);
    explore_sx_number(out, "max_retry_count", c->max_retry_count, usual.max_retry_count);
    explore_sx_number(out, "ack_timeout_ms", (int64_t)c->ack_timeout_ns / ms, 1000);
    explore_sx_number(out, "open_timeout_ms", (int64_t)c->open_timeout_ns / ms, 10000);
    explore_sx_number(out, "enquire_link_interval_ms", (int64_t)c->enquire_link_interval_ns / ms,
                      0);
    explore_sx_number(out, "linger_ms", (int64_t)c->linger_ns / ms,
                      2 * (c->max_retry_count + (int64_t)1) * (int64_t)c->ack_timeout_ns / ms);
    explore_sx_number(out, "max_sessions", c->max_sessions, usual.max_sessions);
    explore_sx_number(out, "unreliable_queue", c->unreliable_queue, usual.unreliable_queue);
    explore_sx_number(out, "window_id_step", c->window_id_step, usual.window_id_step);
    explore_sx_number(out, "window_id_max", c->window_id_max, usual.window_id_max);
    explore_sx_number(out, "group_bytes_max", c->group_bytes_max, usual.group_bytes_max);
    if (w->world->aftermaths)
        fputs("set aftermath = manual\n", out);
    fputs("\ntest\n", out);
}

bool explore_sx_print(const struct simnet_explore_world *world,
                      const struct simnet_explore_result *result, const char *id, FILE *out)
{
    struct sx_writer *w = calloc(1, sizeof *w);
    size_t parted[2], size;
    char *text = NULL;

    SIPC_ASSERT(w != NULL);
    w->world = world;
    w->result = result;
    w->reference = &simnet_explore_engine;
    w->config = world->settings;
    enum sipc_status status = sipc_config_check(&w->config, NULL);
    SIPC_ASSERT(status == SIPC_OK);
    for (uint32_t side = 0; side < 2; side++)
        parted[side] = explore_sx_run(w, side, NULL);
    uint32_t side = parted[0] < parted[1] ? 0 : parted[1] < parted[0] ? 1 : result->failure.side;
    FILE *lines = open_memstream(&text, &size);
    SIPC_ASSERT(lines != NULL);
    explore_sx_header(w, id, side, lines);
    explore_sx_run(w, side, lines);
    fclose(lines);
    char path[120];
    snprintf(path, sizeof path, "%s.sx", id);
    struct sx_script *script = sx_parse(path, text, size, stderr, NULL);
    if (script != NULL)
        sx_print(script, out);
    else
        fputs(text, stderr);
    sx_script_free(script);
    free(text);
    free(w);
    return script != NULL;
}
