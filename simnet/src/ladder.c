/* Collects what a ladder diagram shows: the first and the last of a run, as many as rows are asked
 * for; what was between them is counted. A datagram is one item from when it enters until it
 * arrives or is dropped. */
#include "ladder.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- items ---- */

size_t ladder_count(const struct ladder *ladder)
{
    return ladder->head_count + ladder->tail_count;
}

static struct ladder_item *ladder_place(const struct ladder *ladder, size_t place)
{
    return place < ladder->head_max ? &ladder->head[place]
                                    : &ladder->tail[place - ladder->head_max];
}

struct ladder_item *ladder_at(const struct ladder *ladder, size_t index)
{
    if (index < ladder->head_count)
        return &ladder->head[index];
    return &ladder->tail[(ladder->tail_first + index - ladder->head_count) % ladder->tail_max];
}

static void ladder_forget(struct ladder *ladder, struct ladder_item *item)
{
    if (ladder->forgotten++ == 0)
        ladder->forgotten_from_ns = item->start.time_ns;
    ladder->forgotten_to_ns = item->start.time_ns;
    ladder->forgotten_order = item->start.order;
    free(item->label);
    free(item->tip);
    *item = (struct ladder_item){0};
}

/* Numbers of forgotten datagrams stay in the map until it is made anew. */
static void ladder_index(struct ladder *ladder, struct ladder_item *item, size_t place)
{
    size_t items = ladder->head_max + ladder->tail_max;

    if (ladder->places.count > 4 * items) {
        simnet_map_clear(&ladder->places);
        for (size_t i = 0; i < items; i++)
            if (ladder_place(ladder, i)->number)
                *simnet_map_insert(&ladder->places, ladder_place(ladder, i)->number) = 1 + i;
    }
    if (item->number)
        *simnet_map_insert(&ladder->places, item->number) = 1 + place;
}

static struct ladder_item *ladder_add(struct ladder *ladder, const struct ladder_item *what)
{
    size_t place = ladder->head_count;

    if (ladder->head_count < ladder->head_max) {
        ladder->head_count++;
    } else {
        if (ladder->tail_count == ladder->tail_max) {
            ladder_forget(ladder, &ladder->tail[ladder->tail_first]);
            ladder->tail_first = (ladder->tail_first + 1) % ladder->tail_max;
            ladder->tail_count--;
        }
        place = ladder->head_max + (ladder->tail_first + ladder->tail_count++) % ladder->tail_max;
    }
    struct ladder_item *item = ladder_place(ladder, place);
    *item = *what;
    ladder_index(ladder, item, place);
    return item;
}

static struct ladder_item *ladder_find(const struct ladder *ladder, uint64_t number)
{
    const uint64_t *place = simnet_map_find(&ladder->places, number);
    struct ladder_item *item = place ? ladder_place(ladder, *place - 1) : NULL;

    return item && item->number == number ? item : NULL;
}

/* ---- datagrams ---- */

static char *ladder_text(const char *text)
{
    char *copy = simnet_allocate(strlen(text) + 1, 1);

    memcpy(copy, text, strlen(text));
    return copy;
}

static void ladder_name(struct simnet_export *export, struct ladder_item *item,
                        const struct simnet_event *event)
{
    const struct simnet_pdu_key *key = event->key;
    char name[EXPORT_NAME_BYTES], text[2 * EXPORT_NAME_BYTES];
    char session[16] = "", again[32] = "";

    if (simnet_session_count(export->world) > 1) {
        struct sipc_pdu pdu = {0};
        (void)sipc_pdu_decode(export_bytes(export, event->datagram, true), &pdu);
        simnet_session index =
            pdu.session_id ? simnet_session_find(export->world, pdu.session_id) : SIMNET_NONE;
        if (index != SIMNET_NONE)
            snprintf(session, sizeof session, "s%" PRIu32 " ", index);
    }
    if (key->opcode && key->xmit == 2)
        snprintf(again, sizeof again, " again");
    else if (key->opcode && key->xmit > 2)
        snprintf(again, sizeof again, " again (%" PRIu32 ")", key->xmit);
    export_name_pdu(export, event->datagram, true, name, sizeof name);
    snprintf(text, sizeof text, "%s%s%s", session, name, again);
    item->label = ladder_text(text);
    export_name_pdu(export, event->datagram, false, name, sizeof name);
    snprintf(text, sizeof text, "datagram %" PRIu64 " on %s: %s, transmission %" PRIu32,
             event->datagram->number, export_link_name(export, event->link), name, key->xmit);
    item->tip = ladder_text(text);
}

