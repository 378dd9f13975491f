/* What must hold in every world: links lose nothing unseen, and an application gets exactly what
 * the other side's sent. Deliveries are matched by content with the messages of their direction, in
 * order; where the datagram that completed a group carries bytes of a message, that names it. */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sipc/pdu.h"

void check_fail(struct simnet_world *world, const struct simnet_failure *where, const char *format,
                ...)
{
    struct simnet_failure failure = *where;
    struct simnet_event event = event_blank();
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure.text, sizeof failure.text, format, arguments);
    va_end(arguments);
    failure.event = world->events;
    failure.time_ns = world->now;
    if (world->failure_count++ == 0)
        world->failure = failure;
    event.host = failure.host;
    event.link = failure.link;
    event.session = failure.session;
    event.rule = failure.rule;
    event.failure = &failure;
    emit(world, SIMNET_EVENT_FAILURE, &event);
    if (!world->config.keep_going && !world->stopped) {
        world->stopped = true;
        world->final = SIMNET_END_FAILED;
    }
}

/* ---- links and engines ---- */

void check_link(struct simnet_world *world, const struct link *link)
{
    const struct simnet_link_stats *stats = &link->stats;
    uint64_t queued = link->queue.count + (link->wire != NULL);
    uint64_t in_flight = link->flight.count + link->held.count + link->loose;

    if (stats->entered + stats->duplicated ==
        stats->arrived + stats->dropped_total + queued + in_flight)
        return;
    check_fail(world,
               &(struct simnet_failure){.invariant = "conservation",
                                        .host = SIMNET_NONE,
                                        .link = link->index,
                                        .session = SIMNET_NONE},
               "%s: %" PRIu64 " entered + %" PRIu64 " duplicated, but %" PRIu64
               " arrived + %" PRIu64 " dropped + %" PRIu64 " queued + %" PRIu64 " in flight",
               link->config.name, stats->entered, stats->duplicated, stats->arrived,
               stats->dropped_total, queued, in_flight);
}

void check_engine(struct simnet_world *world, const struct host *host)
{
    const char *broken = host->up && host->driver->check ? host->driver->check(host->self) : NULL;

    if (broken != NULL)
        check_fail(world,
                   &(struct simnet_failure){.invariant = "engine",
                                            .host = host->index,
                                            .link = SIMNET_NONE,
                                            .session = SIMNET_NONE},
                   "%s: %s", host->name, broken);
}

/* ---- what was sent ---- */

static bool check_is_on(const struct simnet_world *world, const struct session *session)
{
    return !world->config.deliveries_unchecked && !session->tainted &&
           world->hosts[session->hosts[0]]->checked && world->hosts[session->hosts[1]]->checked;
}

void check_accepted(struct simnet_world *world, struct operation *operation)
{
    struct session *session = &world->sessions[operation->what.session];
    struct direction *direction = &session->directions[session_side(session, operation->what.host)];
    bool unreliable = operation->what.command == SIMNET_COMMAND_SEND_UNRELIABLE;

    if (operation->what.command == SIMNET_COMMAND_CLOSE)
        return;
    direction->ever = true;
    if (!check_is_on(world, session))
        return;
    uint64_t *first = unreliable ? &direction->unreliable_first : &direction->first;
    uint64_t *last = unreliable ? &direction->unreliable_last : &direction->last;
    operation_hold(operation);
    operation->next = 0;
    if (*last != 0)
        operation_at(world, *last)->next = operation->number;
    else
        *first = operation->number;
    *last = operation->number;
}

/* Takes the first message off a list: it is done with. */
static void check_forget_first(struct simnet_world *world, uint64_t *first, uint64_t *last)
{
    struct operation *operation = operation_at(world, *first);

    *first = operation->next;
    if (*first == 0)
        *last = 0;
    operation_release(world, operation);
}

static bool check_matches(const struct simnet_world *world, const struct operation *operation,
                          uint64_t offset, struct sipc_span data)
{
    if (operation->what.size < offset || operation->what.size - offset < data.size ||
        data.size > SIPC_GROUP_BYTES_MAX)
        return false;
    if (data.size == 0)
        return operation->what.size == 0;
    struct sipc_span own = operation_bytes(world, operation, offset, data.size);
    return memcmp(own.data, data.data, data.size) == 0;
}

