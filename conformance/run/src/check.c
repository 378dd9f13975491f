/* check lines: numbers, the joined data of PDUs, the length of one. What a check finds is a
 * difference like any other; only its rules decide whether the case goes on.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

static const char *const check_signs[] = {
    [SX_EQ] = "==", [SX_NE] = "!=", [SX_LT] = "<", [SX_LE] = "<=", [SX_GT] = ">", [SX_GE] = ">="};

/* Fails with one difference; takes its texts. */
static bool check_fail(struct runner *r, const struct sx_step *step, char *field, char *expected,
                       char *actual)
{
    struct run_mismatch mismatch = {
        .step = step,
        .reason = run_printf("expected %s %s, but it was %s", field, expected, actual),
    };
    run_diff_add(&mismatch.diffs, field, expected, actual);
    return run_mismatch(r, &mismatch);
}

static bool check_numbers(struct runner *r, const struct sx_step *step, const char *what,
                          int64_t left)
{
    char error[256];
    int64_t right;

    if (!sx_eval(step->right, &r->env.sx, &right, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "check: %s", error);
    }
    if (sx_compares(step->compare, left, right)) {
        return run_decided(r);
    }
    return check_fail(r, step, run_strdup(what),
                      run_printf("%s %" PRId64, check_signs[step->compare], right),
                      run_printf("%" PRId64, left));
}

bool run_check(struct runner *r, const struct sx_step *step)
{
    char error[256];
    int64_t left;

    if (!sx_eval(step->left, &r->env.sx, &left, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "check: %s", error);
    }
    return check_numbers(r, step, "value", left);
}

static bool check_unknown(struct runner *r, const char *label)
{
    return run_stop(r, CONFORM_ERROR, "no PDU was seen or sent as #%s", label);
}

bool run_check_size(struct runner *r, const struct sx_step *step)
{
    const struct run_label *label = run_env_label(&r->env, step->label);

    if (label == NULL) {
        return check_unknown(r, step->label);
    }
    char *what = run_printf("size of #%s", step->label);
    bool going = check_numbers(r, step, what, (int64_t)label->pdu.size);
    free(what);
    return going;
}

static bool check_join(struct runner *r, const struct sx_step *step, FILE *out)
{
    for (size_t i = 0; i < step->label_count; i++) {
        const struct run_label *label = run_env_label(&r->env, step->labels[i]);
        struct sipc_pdu pdu;
        if (label == NULL) {
            return check_unknown(r, step->labels[i]);
        }
        enum sipc_discard reason = sipc_pdu_decode(label->pdu, &pdu);
        if (reason != SIPC_DISCARD_NONE) {
            return run_stop(r, CONFORM_ERROR, "#%s has no data: it does not decode (%s)",
                            step->labels[i], sipc_discard_name(reason));
        }
        if (pdu.data.size > 0) {
            fwrite(pdu.data.data, 1, pdu.data.size, out);
        }
    }
    return true;
}

static bool check_joined(struct runner *r, const struct sx_step *step, struct sipc_span joined)
{
    struct run_mismatch mismatch = {.step = step};
    char error[256];
    uint8_t *bytes;
    size_t size;

    if (!sx_data_materialise(&step->data, &r->env.sx, &bytes, &size, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "check data: %s", error);
    }
    run_diff_bytes(&mismatch.diffs, "joined data", (struct sipc_span){bytes, size}, joined);
    free(bytes);
    if (mismatch.diffs.count == 0) {
        return run_decided(r);
    }
    mismatch.reason = run_printf("expected joined data of %s, but it was %s",
                                 mismatch.diffs.items[0].expected, mismatch.diffs.items[0].actual);
    return run_mismatch(r, &mismatch);
}

bool run_check_data(struct runner *r, const struct sx_step *step)
{
    struct run_text joined;
    FILE *out = run_text_begin(&joined);
    bool going = check_join(r, step, out);
    char *bytes = run_text_end(&joined);

    going = going && check_joined(r, step, (struct sipc_span){(const uint8_t *)bytes, joined.size});
    free(bytes);
    return going;
}