/* The datagram a copy was made of, if it is still known: copies begin where it did. */
static const struct ladder_item *ladder_original(const struct ladder *ladder,
                                                 const struct simnet_event *event)
{
    struct simnet_pdu_key key = *event->key;

    for (size_t i = ladder_count(ladder); i > 0; i--) {
        const struct ladder_item *item = ladder_at(ladder, i - 1);
        if (item->kind == LADDER_DATAGRAM && item->link == event->link && item->key.copy == 0 &&
            item->key.session == key.session && item->key.opcode == key.opcode &&
            item->key.window_id == key.window_id && item->key.seq_nr == key.seq_nr &&
            item->key.xmit == key.xmit)
            return item;
    }
    return NULL;
}

static struct ladder_item *ladder_datagram(struct simnet_export *export,
                                           const struct simnet_event *event)
{
    struct ladder *ladder = export->self;
    const struct simnet_datagram *datagram = event->datagram;
    struct ladder_item *item = ladder_find(ladder, datagram->number);
    struct ladder_item fresh = {.kind = LADDER_DATAGRAM,
                                .host = datagram->from,
                                .to = datagram->to,
                                .number = datagram->number,
                                .link = event->link,
                                .key = *event->key,
                                .start = {ladder->order, event->time_ns}};

    if (item != NULL)
        return item;
    if (datagram->copy > 0) {
        const struct ladder_item *original = ladder_original(ladder, event);
        if (original == NULL)
            return NULL;
        fresh.start = original->start;
        fresh.class = "copy";
    } else if (event->stage != SIMNET_STAGE_ENTER && event->link != SIMNET_NONE) {
        return NULL; /* forgotten, or it entered before the window of time */
    }
    ladder_name(export, &fresh, event);
    return ladder_add(ladder, &fresh);
}

static void ladder_harm(struct ladder_item *item, const struct simnet_event *event)
{
    char harm[sizeof item->harm];
    size_t used = strlen(item->harm);

    if (event->verdict == SIMNET_SWAP)
        snprintf(harm, sizeof harm, "up to %" PRIu64 " may pass it", event->value);
    else if (event->verdict == SIMNET_JUMP)
        snprintf(harm, sizeof harm, "passes up to %" PRIu64, event->value);
    else if (event->verdict == SIMNET_COPIES)
        snprintf(harm, sizeof harm, "%" PRIu64 " %s made", event->value,
                 event->value == 1 ? "copy" : "copies");
    else if (event->verdict >= SIMNET_FLIP && event->verdict <= SIMNET_EXTEND) {
        struct simnet_datagram datagram = *event->datagram;
        datagram.copy = 0;
        export_name_harm(&datagram, harm, sizeof harm);
        item->class = item->class ? item->class : "warn";
    } else {
        return; /* delays are seen */
    }
    snprintf(item->harm + used, sizeof item->harm - used, "%s%s", used ? ", " : "", harm);
}

static void ladder_stage(struct simnet_export *export, const struct simnet_event *event)
{
    struct ladder *ladder = export->self;
    struct ladder_item *item = ladder_datagram(export, event);

    if (item == NULL)
        return;
    if (event->verdict == SIMNET_DROP) {
        item->fate = LADDER_DROPPED;
        item->stage = event->stage;
        item->why = event->why;
    } else if (event->verdict == SIMNET_PASS && event->stage == SIMNET_STAGE_ARRIVE) {
        item->fate = LADDER_ARRIVED;
    } else {
        ladder_harm(item, event);
        return;
    }
    item->end = (struct ladder_point){ladder->order, event->time_ns};
}

/* ---- everything else ---- */

static void ladder_note(struct simnet_export *export, const struct simnet_event *event,
                        const char *class, const char *format, ...) SIPC_PRINTF(4, 5);
static void ladder_note(struct simnet_export *export, const struct simnet_event *event,
                        const char *class, const char *format, ...)
{
    struct ladder *ladder = export->self;
    char text[512], session[16] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (event->session != SIMNET_NONE && simnet_session_count(export->world) > 1)
        snprintf(session, sizeof session, "s%" PRIu32 " ", event->session);
    char *label = simnet_allocate(strlen(session) + strlen(text) + 1, 1);
    strcat(strcpy(label, session), text);
    ladder_add(ladder, &(struct ladder_item){.kind = event->host == SIMNET_NONE ||
                                                             event->kind == SIMNET_EVENT_FAILURE
                                                         ? LADDER_BANNER
                                                         : LADDER_NOTE,
                                             .host = event->host,
                                             .class = class,
                                             .label = label,
                                             .start = {ladder->order, event->time_ns}});
}

