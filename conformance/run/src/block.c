/* Blocks: PDUs in any order, alternatives, repeats, blocks with a condition.
 *
 * any: each PDU is taken by the first line left that it fits. one_of: the first block, as written,
 * whose first expectation fits what came; it is only looked at here, and taken by the block itself.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* ---- what a line would take now ---- */

enum block_look { BLOCK_NOTHING, BLOCK_FITS, BLOCK_DIFFERS, BLOCK_ERROR };

/* Compares without taking; *item is what was looked at. `match` is the caller's to clear. What a
 * line that fits has bound stays bound: it is the one that will be taken. */
static enum block_look block_look(struct runner *r, const struct sx_step *step,
                                  const struct run_window *window, struct run_match *match,
                                  struct run_item **item)
{
    run_match_begin(match, r);
    if (step->kind == SX_EXPECT) {
        *item = run_next_pdu(r, run_pdu_peer(r, &step->pdu));
        if (*item != NULL) {
            run_match_pdu(match, &step->pdu, *item);
            run_window_judge(r, window, (*item)->out.at_ns, &match->diffs);
        }
    } else {
        *item = run_event_match(match, step, window);
    }
    if (*item == NULL) {
        return BLOCK_NOTHING;
    }
    switch (run_match_end(match)) {
    case RUN_FITS:
        return BLOCK_FITS;
    case RUN_DIFFERS:
        return BLOCK_DIFFERS;
    default:
        run_stop(r, CONFORM_ERROR, "%s", match->error_text);
        return BLOCK_ERROR;
    }
}

/* The lines that wait, each with its window. */
struct block_lines {
    const struct sx_step **steps; /* NULL where done */
    struct run_window *windows;
    size_t count;
};

static void block_lines_init(struct block_lines *lines, size_t count)
{
    *lines = (struct block_lines){
        .steps = calloc(count + 1, sizeof(struct sx_step *)),
        .windows = calloc(count + 1, sizeof(struct run_window)),
        .count = count,
    };
    SIPC_ASSERT(lines->steps != NULL && lines->windows != NULL);
}

static void block_lines_fini(struct block_lines *lines)
{
    free(lines->steps);
    free(lines->windows);
}

static bool block_lines_set(struct runner *r, struct block_lines *lines, size_t at,
                            const struct sx_step *step)
{
    lines->steps[at] = step;
    r->step = step;
    return run_window_init(r, step, &lines->windows[at]);
}

/* Until when to wait for any of the lines that are left. */
static uint64_t block_lines_wait_ns(const struct block_lines *lines)
{
    uint64_t until_ns = 0;

    for (size_t i = 0; i < lines->count; i++) {
        if (lines->steps[i] != NULL && lines->windows[i].wait_ns > until_ns) {
            until_ns = lines->windows[i].wait_ns;
        }
    }
    return until_ns;
}

/* Of the lines still there, what each makes of what came. */
struct block_round {
    size_t fits;  /* index of the first that fits; count: none */
    bool pending; /* some line has nothing to look at yet */
    size_t best;  /* of those that differ, the one with the fewest differences; count: none */
    size_t best_diffs;
};

static bool block_look_all(struct runner *r, const struct block_lines *lines,
                           struct block_round *round)
{
    *round = (struct block_round){.fits = lines->count, .best = lines->count};
    for (size_t i = 0; i < lines->count && round->fits == lines->count; i++) {
        struct run_match match;
        struct run_item *item;
        if (lines->steps[i] == NULL) {
            continue;
        }
        enum block_look look = block_look(r, lines->steps[i], &lines->windows[i], &match, &item);
        if (look == BLOCK_FITS) {
            round->fits = i;
        } else if (look == BLOCK_NOTHING) {
            round->pending = true;
        } else if (look == BLOCK_DIFFERS &&
                   (round->best == lines->count || match.diffs.count < round->best_diffs)) {
            round->best = i;
            round->best_diffs = match.diffs.count;
        }
        run_match_clear(&match);
        if (look == BLOCK_ERROR) {
            return false;
        }
    }
    return true;
}

/* Tells the failure of the line nearest to what came, or of the first that waits. */
static bool block_fail(struct runner *r, const struct block_lines *lines,
                       const struct block_round *round)
{
    struct run_match match;
    struct run_item *item;
    bool going = false;

    if (round->best < lines->count) {
        r->step = lines->steps[round->best];
        if (block_look(r, r->step, &lines->windows[round->best], &match, &item) == BLOCK_DIFFERS) {
            going = run_fail_differs(r, r->step, &match, &item->out);
        }
        run_match_clear(&match);
        return going;
    }
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->steps[i] != NULL && !lines->steps[i]->optional) {
            return run_fail_nothing(r, lines->steps[i]);
        }
    }
    return true;
}

/* ---- any ---- */

