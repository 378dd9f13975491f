/* See case_sx.h: the reference lives what an endpoint lived, up to where they part.
 *
 * An endpoint may choose other window ids than the reference, and say another max_window_size: what
 * is acked is then what the reference calls it. */
#include "case_sx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "case_lines.h"
#include "conform/script.h"

enum {
    ATTRIBUTES_MAX = 256,
    EFFECTS_MAX = 4096,
    NUMBERS_MAX = 9000,
    WINDOW_ID_AT = 34,
    WINDOW_ID_SIZE = 8
};

/* Where the two part: before, or at, a cause; `count` and no more: they do not. */
struct parting {
    bool parted;
    size_t at;       /* index of the cause; count: after all of them */
    bool on_its_own; /* the reference does something before that cause, which the endpoint does not
                      */
};

/* ---- histories ---- */

uint8_t *case_history_bytes(struct case_history *history, const void *data, size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);

    SIPC_ASSERT(bytes != NULL);
    if (data != NULL && size > 0)
        memcpy(bytes, data, size);
    if (history->memory_count == history->memory_capacity) {
        history->memory_capacity = 2 * history->memory_capacity + 64;
        history->memory =
            realloc(history->memory, history->memory_capacity * sizeof *history->memory);
        SIPC_ASSERT(history->memory != NULL);
    }
    history->memory[history->memory_count++] = bytes;
    return bytes;
}

struct case_entry *case_history_add(struct case_history *history, enum case_what what,
                                    sipc_time at_ns)
{
    if (history->count == history->capacity) {
        history->capacity = 2 * history->capacity + 64;
        history->entries = realloc(history->entries, history->capacity * sizeof *history->entries);
        SIPC_ASSERT(history->entries != NULL);
    }
    struct case_entry *entry = &history->entries[history->count++];
    *entry = (struct case_entry){.what = what, .at_ns = at_ns, .idle_timeout_ns = INT64_MIN};
    return entry;
}

void case_history_clear(struct case_history *history)
{
    for (size_t i = 0; i < history->memory_count; i++)
        free(history->memory[i]);
    free(history->memory);
    free(history->entries);
    *history = (struct case_history){0};
}

static bool case_is_cause(const struct case_entry *entry)
{
    return entry->what < CASE_TRANSMITS;
}

/* ---- what the reference does ---- */

/* Its effects are a history of their own; `number` of a transmission is its token. */

static struct sipc_span case_message(const struct case_writer *w, uint64_t number)
{
    for (size_t i = 0; i < w->history->count; i++)
        if (w->history->entries[i].what == CASE_COMMANDS && w->history->entries[i].number == number)
            return w->history->entries[i].bytes;
    SIPC_ASSERT(false);
    return (struct sipc_span){NULL, 0};
}

static void case_take(struct case_writer *w, struct case_history *effects,
                      const struct sipc_action *action)
{
    struct case_entry *effect;
    uint8_t *bytes;

    if (action->kind == SIPC_ACTION_TRANSMIT) {
        size_t head = action->u.transmit.head.size, size = action->u.transmit.payload_size;
        effect = case_history_add(effects, CASE_TRANSMITS, w->fed_ns);
        effect->peer = action->remote;
        effect->number = action->u.transmit.owed ? action->u.transmit.token : 0;
        bytes = case_history_bytes(effects, NULL, head + size);
        memcpy(bytes, action->u.transmit.head.data, head);
        if (size > 0)
            memcpy(bytes + head,
                   case_message(w, action->u.transmit.message).data +
                       action->u.transmit.payload_offset,
                   size);
        effect->bytes = (struct sipc_span){bytes, head + size};
    } else if (action->kind == SIPC_ACTION_DELIVER) {
        const struct sipc_span *data = &action->u.deliver.data,
                               *said = &action->u.deliver.attributes;
        effect = case_history_add(effects, CASE_DELIVERS, w->fed_ns);
        effect->session_id = case_history_bytes(effects, action->session_id, SIPC_SESSION_ID_SIZE);
        effect->bytes =
            (struct sipc_span){case_history_bytes(effects, data->data, data->size), data->size};
        effect->attributes =
            (struct sipc_span){case_history_bytes(effects, said->data, said->size), said->size};
    } else if (action->kind == SIPC_ACTION_RESULT) {
        effect = case_history_add(effects, CASE_ENDS, w->fed_ns);
        effect->number = action->u.result.handle;
        effect->outcome = action->u.result.outcome;
        effect->code = action->u.result.code;
    }
}