static void ladder_operation(struct simnet_export *export, const struct simnet_event *event)
{
    const char *command = simnet_command_name(event->command);

    if (event->status != SIPC_OK)
        ladder_note(export, event, "warn", "%s refused: %s", command,
                    simnet_status_name(event->status));
    else if (event->command <= SIMNET_COMMAND_SEND_UNRELIABLE)
        ladder_note(export, event, "app", "%s #%" PRIu64 ", %" PRIu64 " B", command,
                    event->operation, event->size);
    else if (event->command == SIMNET_COMMAND_CLOSE || event->command == SIMNET_COMMAND_DISPOSE)
        ladder_note(export, event, "app", "%s #%" PRIu64 ", code %" PRId32, command,
                    event->operation, event->code);
    else
        ladder_note(export, event, "app", "%s", command);
}

static void ladder_change(struct simnet_export *export, const struct simnet_event *event)
{
    enum simnet_change_kind kind = (enum simnet_change_kind)event->change;
    const char *change = simnet_change_name(kind);
    const char *link = export_link_name(export, event->link);
    char span[32];

    export_name_span(event->value, span, sizeof span);
    if (event->link == SIMNET_NONE)
        ladder_note(export, event, "warn", "%s", change);
    else if (kind == SIMNET_LINK_DELAY)
        ladder_note(export, event, "warn", "link %s: %s %s", link, change, span);
    else if (kind == SIMNET_LINK_RATE)
        ladder_note(export, event, "warn", "link %s: %s %" PRIu64 " bit/s", link, change,
                    event->value);
    else if (kind == SIMNET_LINK_FAULTS)
        ladder_note(export, event, "warn", "link %s: %s %s", link, change,
                    event->value ? "on" : "off");
    else
        ladder_note(export, event, "warn", "link %s: %s", link, change);
}

static void ladder_other(struct simnet_export *export, const struct simnet_event *event)
{
    const char *rule = export_rule_name(event->rule);

    switch (event->kind) {
    case SIMNET_EVENT_OPERATION:
        ladder_operation(export, event);
        break;
    case SIMNET_EVENT_RESULT:
        if (event->outcome == SIPC_OUTCOME_OK)
            ladder_note(export, event, "good", "#%" PRIu64 " ended: ok", event->operation);
        else
            ladder_note(export, event, "bad", "#%" PRIu64 " ended: %s, %" PRId32, event->operation,
                        sipc_outcome_name(event->outcome), event->code);
        break;
    case SIMNET_EVENT_DELIVER:
        ladder_note(export, event, "app", "deliver %zu B", event->data.size);
        break;
    case SIMNET_EVENT_STATE:
        if (event->code)
            ladder_note(export, event, "soft", "%s, cause %" PRId32, sipc_state_name(event->state),
                        event->code);
        else
            ladder_note(export, event, "soft", "%s", sipc_state_name(event->state));
        break;
    case SIMNET_EVENT_DISCARD:
        ladder_note(export, event, "warn", "discard: %s%s%s", sipc_discard_name(event->reason),
                    rule ? ", " : "", rule ? rule : "");
        break;
    case SIMNET_EVENT_CHANGE:
        ladder_change(export, event);
        break;
    case SIMNET_EVENT_FAILURE:
        ((struct ladder *)export->self)->failures++;
        ladder_note(export, event, "bad", "%s: %s", event->failure->invariant,
                    event->failure->text);
        break;
    default:
        if (!event->ok)
            ladder_note(export, event, "warn", "transmission failed");
        break;
    }
}

static void ladder_event(struct simnet_export *export, const struct simnet_event *event)
{
    struct ladder *ladder = export->self;

    ladder->order++;
    if (event->kind == SIMNET_EVENT_STAGE)
        ladder_stage(export, event);
    else
        ladder_other(export, event);
}

static void ladder_begin(struct simnet_export *export)
{
    struct ladder *ladder = export->self;

    ladder->head_max = export->options.rows / 2;
    ladder->tail_max = export->options.rows - ladder->head_max;
    ladder->head = simnet_allocate(ladder->head_max + 1, sizeof *ladder->head);
    ladder->tail = simnet_allocate(ladder->tail_max, sizeof *ladder->tail);
}

static void ladder_end(struct simnet_export *export)
{
    ladder_draw(export, export->self);
    if (ferror(export->file))
        export_failed(export);
}

static void ladder_fini(struct simnet_export *export)
{
    struct ladder *ladder = export->self;

    for (size_t i = 0; i < ladder_count(ladder); i++) {
        free(ladder_at(ladder, i)->label);
        free(ladder_at(ladder, i)->tip);
    }
    free(ladder->head);
    free(ladder->tail);
    simnet_map_fini(&ladder->places);
}

const struct export_format export_ladder = {
    .wants = SIMNET_WANT_ALL & ~SIMNET_WANT_PASSES,
    .state_bytes = sizeof(struct ladder),
    .begin = ladder_begin,
    .event = ladder_event,
    .end = ladder_end,
    .fini = ladder_fini,
};