static bool block_only_optional(const struct block_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->steps[i] != NULL && !lines->steps[i]->optional) {
            return false;
        }
    }
    return true;
}

static bool any_take(struct runner *r, struct block_lines *lines, size_t at)
{
    const struct sx_step *step = lines->steps[at];
    struct run_match match;
    struct run_item *item;

    bool fits = block_look(r, step, &lines->windows[at], &match, &item) == BLOCK_FITS;
    run_match_clear(&match);
    lines->steps[at] = NULL;
    return fits && run_accept_pdu(r, step, item);
}

static bool any_run(struct runner *r, struct block_lines *lines)
{
    for (size_t left = lines->count; left > 0;) {
        struct block_round round;
        if (!block_look_all(r, lines, &round)) {
            return false;
        }
        if (round.fits < lines->count) {
            if (!any_take(r, lines, round.fits)) {
                return false;
            }
            left--;
            continue;
        }
        uint64_t until_ns = block_lines_wait_ns(lines);
        bool over = conform_sut_now(r->sut) >= until_ns;
        if ((over || round.best < lines->count) && block_only_optional(lines)) {
            return true;
        }
        if (over || round.best < lines->count) {
            return block_fail(r, lines, &round);
        }
        if (!run_pump(r, until_ns)) {
            return false;
        }
    }
    return true;
}

bool run_any(struct runner *r, const struct sx_step *step)
{
    const struct sx_block *block = &step->blocks[0];
    struct block_lines lines;
    bool going = true;

    block_lines_init(&lines, block->count);
    for (size_t i = 0; i < block->count && going; i++) {
        going = block_lines_set(r, &lines, i, &block->steps[i]);
    }
    going = going && any_run(r, &lines);
    block_lines_fini(&lines);
    return going;
}

/* ---- one_of ---- */

/* The line a block is chosen by: the first, or where events cannot be seen the one behind them;
 * NULL if that is no expectation. */
static const struct sx_step *one_of_first(const struct runner *r, const struct sx_block *block)
{
    size_t at = 0;

    while (at < block->count && run_is_event(&block->steps[at]) && !r->control) {
        at++;
    }
    if (at == block->count ||
        (block->steps[at].kind != SX_EXPECT && !run_is_event(&block->steps[at]))) {
        return NULL;
    }
    return &block->steps[at];
}

static bool one_of_run(struct runner *r, const struct sx_step *step,
                       const struct block_lines *lines, bool blind)
{
    uint64_t until_ns = block_lines_wait_ns(lines);

    for (;;) {
        struct block_round round;
        if (!block_look_all(r, lines, &round)) {
            return false;
        }
        if (round.fits < lines->count) {
            return run_block(r, &step->blocks[round.fits]);
        }
        if (!round.pending || conform_sut_now(r->sut) >= until_ns) {
            if (blind) {
                r->events_skipped++; /* the SUT may have done what nobody can see */
                return true;
            }
            return block_fail(r, lines, &round);
        }
        if (!run_pump(r, until_ns)) {
            return false;
        }
    }
}

bool run_one_of(struct runner *r, const struct sx_step *step)
{
    struct block_lines lines;
    bool going = true, blind = false;

    block_lines_init(&lines, step->block_count);
    for (size_t i = 0; i < step->block_count && going; i++) {
        const struct sx_step *first = one_of_first(r, &step->blocks[i]);
        if (first != NULL) {
            going = block_lines_set(r, &lines, i, first);
        } else if (!r->control) {
            blind = true;
        } else {
            going = run_stop(r, CONFORM_ERROR, "a block of one_of does not begin with <- or ==");
        }
    }
    going = going && one_of_run(r, step, &lines, blind);
    block_lines_fini(&lines);
    return going;
}

/* ---- repeat ---- */

bool run_repeat(struct runner *r, const struct sx_step *step)
{
    char error[256];
    int64_t count, outer = 0;

    if (!sx_eval(step->count, &r->env.sx, &count, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "repeat: %s", error);
    }
    if (count < 0) {
        return run_stop(r, CONFORM_ERROR, "repeat: the count is negative (%" PRId64 ")", count);
    }
    bool nested = run_env_number(&r->env, "i", &outer);
    bool going = true;
    for (int64_t i = 0; i < count && going; i++) {
        run_env_set(&r->env, "i", i);
        going = run_count_step(r) && run_block(r, &step->blocks[0]);
    }
    if (nested) {
        run_env_set(&r->env, "i", outer);
    }
    return going;
}

/* ---- when ---- */

bool run_when(struct runner *r, const struct sx_step *step)
{
    char error[256];
    bool holds;

    if (!sx_holds(&step->condition, &r->env.sx, &holds, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "when: %s", error);
    }
    return !holds || run_block(r, &step->blocks[0]);
}