static void case_drain(struct case_writer *w, struct case_history *effects)
{
    struct sipc_action action;
    size_t first = effects->count;

    while (sipc_endpoint_next_action(w->ep, &action))
        case_take(w, effects, &action);
    for (size_t i = first; i < effects->count && !w->manual && effects->count < EFFECTS_MAX; i++)
        if (effects->entries[i].what == CASE_TRANSMITS && effects->entries[i].number > 0 &&
            sipc_endpoint_sent(w->ep, w->fed_ns, effects->entries[i].number, true) == SIPC_OK)
            case_drain(w, effects);
}

/* ---- what comes to it ---- */

/* An ack of a window that the endpoint chose is one of the reference's. */
static struct sipc_span case_translate(struct case_writer *w, struct case_history *effects,
                                       struct sipc_span bytes)
{
    struct sipc_pdu pdu;

    if (sipc_pdu_decode(bytes, &pdu) != SIPC_DISCARD_NONE ||
        (pdu.opcode != SIPC_DATA_ACK && pdu.opcode != SIPC_CLOSE_ACK))
        return bytes;
    for (size_t i = w->theirs_count; i > 0; i--)
        if (w->theirs[i - 1] == pdu.window_id && w->ids[i - 1] != pdu.window_id) {
            uint8_t *out = case_history_bytes(effects, bytes.data, bytes.size);
            for (size_t byte = 0; byte < WINDOW_ID_SIZE; byte++)
                out[WINDOW_ID_AT + byte] =
                    (uint8_t)((uint64_t)w->ids[i - 1] >> 8 * (WINDOW_ID_SIZE - 1 - byte));
            return (struct sipc_span){out, bytes.size};
        } else if (w->theirs[i - 1] == pdu.window_id) {
            break;
        }
    return bytes;
}

static enum sipc_status case_open(struct case_writer *w, const struct case_entry *entry)
{
    struct sipc_action action;
    sipc_session session;
    enum sipc_status status = sipc_session_open(w->ep, w->fed_ns, entry->peer, entry->session_id,
                                                entry->idle_timeout_ns, &session);

    if (status != SIPC_OK || w->history->preset == NULL || case_session(w, entry->session_id) > 0)
        return status;
    while (sipc_endpoint_next_action(w->ep, &action))
        ;
    return sipc_session_preset(w->ep, w->fed_ns, session, w->history->preset);
}

static enum sipc_status case_send(struct case_writer *w, const struct case_entry *entry,
                                  sipc_session session)
{
    struct sipc_attribute attributes[ATTRIBUTES_MAX];
    struct sipc_message message = {.handle = entry->number,
                                   .size = entry->bytes.size,
                                   .attributes = attributes,
                                   .skip = entry->skip};
    struct sipc_span rest = entry->attributes;

    while (message.attribute_count < ATTRIBUTES_MAX &&
           sipc_attribute_next(&rest, &attributes[message.attribute_count].name,
                               &attributes[message.attribute_count].value))
        message.attribute_count++;
    return entry->command == SIMNET_COMMAND_SEND
               ? sipc_session_send(w->ep, w->fed_ns, session, &message)
               : sipc_session_send_unreliable(w->ep, w->fed_ns, session, &message);
}

static enum sipc_status case_command(struct case_writer *w, const struct case_entry *entry)
{
    sipc_session session =
        entry->session_id != NULL ? sipc_session_find(w->ep, entry->peer, entry->session_id) : 0;

