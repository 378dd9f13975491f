/* == lines: what the SUT told its application. Deliveries of a session come in order, results are
 * found by label. States only move on: a line holds if the session is in that state or comes to it;
 * earlier states may be left out by the SUT or by the script, a later one breaks the line.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

static const char *const event_states[] = {"opening",           "opened",   "closing",
                                           "awaiting_disposal", "disposed", NULL};

static bool event_is(const char *word, const char *other)
{
    return word != NULL && other != NULL && strcmp(word, other) == 0;
}

/* The place of a state on the way; beyond the last one if it is no state. */
static int event_order(const char *state)
{
    int order = 0;
    while (event_states[order] != NULL && !event_is(event_states[order], state)) {
        order++;
    }
    return order;
}

/* ---- which event ---- */

static bool event_of_session(struct runner *r, const struct sx_step *step,
                             const struct conform_out *out)
{
    const uint8_t *session = run_env_session(&r->env, step->session);

    return out->has_session && memcmp(out->session, session, SIPC_SESSION_ID_SIZE) == 0 &&
           (step->peer == NULL || event_is(step->peer, out->remote));
}

static bool event_concerns(struct runner *r, const struct sx_step *step,
                           const struct conform_out *out)
{
    if (step->kind == SX_DELIVER) {
        return out->kind == CONFORM_OUT_DELIVER && event_of_session(r, step, out);
    }
    return out->kind == CONFORM_OUT_RESULT &&
           event_is(run_env_operation(&r->env, step->label), out->label);
}

/* The first state of the session, from the one it was last seen in, that is not before the one
 * wanted; NULL if it has not come that far. */
static struct run_item *event_find_state(struct runner *r, const struct sx_step *step)
{
    size_t from = 0;

    for (size_t i = 0; i < r->states.count; i++) {
        if (r->states.items[i].taken && event_of_session(r, step, &r->states.items[i].out)) {
            from = i;
        }
    }
    for (size_t i = from; i < r->states.count; i++) {
        struct run_item *item = &r->states.items[i];
        if (event_of_session(r, step, &item->out) &&
            event_order(item->out.word) >= event_order(step->state)) {
            return item;
        }
    }
    return NULL;
}

static struct run_item *event_find(struct runner *r, const struct sx_step *step)
{
    if (step->kind == SX_STATE) {
        return event_find_state(r, step);
    }
    for (size_t i = r->queue.head; i < r->queue.count; i++) {
        struct run_item *item = &r->queue.items[i];
        if (!item->taken && event_concerns(r, step, &item->out)) {
            return item;
        }
    }
    return NULL;
}

/* ---- does it fit ---- */

static void event_match_word(struct run_match *match, const char *field, const char *wanted,
                             const char *actual)
{
    if (wanted != NULL && !event_is(wanted, actual)) {
        run_diff_add(&match->diffs, run_strdup(field), run_strdup(wanted),
                     run_strdup(actual != NULL ? actual : "none"));
    }
}

static void event_match(struct run_match *match, const struct sx_step *step,
                        const struct conform_out *out)
{
    struct run_values values = {.delivery = true};

    switch (step->kind) {
    case SX_DELIVER:
        run_match_data(match, &step->data, (struct sipc_span){out->bytes, out->size});
        for (size_t i = 0; i < out->attribute_count; i++) {
            run_values_add(&values, out->attributes[i].name, out->attributes[i].value);
        }
        run_match_options(match, step->attributes, step->attribute_count, step->attributes_open,
                          &values);
        free(values.items);
        break;
    case SX_RESULT:
        event_match_word(match, "outcome", step->outcome, out->word);
        run_match_number(match, "code", &step->code, out->has_code ? out->code : 0);
        break;
    default:
        event_match_word(match, "state", step->state, out->word);
        run_match_number(match, "cause", &step->code, out->has_code ? out->code : 0);
        break;
    }
}

struct run_item *run_event_match(struct run_match *match, const struct sx_step *step,
                                 const struct run_window *window)
{
    struct run_item *item = event_find(match->r, step);

    if (item != NULL) {
        event_match(match, step, &item->out);
        run_window_judge(match->r, window, item->out.at_ns, &match->diffs);
    }
    return item;
}

/* ---- the line ---- */

static void event_take_state(struct runner *r, const struct sx_step *step, struct run_item *item)
{
    run_trace_match(r, item->trace);
    for (struct run_item *at = r->states.items; at <= item; at++) {
        if (event_of_session(r, step, &at->out)) {
            at->taken = true;
        }
    }
}

static bool event_accept(struct runner *r, const struct sx_step *step, struct run_item *item,
                         const struct run_match *match)
{
    if (match->framing) {
        run_advise(r, step, SIPC_RULE_RCV_8a,
                   "framing options were handed over to the application");
    }
    if (step->kind == SX_STATE) {
        event_take_state(r, step, item);
    } else {
        run_take(r, item);
    }
    return run_decided(r);
}

/* Waits for the event the line would take. *item is NULL where none came: `going` then. */
static bool event_await(struct runner *r, const struct sx_step *step,
                        const struct run_window *window, struct run_item **item)
{
    while ((*item = event_find(r, step)) == NULL) {
        uint64_t until_ns = run_patience(r, window->wait_ns);
        if (conform_sut_now(r->sut) >= until_ns) {
            return run_fail_nothing(r, step);
        }
        if (!run_pump(r, until_ns)) {
            return false;
        }
    }
    return true;
}

bool run_event(struct runner *r, const struct sx_step *step)
{
    struct run_window window;
    struct run_match match;
    struct run_item *item;
    enum run_fit fit;
    bool going;

    if (!run_window_init(r, step, &window)) {
        return false;
    }
    do {
        going = event_await(r, step, &window, &item);
        if (item == NULL) {
            return going;
        }
        run_match_begin(&match, r);
        run_event_match(&match, step, &window);
        fit = run_match_end(&match);
        if (fit == RUN_FITS) {
            going = event_accept(r, step, item, &match);
        } else if (fit == RUN_DIFFERS) {
            going = run_fail_differs(r, step, &match, &item->out);
        } else {
            going = run_stop(r, CONFORM_ERROR, "%s", match.error_text);
        }
        run_match_clear(&match);
        if (fit == RUN_DIFFERS && going && step->kind != SX_STATE) {
            run_take(r, item); /* a link excuses it: what the line waits for may be behind it */
        }
    } while (fit == RUN_DIFFERS && going && step->kind == SX_DELIVER);
    return going;
}
