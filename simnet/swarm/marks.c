/* What came about, counted. An observer sees causes (a PDU arrives, an application commands, an
 * aftermath comes) and effects (a group is handed over, an operation ends ...), but not which
 * belong together: effects of the same moment at the same host and session are the last cause's.
 * Those without one are a deadline's. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "sipc/pdu.h"

/* ---- sums and names ---- */

void simnet_marks_add(struct simnet_marks *to, const struct simnet_marks *from)
{
    uint64_t *sum = &to->sessions[0][0][0], *faults = &to->faults[0][0];
    const uint64_t *more = &from->sessions[0][0][0], *more_faults = &from->faults[0][0];

    for (size_t i = 0; i < sizeof to->sessions / sizeof *sum; i++)
        sum[i] += more[i];
    for (size_t i = 0; i < sizeof to->faults / sizeof *faults; i++)
        faults[i] += more_faults[i];
}

static const char *const mark_events[SIMNET_MARK_EVENT_COUNT] = {"raw",
                                                                 "data",
                                                                 "data_ack",
                                                                 "close",
                                                                 "close_ack",
                                                                 "enquire_link",
                                                                 "enquire_link_ack",
                                                                 "do send",
                                                                 "do send_unreliable",
                                                                 "do close",
                                                                 "do open",
                                                                 "do dispose",
                                                                 "do shutdown",
                                                                 "sent",
                                                                 "not sent",
                                                                 "deadline"};

static const char *const mark_statuses[] = {"ok",         "invalid", "no space", "unknown",
                                            "exists",     "busy",    "state",    "opening",
                                            "attributes", "size",    "no id",    "pending"};

/* The word of a verdict, in two parts. */
static const char *mark_verdict(unsigned verdict, const char **what)
{
    *what = "";
    if (verdict == SIMNET_MARK_TAKEN)
        return "taken";
    if (verdict == SIMNET_MARK_DELIVERED)
        return "delivered";
    if (verdict >= SIMNET_MARK_DISCARDED) {
        *what = sipc_discard_name((enum sipc_discard)(verdict - SIMNET_MARK_DISCARDED));
        return "discarded: ";
    }
    if (verdict >= SIMNET_MARK_REFUSED) {
        *what = mark_statuses[verdict - SIMNET_MARK_REFUSED];
        return "refused: ";
    }
    if (verdict >= SIMNET_MARK_ENDS) {
        *what = sipc_outcome_name((enum sipc_outcome)(verdict - SIMNET_MARK_ENDS));
        return "ends ";
    }
    *what = sipc_state_name((enum sipc_state)(verdict - SIMNET_MARK_ENTERS));
    return "enters ";
}

const char *simnet_mark_session_name(unsigned state, unsigned event, unsigned verdict, char *out,
                                     size_t size)
{
    const char *what, *word = mark_verdict(verdict, &what);

    snprintf(out, size, "%s/%s/%s%s", sipc_state_name((enum sipc_state)state), mark_events[event],
             word, what);
    return out;
}

const char *simnet_mark_fault_name(unsigned fault, unsigned state, char *out, size_t size)
{
    static const char *const names[SIMNET_MARK_CHANGE] = {"lost",
                                                          "dropped by the queue",
                                                          "too long",
                                                          "lost with the link",
                                                          "lost at the host",
                                                          "copied",
                                                          "flipped",
                                                          "cut",
                                                          "grown",
                                                          "delayed",
                                                          "swapped",
                                                          "jumped"};
    const char *name =
        fault < SIMNET_MARK_CHANGE
            ? names[fault]
            : simnet_change_name((enum simnet_change_kind)(fault - SIMNET_MARK_CHANGE));

    snprintf(out, size, "%s/%s", name, sipc_state_name((enum sipc_state)state));
    return out;
}

uint64_t simnet_mark_seen(const struct simnet_marks *marks, const char *wanted)
{
    char name[120];

    for (unsigned state = 0; state < SIMNET_MARK_STATES; state++) {
        for (unsigned event = 0; event < SIMNET_MARK_EVENT_COUNT; event++)
            for (unsigned verdict = 0; verdict < SIMNET_MARK_VERDICT_COUNT; verdict++)
                if (strcmp(simnet_mark_session_name(state, event, verdict, name, sizeof name),
                           wanted) == 0)
                    return marks->sessions[state][event][verdict];
        for (unsigned fault = 0; fault < SIMNET_MARK_FAULT_COUNT; fault++)
            if (strcmp(simnet_mark_fault_name(fault, state, name, sizeof name), wanted) == 0)
                return marks->faults[fault][state];
    }
    return UINT64_MAX;
}