    switch (entry->command) {
    case SIMNET_COMMAND_OPEN:
        return case_open(w, entry);
    case SIMNET_COMMAND_SHUTDOWN:
        return sipc_endpoint_shutdown(w->ep, w->fed_ns, entry->grace_ns);
    case SIMNET_COMMAND_DISPOSE:
        return sipc_session_dispose(w->ep, w->fed_ns, session, entry->code);
    case SIMNET_COMMAND_CLOSE:
        return sipc_session_close(w->ep, w->fed_ns, session, entry->code, entry->number);
    default:
        return case_send(w, entry, session);
    }
}

/* Gives the cause to the reference at w->fed_ns; what comes of it is added to `effects`. */
static void case_feed(struct case_writer *w, const struct case_entry *entry,
                      struct case_history *effects)
{
    enum sipc_status status = SIPC_OK;

    if (entry->what == CASE_RECEIVES)
        status = sipc_endpoint_receive(w->ep, w->fed_ns, entry->peer, entry->bytes);
    else if (entry->what == CASE_ADVANCES)
        status = sipc_endpoint_advance(w->ep, w->fed_ns);
    else if (entry->what == CASE_TOLD && entry->number < w->token_count)
        status = sipc_endpoint_sent(w->ep, w->fed_ns, w->tokens[entry->number], entry->ok);
    else if (entry->what == CASE_COMMANDS)
        status = case_command(w, entry);
    if (entry->what == CASE_COMMANDS && status != SIPC_OK &&
        entry->command != SIMNET_COMMAND_OPEN) {
        struct case_entry *effect = case_history_add(effects, CASE_ENDS, w->fed_ns);
        effect->number = entry->number;
        effect->refused = true;
    }
    case_drain(w, effects);
}

/* ---- whether the endpoint does the same ---- */