/* ---- attributes: order across names is not judged (OPT-9) ---- */

static bool check_same(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The value number `wanted` of `name` among those delivered; false if there is none. */
static bool check_nth_value(struct sipc_span attributes, struct sipc_span name, size_t wanted,
                            struct sipc_span *out)
{
    struct sipc_span found, value;

    while (sipc_attribute_next(&attributes, &found, &value))
        if (check_same(found, name) && wanted-- == 0) {
            *out = value;
            return true;
        }
    return false;
}

/* Skip, if the application set it by hand, frames and is not handed over (RCV-8a). */
static bool check_is_handed_over(const struct sipc_attribute *attribute)
{
    return sipc_option_find(attribute->name) != SIPC_OPT_SKIP;
}

static bool check_attributes(const struct operation *operation, struct sipc_span delivered)
{
    const struct simnet_operation *what = &operation->what;
    struct sipc_span rest = delivered, name, value;
    size_t expected = 0, found = 0;

    for (size_t i = 0; i < what->attribute_count; i++) {
        size_t before = 0;
        if (!check_is_handed_over(&what->attributes[i]))
            continue;
        expected++;
        for (size_t k = 0; k < i; k++)
            before += check_same(what->attributes[k].name, what->attributes[i].name);
        if (!check_nth_value(delivered, what->attributes[i].name, before, &value) ||
            !check_same(value, what->attributes[i].value))
            return false;
    }
    while (sipc_attribute_next(&rest, &name, &value))
        found++;
    return found == expected;
}

/* ---- what came ---- */

struct delivery {
    struct host *host;
    simnet_session session;
    struct direction *direction;
    struct sipc_span data, attributes;
};

static void delivery_fail(struct simnet_world *world, const struct delivery *delivery,
                          const char *invariant, enum sipc_rule rule, const char *found)
{
    const struct direction *direction = delivery->direction;
    struct simnet_failure where = {.invariant = invariant,
                                   .rule = rule,
                                   .host = delivery->host->index,
                                   .link = SIMNET_NONE,
                                   .session = delivery->session};
    const struct operation *next = operation_at(world, direction->first);

    if (next != NULL)
        check_fail(world, &where,
                   "%s was handed a group of %zu bytes in session %" PRIu32
                   ", expected bytes from %" PRIu64 " of operation %" PRIu64 " (%" PRIu64
                   " bytes) on; found %s",
                   delivery->host->name, delivery->data.size, delivery->session,
                   next->delivered_bytes, next->number, next->what.size, found);
    else
        check_fail(world, &where,
                   "%s was handed a group of %zu bytes in session %" PRIu32
                   ", expected nothing more; found %s",
                   delivery->host->name, delivery->data.size, delivery->session, found);
}

static void delivery_take(struct simnet_world *world, const struct delivery *delivery,
                          struct operation *operation, uint64_t offset)
{
    struct direction *direction = delivery->direction;

    if (!check_attributes(operation, delivery->attributes))
        delivery_fail(world, delivery, "delivered-intact", SIPC_RULE_RCV_8,
                      "other attributes than the message has");
    direction->piece_operation = operation->number;
    direction->piece_offset = offset;
    direction->piece_size = delivery->data.size;
    direction->receiver_life = delivery->host->life;
    operation->delivered_bytes = offset + delivery->data.size;
    operation->delivered = operation->delivered_bytes == operation->what.size;
}

/* One of the fire-and-forget messages still out; those before it did not make it. */
static bool delivery_is_unreliable(struct simnet_world *world, const struct delivery *delivery)
{
    struct direction *direction = delivery->direction;
    uint64_t number = direction->unreliable_first;

    while (number != 0) {
        struct operation *operation = operation_at(world, number);
        if (operation->what.size == delivery->data.size &&
            check_matches(world, operation, 0, delivery->data) &&
            check_attributes(operation, delivery->attributes))
            break;
        number = operation->next;
    }
    if (number == 0)
        return false;
    while (direction->unreliable_first != number)
        check_forget_first(world, &direction->unreliable_first, &direction->unreliable_last);
    check_forget_first(world, &direction->unreliable_first, &direction->unreliable_last);
    return true;
}

/* The next bytes of the next message, or the beginning of a later one where all before it failed.
 */
static bool delivery_is_next(struct simnet_world *world, const struct delivery *delivery)
{
    struct direction *direction = delivery->direction;
    uint64_t number = direction->first;

    while (number != 0) {
        struct operation *operation = operation_at(world, number);
        uint64_t offset = operation->delivered_bytes;
        if (check_matches(world, operation, offset, delivery->data)) {
            while (direction->first != number)
                check_forget_first(world, &direction->first, &direction->last);
            delivery_take(world, delivery, operation, offset);
            if (operation->delivered)
                check_forget_first(world, &direction->first, &direction->last);
            return true;
        }
        bool failed =
            operation->state == OPERATION_CRASHED ||
            (operation->state == OPERATION_ENDED && operation->outcome != SIPC_OUTCOME_OK);
        if (!failed)
            return false;
        number = operation->next;
    }
    return false;
}

/* The last group once more. That is right only for a host that began a new life since. */
static bool delivery_is_again(const struct simnet_world *world, const struct delivery *delivery)
{
    const struct direction *direction = delivery->direction;
    const struct operation *operation = operation_at(world, direction->piece_operation);

    return operation != NULL && direction->piece_size == delivery->data.size &&
           operation->references > 0 &&
           check_matches(world, operation, direction->piece_offset, delivery->data);
}

/* A group from before the host's last life, come late: what completed it carries bytes of it. */
static bool delivery_is_of_a_former_life(struct simnet_world *world,
                                         const struct delivery *delivery,
                                         const struct operation *carried)
{
    size_t size = delivery->data.size;

    if (carried == NULL || delivery->direction->receiver_life == delivery->host->life)
        return false;
    uint64_t known = carried->delivered ? carried->what.size : carried->delivered_bytes;
    uint64_t end = world->receiving->message_offset + world->receiving->datagram.payload.size;
    uint64_t last = world->receiving->message_offset;
    for (uint64_t start = end > size ? end - size : 0; start <= last && start + size <= known;
         start++)
        if (check_matches(world, carried, start, delivery->data))
            return true;
    return false;
}

/* Tells what is wrong with a delivery that fits nowhere. */
static void delivery_diagnose(struct simnet_world *world, const struct delivery *delivery,
                              bool again)
{
    const struct operation *next = operation_at(world, delivery->direction->first);

    if (again) {
        delivery_fail(world, delivery, "delivered-once", SIPC_RULE_RCV_9,
                      "the last group once more");
        return;
    }
    if (next == NULL) {
        delivery_fail(world, delivery, "delivered-once", SIPC_RULE_RCV_9,
                      "a group of no message that is under way");
        return;
    }
    uint64_t rest = next->what.size - next->delivered_bytes;
    struct sipc_span start = {delivery->data.data, rest};
    if (delivery->data.size > rest &&
        (rest == 0 || check_matches(world, next, next->delivered_bytes, start))) {
        delivery_fail(world, delivery, "delivered-boundaries", SIPC_RULE_RCV_8,
                      "a group that runs past the end of the message");
        return;
    }
    for (uint64_t number = next->next; number != 0; number = operation_at(world, number)->next)
        if (check_matches(world, operation_at(world, number), 0, delivery->data)) {
            delivery_fail(world, delivery, "delivered-in-order", SIPC_RULE_RCV_9,
                          "the beginning of a later message");
            return;
        }
    delivery_fail(world, delivery, "delivered-intact", SIPC_RULE_RCV_8, "other bytes");
}

void check_delivery(struct simnet_world *world, struct host *host, simnet_session index,
                    struct sipc_span data, struct sipc_span attributes)
{
    struct session *session = &world->sessions[index];
    struct direction *direction = &session->directions[1 - session_side(session, host->index)];
    struct delivery delivery = {host, index, direction, data, attributes};

    if (!check_is_on(world, session))
        return;
    const struct operation *carried =
        world->receiving ? operation_at(world, world->receiving->message) : NULL;
    if (carried != NULL && carried->what.command == SIMNET_COMMAND_SEND_UNRELIABLE) {
        if (!delivery_is_unreliable(world, &delivery))
            delivery_fail(world, &delivery, "delivered-once", SIPC_RULE_RCV_9,
                          "a fire-and-forget message that was handed over before, or another");
        return;
    }
    bool again = delivery_is_again(world, &delivery);
    if (again && direction->receiver_life != host->life) {
        direction->receiver_life = host->life;
        return;
    }
    if (delivery_is_next(world, &delivery))
        return;
    if (carried == NULL && delivery_is_unreliable(world, &delivery))
        return;
    if (delivery_is_of_a_former_life(world, &delivery, carried))
        return;
    delivery_diagnose(world, &delivery, again);
}

void check_result(struct simnet_world *world, struct operation *operation)
{
    const struct session *session = &world->sessions[operation->what.session];

    if (operation->what.command != SIMNET_COMMAND_SEND || operation->delivered ||
        operation->outcome != SIPC_OUTCOME_OK || !check_is_on(world, session))
        return;
    check_fail(world,
               &(struct simnet_failure){.invariant = "ok-delivered",
                                        .rule = SIPC_RULE_SND_11,
                                        .host = operation->what.host,
                                        .link = SIMNET_NONE,
                                        .session = operation->what.session},
               "operation %" PRIu64 " of %s ended ok, but only %" PRIu64 " of its %" PRIu64
               " bytes were handed over",
               operation->number, simnet_host_name(world, operation->what.host),
               operation->delivered_bytes, operation->what.size);
}

/* ---- sessions ---- */

void check_session_state(struct simnet_world *world, struct host *host, simnet_session index,
                         enum sipc_state state)
{
    struct session *session = &world->sessions[index];
    int side = session_side(session, host->index);
    bool begins = session->states[side] == SIPC_DISPOSED && state != SIPC_DISPOSED;

    session->states[side] = state;
    if (!begins)
        return;
    /* A sender that forgot its window ids and takes the session's id again gets acks meant for
     * others: applications must not do that, and the deliveries cannot be judged. */
    bool reborn = session->lives[side] > 0 && session->host_lives[side] != host->life;
    if (reborn && session->directions[side].ever)
        session->tainted = true;
    session->lives[side]++;
    session->host_lives[side] = host->life;
    traffic_session_is_there(world, index, host->index);
}

/* ---- the end ---- */

static bool check_world_is_held(const struct simnet_world *world)
{
    for (size_t i = 0; i < world->link_count; i++) {
        const struct link *link = world->links[i];
        if (link->clogged || link->hold || link->exhausted)
            return true;
    }
    for (size_t i = 0; i < world->host_count; i++)
        if (world->hosts[i]->paused)
            return true;
    return false;
}

static void check_left_over(struct simnet_world *world, simnet_host host, simnet_link link,
                            simnet_session session, const char *what, uint64_t number)
{
    check_fail(world,
               &(struct simnet_failure){
                   .invariant = "drains", .host = host, .link = link, .session = session},
               "nothing will ever happen again, but %s %" PRIu64 " is left over", what, number);
}

static void check_sessions_left(struct simnet_world *world)
{
    for (size_t i = 0; i < world->session_count; i++)
        for (int side = 0; side < 2; side++) {
            const struct session *session = &world->sessions[i];
            if (session->states[side] == SIPC_CLOSING ||
                session->states[side] == SIPC_AWAITING_DISPOSAL)
                check_left_over(world, session->hosts[side], SIMNET_NONE, (simnet_session)i,
                                "a closed session", i);
        }
}

void check_drained(struct simnet_world *world)
{
    for (size_t i = 0; i < world->host_count; i++)
        check_engine(world, world->hosts[i]);
    for (size_t i = 0; i < world->link_count; i++)
        check_link(world, world->links[i]);
    if (check_world_is_held(world))
        return;
    for (size_t i = 0; i < world->pending_count; i++) {
        const struct operation *operation = operation_at(world, world->pending[i]);
        check_left_over(world, operation->what.host, SIMNET_NONE, operation->what.session,
                        "operation", operation->number);
    }
    for (size_t i = 0; i < world->link_count; i++) {
        const struct link *link = world->links[i];
        if (link->queue.count + link->flight.count + link->held.count + link->loose > 0 ||
            link->wire != NULL)
            check_left_over(world, SIMNET_NONE, link->index, SIMNET_NONE, "a datagram on link", i);
    }
    check_sessions_left(world);
}