/* ---- counting ---- */

void marker_begin(struct marker *marker, struct simnet_marks *marks,
                  const struct simnet_scenario *scenario, const struct simnet_world *world)
{
    *marker = (struct marker){.marks = marks, .scenario = scenario, .world = world};
    for (size_t i = 0; i < scenario->sessions.count; i++) {
        const struct simnet_scenario_session *group = &scenario->sessions.at[i];
        for (uint32_t place = 0; place < group->count; place++) {
            size_t session = marker->session_count++;
            SIPC_ASSERT(session < MARKER_SESSIONS_MAX);
            marker->sessions[session].key =
                simnet_session_key(simnet_session_id(world, (simnet_session)session));
            marker->sessions[session].hosts[0] = group->a;
            marker->sessions[session].hosts[1] = group->b;
        }
    }
}

/* The session with this key that `host` takes part in. */
static simnet_session marker_session(const struct marker *marker, uint64_t key, simnet_host host)
{
    for (size_t i = 0; i < marker->session_count; i++)
        if (marker->sessions[i].key == key)
            return marker->sessions[i].hosts[0] == host || marker->sessions[i].hosts[1] == host
                       ? (simnet_session)i
                       : SIMNET_NONE;
    return SIMNET_NONE;
}

static void marker_count(struct marker *marker, unsigned state, unsigned event, unsigned verdict)
{
    marker->marks->sessions[state][event][verdict]++;
}

static void marker_close(struct marker *marker)
{
    if (marker->open && !marker->told && marker->session != SIMNET_NONE)
        marker_count(marker, marker->state, marker->event, SIMNET_MARK_TAKEN);
    marker->open = false;
}

static void marker_cause(struct marker *marker, const struct simnet_event *event, simnet_host host,
                         simnet_session session, unsigned what)
{
    marker_close(marker);
    marker->open = true;
    marker->told = false;
    marker->host = host;
    marker->session = session;
    marker->at_ns = event->time_ns;
    marker->event = what;
    if (session != SIMNET_NONE)
        marker->state = simnet_session_state(marker->world, session, host);
}

static void marker_effect(struct marker *marker, const struct simnet_event *event, unsigned verdict)
{
    bool mine = marker->open && marker->host == event->host && marker->at_ns == event->time_ns &&
                (marker->session == SIMNET_NONE || marker->session == event->session);

    if (event->session == SIMNET_NONE)
        return;
    unsigned state = simnet_session_state(marker->world, event->session, event->host);
    if (!mine || verdict == SIMNET_MARK_ENDS + SIPC_OUTCOME_TIMEOUT) {
        marker_count(marker, state, SIMNET_MARK_DEADLINE, verdict);
        return;
    }
    if (marker->event < SIMNET_MARK_EVENT_COUNT) /* else: what waited while the host was paused */
        marker_count(marker, marker->session == SIMNET_NONE ? state : marker->state, marker->event,
                     verdict);
    marker->told = true;
}

/* ---- faults ---- */

static unsigned marker_fault_of(const struct simnet_event *event)
{
    switch (event->verdict) {
    case SIMNET_DROP:
        switch (event->stage) {
        case SIMNET_STAGE_LOSS:
            return SIMNET_MARK_LOST;
        case SIMNET_STAGE_QUEUE:
            return SIMNET_MARK_QUEUE_DROP;
        case SIMNET_STAGE_MTU:
            return SIMNET_MARK_MTU_DROP;
        case SIMNET_STAGE_UP_DOWN:
            return SIMNET_MARK_DOWN_DROP;
        default:
            return SIMNET_MARK_ARRIVE_DROP;
        }
    case SIMNET_COPIES:
        return SIMNET_MARK_COPIES;
    case SIMNET_FLIP:
        return SIMNET_MARK_FLIP;
    case SIMNET_TRUNCATE:
        return SIMNET_MARK_TRUNCATE;
    case SIMNET_EXTEND:
        return SIMNET_MARK_EXTEND;
    case SIMNET_DELAY:
        return SIMNET_MARK_DELAY;
    case SIMNET_SWAP:
        return SIMNET_MARK_SWAP;
    default:
        return SIMNET_MARK_JUMP;
    }
}

