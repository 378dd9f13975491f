/* How a broken line is told: one sentence that says what was expected and what came instead, the
 * SUT's line, and the differences.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

static void describe_field(struct runner *r, const struct sx_field *field, FILE *out)
{
    char error[256];
    int64_t value;

    if (field->kind == SX_FIELD_EXPR &&
        sx_eval(field->expr, &r->env.sx, &value, error, sizeof error)) {
        fprintf(out, "%" PRId64, value);
    } else if (field->kind == SX_FIELD_BIND && run_env_number(&r->env, field->name, &value)) {
        fprintf(out, "%" PRId64, value);
    } else {
        fputc('*', out);
    }
}

static void describe_pdu(struct runner *r, const struct sx_pdu *pdu, FILE *out)
{
    char error[256], name[32];
    int64_t opcode;

    if (pdu->kind == SX_PDU_LABEL) {
        fprintf(out, "#%s again", pdu->ref);
        return;
    }
    if (!sx_eval(pdu->opcode, &r->env.sx, &opcode, error, sizeof error)) {
        opcode = -1;
    }
    fprintf(out, "%s ", run_opcode_text((int)opcode, name, sizeof name));
    describe_field(r, &pdu->window_id, out);
    fputc(':', out);
    describe_field(r, &pdu->seq_nr, out);
}

/* "data_ack 0:1", "state opened of session S" */
static char *describe_wanted(struct runner *r, const struct sx_step *step)
{
    struct run_text text;
    FILE *out = run_text_begin(&text);
    const char *session = step->session != NULL ? step->session : "S";

    switch (step->kind) {
    case SX_EXPECT:
        describe_pdu(r, &step->pdu, out);
        break;
    case SX_DELIVER:
        fprintf(out, "a delivery of session %s", session);
        break;
    case SX_RESULT:
        fprintf(out, "result %s %s", step->label, step->outcome != NULL ? step->outcome : "*");
        break;
    case SX_STATE:
        fprintf(out, "state %s of session %s", step->state, session);
        break;
    default:
        fprintf(out, "the SUT to close connection %s", step->peer != NULL ? step->peer : "P");
        break;
    }
    return run_text_end(&text);
}

static char *describe_window(const struct sx_step *step)
{
    if (step->after.count == 0 && step->within.count == 0) {
        return run_strdup("within 0.5T");
    }
    char *after = run_time_text(&step->after);
    char *within = run_time_text(&step->within);
    char *text = step->after.count == 0    ? run_printf("within %s", within)
                 : step->within.count == 0 ? run_printf("after %s", after)
                                           : run_printf("after %s within %s", after, within);
    free(after);
    free(within);
    return text;
}

bool run_fail_nothing(struct runner *r, const struct sx_step *step)
{
    char *wanted = describe_wanted(r, step);
    char *window = describe_window(step);
    size_t partial = conform_sut_partial_bytes(r->sut);
    struct run_mismatch mismatch = {.step = step, .timing = true};

    mismatch.reason = partial == 0
                          ? run_printf("expected %s %s, nothing came", wanted, window)
                          : run_printf("expected %s %s, only %zu bytes of an unfinished PDU came",
                                       wanted, window, partial);
    free(wanted);
    free(window);
    return run_mismatch(r, &mismatch);
}

bool run_fail_differs(struct runner *r, const struct sx_step *step, struct run_match *match,
                      const struct conform_out *out)
{
    const struct conform_diff *first = &match->diffs.items[0];
    char *wanted = describe_wanted(r, step);
    char *more = match->diffs.count == 1
                     ? run_strdup("")
                     : run_printf(" (and %zu more difference%s)", match->diffs.count - 1,
                                  match->diffs.count == 2 ? "" : "s");
    struct run_mismatch mismatch = {
        .step = step,
        .rule = match->rule,
        .reason = run_printf("expected %s, but %s was %s instead of %s%s", wanted, first->field,
                             first->actual, first->expected, more),
        .actual = run_out_text(&r->env, out),
        .diffs = match->diffs,
        .timing = match->timing || run_came_late(r, out->at_ns),
    };

    match->diffs = (struct run_diffs){0};
    free(wanted);
    free(more);
    return run_mismatch(r, &mismatch);
}

bool run_fail_unexpected(struct runner *r, const struct sx_step *step, const struct run_item *item,
                         const char *when)
{
    char *text = run_out_text(&r->env, &item->out);
    struct run_mismatch mismatch = {
        .step = step,
        .rule = run_malformed_rule(item),
        .reason = run_printf("expected silence, but %s: %s", when, text),
        .actual = text,
        .timing = run_came_late(r, item->out.at_ns),
    };
    return run_mismatch(r, &mismatch);
}