static bool case_same_bytes(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool case_same_attributes(struct sipc_span a, struct sipc_span b)
{
    struct sipc_span names[2], values[2];
    bool more = true;

    while (more) {
        more = sipc_attribute_next(&a, &names[0], &values[0]);
        if (sipc_attribute_next(&b, &names[1], &values[1]) != more)
            return false;
        if (more &&
            (!case_same_bytes(names[0], names[1]) || !case_same_bytes(values[0], values[1])))
            return false;
    }
    return true;
}

/* The next option that frames nothing. */
static bool case_next_option(struct sipc_span *rest, struct sipc_option *option)
{
    const uint32_t framing =
        SIPC_OPT_FRAMING | SIPC_OPT_ERROR_CODE | SIPC_OPT_ABORT_CODE | SIPC_OPT_IDLE_TIMEOUT;

    do
        if (!sipc_option_next(rest, option))
            return false;
    while ((option->id & framing) != 0);
    return true;
}

static bool case_same_options(struct sipc_span a, struct sipc_span b)
{
    struct sipc_option ours, theirs;

    while (case_next_option(&a, &ours))
        if (!case_next_option(&b, &theirs) || !case_same_bytes(ours.name, theirs.name) ||
            !case_same_bytes(ours.value, theirs.value))
            return false;
    return !case_next_option(&b, &theirs);
}

/* Own window ids are in the same order; the first time they come they go together. */
static bool case_same_id(struct case_writer *w, int64_t ours, int64_t theirs)
{
    size_t i = w->theirs_count, j = w->id_count;

    while (i > 0 && w->theirs[i - 1] != theirs)
        i--;
    while (j > 0 && w->ids[j - 1] != ours)
        j--;
    if (i > 0 || j > 0)
        return i == j;
    if (w->id_count == CASE_IDS_MAX || w->id_count != w->theirs_count) {
        w->overflows = true;
        return false;
    }
    w->ids[w->id_count++] = ours;
    w->theirs[w->theirs_count++] = theirs;
    return true;
}

static bool case_same_pdu(struct case_writer *w, struct sipc_span ours, struct sipc_span theirs)
{
    struct sipc_pdu a, b;

    if (sipc_pdu_decode(ours, &a) != SIPC_DISCARD_NONE ||
        sipc_pdu_decode(theirs, &b) != SIPC_DISCARD_NONE || a.opcode != b.opcode ||
        memcmp(a.session_id, b.session_id, SIPC_SESSION_ID_SIZE) != 0)
        return false;
    if (a.opcode == SIPC_DATA || a.opcode == SIPC_CLOSE ? !case_same_id(w, a.window_id, b.window_id)
                                                        : a.window_id != b.window_id)
        return false;
    return a.seq_nr == b.seq_nr && a.flags == b.flags && a.error_code == b.error_code &&
           a.abort_code == b.abort_code && a.idle_timeout_ms == b.idle_timeout_ms &&
           case_same_options(a.options, b.options) && case_same_bytes(a.data, b.data);
}

static bool case_same(struct case_writer *w, const struct case_entry *ours,
                      const struct case_entry *theirs)
{
    if (ours->what != theirs->what)
        return false;
    if (ours->what == CASE_ENDS)
        return ours->number == theirs->number && ours->refused == theirs->refused &&
               (ours->refused || (ours->outcome == theirs->outcome && ours->code == theirs->code));
    if (ours->what == CASE_DELIVERS)
        return case_same_bytes(ours->bytes, theirs->bytes) &&
               memcmp(ours->session_id, theirs->session_id, SIPC_SESSION_ID_SIZE) == 0 &&
               case_same_attributes(ours->attributes, theirs->attributes);
    return ours->peer == theirs->peer && case_same_pdu(w, ours->bytes, theirs->bytes);
}

/* The cause behind `at`; effects are those between. Where aftermaths are not told apart, what they
 * bring is the cause's before. */
static size_t case_next(const struct case_writer *w, size_t at)
{
    do
        at++;
    while (at < w->history->count && (!case_is_cause(&w->history->entries[at]) ||
                                      (!w->manual && w->history->entries[at].what == CASE_TOLD)));
    return at;
}

static size_t case_effects_of(const struct case_writer *w, size_t cause)
{
    size_t count = 0, end = case_next(w, cause);

    for (size_t i = cause + 1; i < end; i++)
        count += !case_is_cause(&w->history->entries[i]);
    return count;
}

/* Transmissions that the endpoint did not make, from effect `n` on, have numbers of their own. */
static void case_renumber(struct case_history *effects, size_t n)
{
    for (; n < effects->count; n++)
        if (effects->entries[n].what == CASE_TRANSMITS && effects->entries[n].number > 0)
            effects->entries[n].number = NUMBERS_MAX + n;
}

/* Effects of the reference get the numbers that the endpoint's transmissions have. */
static bool case_agrees(struct case_writer *w, struct case_history *effects, size_t cause)
{
    size_t n = 0, end = case_next(w, cause);
    bool agrees = true;

    for (size_t i = cause + 1; i < end; i++) {
        const struct case_entry *theirs = &w->history->entries[i];
        if (case_is_cause(theirs))
            continue;
        agrees = n < effects->count && case_same(w, &effects->entries[n], theirs);
        if (!agrees)
            break;
        struct case_entry *ours = &effects->entries[n++];
        if (ours->what == CASE_TRANSMITS && theirs->number > 0 && theirs->number < w->token_count) {
            w->tokens[theirs->number] = ours->number;
            ours->number = theirs->number;
        }
    }
    case_renumber(effects, n);
    return agrees && n == effects->count;
}

/* ---- times ---- */

/* When the cause comes to the reference: when it came, or, where the script could not say that, at
 * the next moment it can; in order with the reference's deadlines. */
static sipc_time case_moment(const struct case_writer *w, const struct case_entry *entry)
{
    const sipc_time grid = case_grid(w);
    sipc_time deadline = sipc_endpoint_deadline(w->ep), at = entry->at_ns;

    if (!w->rounds)
        return at;
    at = (at + grid / 2) / grid * grid;
    if (entry->what == CASE_ADVANCES && deadline != SIPC_NEVER && deadline <= at + 2 * grid)
        at = deadline;
    else if (entry->what != CASE_ADVANCES && deadline != SIPC_NEVER && deadline <= at &&
             deadline + 2 * grid >= at && deadline > grid)
        at = deadline - grid;
    return at > w->fed_ns ? at : w->fed_ns;
}

/* Waits until the cause; one that is to come before a deadline of the same moment, a bit less. */
static void case_wait(struct case_writer *w)
{
    const sipc_time bit = case_grid(w);
    sipc_time at = w->fed_ns;

    if (sipc_endpoint_deadline(w->ep) <= at && at >= bit)
        at -= bit;
    case_line_wait(w, at);
}

/* ---- cause by cause ---- */

static void case_expect(struct case_writer *w, const struct case_history *effects, size_t count)
{
    if (count > 0)
        case_line_wait(w, w->fed_ns);
    for (size_t i = 0; i < count; i++)
        case_line_expect(w, &effects->entries[i]);
}

/* Deadlines of the reference before `until`, of which the endpoint made nothing. True: something
 * comes of one, and is expected. */
static bool case_goes_on(struct case_writer *w, sipc_time until)
{
    struct case_history effects = {0};
    const struct case_entry advance = {.what = CASE_ADVANCES};

    while (effects.count == 0 && sipc_endpoint_deadline(w->ep) < until) {
        w->fed_ns = sipc_endpoint_deadline(w->ep);
        case_feed(w, &advance, &effects);
    }
    bool goes_on = effects.count > 0;
    case_renumber(&effects, 0);
    case_expect(w, &effects, effects.count);
    case_history_clear(&effects);
    return goes_on;
}

/* The endpoint stands still where the reference would go on: all its aftermaths come, and its next
 * effect is expected. */
static bool case_stands_still(struct case_writer *w)
{
    struct case_history effects = {0};

    for (size_t i = 0; i < w->history->count && w->manual; i++) {
        const struct case_entry *entry = &w->history->entries[i];
        if (entry->what == CASE_TRANSMITS && entry->number > 0 &&
            sipc_endpoint_sent(w->ep, w->fed_ns, w->tokens[entry->number], true) == SIPC_OK) {
            case_line_told(w, entry->number, true);
            case_drain(w, &effects);
        }
    }
    bool goes_on = effects.count > 0;
    case_renumber(&effects, 0);
    case_expect(w, &effects, effects.count);
    case_history_clear(&effects);
    return goes_on || case_goes_on(w, SIPC_NEVER);
}

/* One cause; false: they part there. `last`: what it brings must not be. */
static bool case_step(struct case_writer *w, size_t i, bool last)
{
    struct case_history effects = {0};
    struct case_entry cause = w->history->entries[i];
    size_t theirs = case_effects_of(w, i);

    w->fed_ns = case_moment(w, &cause);
    if (cause.what == CASE_RECEIVES)
        cause.bytes = case_translate(w, &effects, cause.bytes);
    sipc_time deadline = sipc_endpoint_deadline(w->ep);
    bool refused = cause.what == CASE_COMMANDS && cause.refused;
    if (cause.what != CASE_ADVANCES && !refused) {
        case_wait(w);
        case_line_cause(w, &cause);
    }
    case_feed(w, &cause, &effects);
    while (cause.what == CASE_ADVANCES && effects.count < theirs &&
           sipc_endpoint_deadline(w->ep) <= w->fed_ns && deadline != SIPC_NEVER)
        case_feed(w, &cause, &effects);
    if (refused && effects.count == 1 && effects.entries[0].refused)
        effects.count = 0;
    bool agrees = case_agrees(w, &effects, i);
    if (!agrees && refused) {
        case_wait(w);
        case_line_cause(w, &cause);
    }
    if (!agrees)
        case_line_wait(w, w->fed_ns);
    case_expect(w, &effects, agrees && last ? 0 : effects.count);
    case_history_clear(&effects);
    return agrees;
}

static struct parting case_walk(struct case_writer *w)
{
    const struct case_history *h = w->history;
    size_t i, next;

    for (i = case_next(w, SIZE_MAX); i < h->count; i = next) {
        next = case_next(w, i);
        const sipc_time slack = w->rounds ? 2 * case_grid(w) : 0;
        if (h->entries[i].what != CASE_ADVANCES && h->entries[i].at_ns > slack &&
            case_goes_on(w, h->entries[i].at_ns - slack))
            return (struct parting){true, i, true};
        if (!case_step(w, i, next >= h->count && !h->stands_still))
            return (struct parting){true, i, false};
    }
    if (h->stands_still ? case_stands_still(w) : case_goes_on(w, h->end_ns))
        return (struct parting){true, h->count, true};
    return (struct parting){false, h->count, false};
}

static void case_quiet(struct case_writer *w)
{
    sipc_time deadline = sipc_endpoint_deadline(w->ep);
    bool soon = deadline != SIPC_NEVER && deadline <= w->fed_ns + w->config.ack_timeout_ns / 2;

    if (w->out != NULL)
        fputs(soon ? "quiet 0.001T\n" : "quiet 0.5T\n", w->out);
}

/* Tells the history in a way; the reference is as it was at the beginning before that. */
static struct parting case_run(struct case_writer *w, bool manual, bool rounds, FILE *out)
{
    const struct case_history *h = w->history;
    struct case_writer fresh = {
        .history = h, .out = out, .manual = manual, .rounds = rounds, .config = h->settings};
    const char *field;

    enum sipc_status status = sipc_config_check(&fresh.config, &field);
    SIPC_ASSERT(status == SIPC_OK);
    for (size_t i = 0; i < h->count; i++)
        if (h->entries[i].what == CASE_TRANSMITS && h->entries[i].number >= fresh.token_count)
            fresh.token_count = h->entries[i].number + 1;
    fresh.tokens = calloc(fresh.token_count + 1, sizeof *fresh.tokens);
    size_t size = sipc_endpoint_size(&fresh.config);
    fresh.block = calloc(1, size);
    SIPC_ASSERT(fresh.block != NULL && fresh.tokens != NULL);
    status = sipc_endpoint_init(fresh.block, size, &fresh.config, 0, &fresh.ep);
    SIPC_ASSERT(status == SIPC_OK);
    *w = fresh;
    struct parting parting = case_walk(w);
    case_quiet(w);
    free(w->block);
    free(w->tokens);
    w->ep = NULL;
    return parting;
}

/* ---- the header ---- */

static void case_number(FILE *out, const char *name, int64_t value, int64_t usual)
{
    if (value != usual)
        fprintf(out, "set %s = %" PRId64 "\n", name, value);
}

static int64_t case_ms(int64_t ns)
{
    return ns / (int64_t)SIPC_NS_PER_MS;
}

static void case_settings(const struct sipc_config *c, bool attributes, FILE *out)
{
    struct sipc_config usual;

    sipc_config_default(&usual);
    case_number(out, "mtu", c->mtu, usual.mtu);
    case_number(out, "max_window_size", c->max_window_size, usual.max_window_size);
    case_number(out, "max_retry_count", c->max_retry_count, usual.max_retry_count);
    case_number(out, "ack_timeout_ms", case_ms((int64_t)c->ack_timeout_ns),
                case_ms((int64_t)usual.ack_timeout_ns));
    case_number(out, "open_timeout_ms", case_ms((int64_t)c->open_timeout_ns),
                case_ms((int64_t)usual.open_timeout_ns));
    case_number(out, "idle_timeout_ms", c->idle_timeout_ns > 0 ? case_ms(c->idle_timeout_ns) : 0,
                0);
    case_number(out, "min_remote_idle_timeout_ms", case_ms(c->min_remote_idle_timeout_ns),
                case_ms(usual.min_remote_idle_timeout_ns));
    case_number(out, "max_remote_idle_timeout_ms", case_ms(c->max_remote_idle_timeout_ns),
                case_ms(usual.max_remote_idle_timeout_ns));
    case_number(out, "enquire_link_interval_ms", case_ms((int64_t)c->enquire_link_interval_ns), 0);
    case_number(out, "linger_ms", case_ms((int64_t)c->linger_ns),
                2 * (c->max_retry_count + (int64_t)1) * case_ms((int64_t)c->ack_timeout_ns));
    if (attributes)
        case_number(out, "attribute_limit", c->attribute_limit, usual.attribute_limit);
    case_number(out, "max_sessions", c->max_sessions, usual.max_sessions);
    case_number(out, "unreliable_queue", c->unreliable_queue, usual.unreliable_queue);
    case_number(out, "window_id_step", c->window_id_step, usual.window_id_step);
    case_number(out, "window_id_max", c->window_id_max, usual.window_id_max);
    case_number(out, "group_bytes_max", c->group_bytes_max, usual.group_bytes_max);
    if (!c->accept)
        fputs("set accept = false\n", out);
    if (!c->require_first_in_window_group)
        fputs("set require_first_in_window_group = false\n", out);
}

static void case_header(const struct case_writer *w, const struct case_failure *failure,
                        const char *id, FILE *out)
{
    bool sends = false, attributes = false;

    for (size_t i = 0; i < w->history->count; i++) {
        const struct case_entry *entry = &w->history->entries[i];
        sends |= entry->what == CASE_COMMANDS && entry->command <= SIMNET_COMMAND_CLOSE;
        attributes |= entry->attributes.size > 0;
    }
    for (const char *line = failure->story; *line != '\0'; line = strchr(line, '\n') + 1)
        fprintf(out, "# %.*s\n", (int)strcspn(line, "\n"), line);
    /* So short an exchange may not show the rule that broke; a PDU of the SUT shows WIRE-1. */
    fprintf(out, "sx 1\nid %s\nrules %s WIRE-1\nrole %s\n", id,
            failure->rule == SIPC_RULE_NONE ? "RCV-9" : sipc_rule_info(failure->rule)->id,
            sends ? "sender" : "receiver");
    case_settings(&w->config, attributes, out);
    if (w->manual)
        fputs("set aftermath = manual\n", out);
    fputs("\ntest\n", out);
}

/* ---- choice ---- */

static bool case_is_whole(sipc_time time)
{
    return time == SIPC_NEVER || time % SIPC_NS_PER_MS == 0;
}

static const char *case_check_settings(const struct sipc_config *c)
{
    if (!case_is_whole(c->ack_timeout_ns) || !case_is_whole(c->open_timeout_ns) ||
        !case_is_whole(c->enquire_link_interval_ns) || !case_is_whole(c->linger_ns) ||
        (c->idle_timeout_ns > 0 && !case_is_whole((sipc_time)c->idle_timeout_ns)) ||
        (c->min_remote_idle_timeout_ns > 0 &&
         !case_is_whole((sipc_time)c->min_remote_idle_timeout_ns)) ||
        (c->max_remote_idle_timeout_ns > 0 &&
         !case_is_whole((sipc_time)c->max_remote_idle_timeout_ns)))
        return "a setting of the host is no whole number of ms, which is all a case can say";
    return NULL;
}

static bool case_same_parting(const struct parting *a, const struct parting *b)
{
    return a->parted == b->parted && a->at == b->at;
}

/* Whether all that came up to the parting came at moments a script can name. */
static bool case_on_grid(const struct case_writer *w, const struct parting *parting)
{
    const struct case_history *h = w->history;

    for (size_t i = 0; i < h->count && i <= parting->at; i++)
        if (case_is_cause(&h->entries[i]) && h->entries[i].what != CASE_ADVANCES &&
            h->entries[i].at_ns % case_grid(w) != 0)
            return false;
    return true;
}

/* Whether each aftermath was good and came before anything else did: then it is as if at once. */
static bool case_told_at_once(const struct case_history *h)
{
    size_t waiting = 0;

    for (size_t i = 0; i < h->count; i++) {
        const struct case_entry *entry = &h->entries[i];
        if (entry->what == CASE_TRANSMITS && entry->number > 0)
            waiting++;
        else if (entry->what == CASE_TOLD && !entry->ok)
            return false;
        else if (entry->what == CASE_TOLD)
            waiting--;
        else if (case_is_cause(entry) && waiting > 0)
            return false;
    }
    return waiting == 0 || !h->stands_still;
}

/* The simplest way to tell it that leads to the same parting. */
static const char *case_choose_way(struct case_writer *w, const struct parting *exact, bool *manual)
{
    struct parting parting;

    w->rounds = !case_on_grid(w, exact);
    bool rounds = w->rounds;
    *manual = false;
    parting = case_run(w, false, rounds, NULL);
    if (case_same_parting(&parting, exact) &&
        (!w->history->manual || case_told_at_once(w->history)))
        return NULL;
    *manual = w->history->manual;
    parting = case_run(w, *manual, rounds, NULL);
    if (case_same_parting(&parting, exact))
        return NULL;
    return "it hangs on times finer than a thousandth of ack_timeout, which is all a case can say";
}

static const char *case_tell(struct case_writer *w, const struct case_failure *failure,
                             const struct parting *exact, const char *id, FILE *out)
{
    const char *why = case_check_settings(&w->history->settings);
    char *text = NULL, path[160];
    size_t size;
    bool manual;

    if (why == NULL)
        why = case_choose_way(w, exact, &manual);
    if (why != NULL)
        return why;
    bool rounds = w->rounds;
    FILE *lines = open_memstream(&text, &size);
    SIPC_ASSERT(lines != NULL);
    w->manual = manual;
    case_header(w, failure, id, lines);
    case_run(w, manual, rounds, lines);
    fclose(lines);
    if (w->overflows)
        why = "it speaks of more sessions, peers or windows than a case can name";
    snprintf(path, sizeof path, "%s.sx", id);
    struct sx_script *script = why == NULL ? sx_parse(path, text, size, stderr, NULL) : NULL;
    if (script != NULL)
        sx_print(script, out);
    else if (why == NULL)
        why = "a line of it is none of a case (see above)";
    sx_script_free(script);
    free(text);
    return why;
}

const char *case_sx_print(const struct case_history *histories, size_t count,
                          const struct case_failure *failure, const char *id, FILE *out)
{
    struct case_writer *w = calloc(1, sizeof *w);
    struct parting best = {0};
    const char *why = NULL;
    size_t chosen = failure->blamed;
    uint64_t earliest = UINT64_MAX;

    SIPC_ASSERT(w != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct case_history *h = &histories[i];
        w->history = h;
        struct parting parting = case_run(w, h->manual, false, NULL);
        uint64_t order = parting.at < h->count ? h->entries[parting.at].order : UINT64_MAX - 1;
        if (parting.parted ? order < earliest : earliest == UINT64_MAX && i == chosen) {
            best = parting;
            if (parting.parted) {
                chosen = i;
                earliest = order;
            }
        }
    }
    if (chosen >= count)
        why = "no host is to blame for it";
    else if (!best.parted && !failure->by_effect)
        why =
            "the engine the case would come from does as the reference does, and what is wrong is "
            "nothing it said or did but what it did not";
    w->history = chosen < count ? &histories[chosen] : NULL;
    if (why == NULL)
        why = case_tell(w, failure, &best, id, out);
    free(w);
    return why;
}