static void marker_stage(struct marker *marker, const struct simnet_event *event)
{
    const struct simnet_datagram *datagram = event->datagram;
    simnet_session session;

    if (event->stage == SIMNET_STAGE_ENTER) {
        marker->pdus++;
        return;
    }
    if (event->verdict != SIMNET_PASS) {
        marker->faults++;
        session = marker_session(marker, event->key->session, datagram->from);
        if (session != SIMNET_NONE)
            marker->marks->faults[marker_fault_of(event)]
                                 [simnet_session_state(marker->world, session, datagram->from)]++;
        return;
    }
    if (event->stage != SIMNET_STAGE_ARRIVE || marker->paused >> datagram->to & 1)
        return;
    session = marker_session(marker, event->key->session, datagram->to);
    if (session != SIMNET_NONE &&
        marker_session(marker, event->key->session, datagram->from) == session)
        marker_cause(marker, event, datagram->to, session, event->key->opcode);
    else
        marker_close(marker);
}

static bool marker_concerns(const struct marker *marker, const struct simnet_event *event,
                            size_t session)
{
    const simnet_host *hosts = marker->sessions[session].hosts;

    if (event->host != SIMNET_NONE)
        return hosts[0] == event->host || hosts[1] == event->host;
    const struct simnet_scenario_link *link = &marker->scenario->links.at[event->link];
    return (link->from == hosts[0] && link->to == hosts[1]) ||
           (link->from == hosts[1] && link->to == hosts[0]);
}

static void marker_change(struct marker *marker, const struct simnet_event *event)
{
    marker->faults++;
    for (size_t i = 0; i < marker->session_count; i++)
        if (marker_concerns(marker, event, i)) {
            simnet_host host = event->host != SIMNET_NONE
                                   ? event->host
                                   : marker->scenario->links.at[event->link].from;
            marker->marks->faults[SIMNET_MARK_CHANGE + event->change]
                                 [simnet_session_state(marker->world, (simnet_session)i, host)]++;
        }
    if (event->host == SIMNET_NONE)
        return;
    if (event->change == SIMNET_HOST_PAUSE)
        marker->paused |= UINT32_C(1) << event->host;
    else if (event->change == SIMNET_HOST_RESUME || event->change == SIMNET_HOST_CRASH)
        marker->paused &= ~(UINT32_C(1) << event->host);
    if (event->change == SIMNET_HOST_RESUME)
        marker_cause(marker, event, event->host, SIMNET_NONE, SIMNET_MARK_EVENT_COUNT);
}

/* ---- events ---- */

static void marker_operation(struct marker *marker, const struct simnet_event *event)
{
    static const uint8_t events[] = {
        [SIMNET_COMMAND_SEND] = SIMNET_MARK_DO_SEND,
        [SIMNET_COMMAND_SEND_UNRELIABLE] = SIMNET_MARK_DO_SEND_UNRELIABLE,
        [SIMNET_COMMAND_CLOSE] = SIMNET_MARK_DO_CLOSE,
        [SIMNET_COMMAND_OPEN] = SIMNET_MARK_DO_OPEN,
        [SIMNET_COMMAND_DISPOSE] = SIMNET_MARK_DO_DISPOSE,
        [SIMNET_COMMAND_SHUTDOWN] = SIMNET_MARK_DO_SHUTDOWN,
    };

    marker_cause(marker, event, event->host, event->session, events[event->command]);
    if (event->command == SIMNET_COMMAND_OPEN && event->status == SIPC_OK)
        marker->state = SIPC_DISPOSED; /* it is said to be opening already */
    if (event->status == SIPC_OK || event->session == SIMNET_NONE)
        return;
    marker_count(marker, marker->state, marker->event, SIMNET_MARK_REFUSED + event->status);
    marker->told = true;
}

void marker_event(void *ctx, const struct simnet_event *event)
{
    struct marker *marker = ctx;

    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        marker_stage(marker, event);
        break;
    case SIMNET_EVENT_AFTERMATH:
        marker_cause(marker, event, event->host, SIMNET_NONE,
                     event->ok ? SIMNET_MARK_SENT : SIMNET_MARK_NOT_SENT);
        break;
    case SIMNET_EVENT_OPERATION:
        marker_operation(marker, event);
        break;
    case SIMNET_EVENT_RESULT:
        marker_effect(marker, event, SIMNET_MARK_ENDS + event->outcome);
        break;
    case SIMNET_EVENT_DELIVER:
        marker_effect(marker, event, SIMNET_MARK_DELIVERED);
        break;
    case SIMNET_EVENT_STATE:
        marker_effect(marker, event, SIMNET_MARK_ENTERS + event->state);
        break;
    case SIMNET_EVENT_DISCARD:
        marker_effect(marker, event, SIMNET_MARK_DISCARDED + event->reason);
        break;
    case SIMNET_EVENT_CHANGE:
        marker_change(marker, event);
        break;
    default:
        break;
    }
}

void marker_end(struct marker *marker)
{
    marker_close(marker);
}
