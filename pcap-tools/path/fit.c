/* Models of a way with a few numbers. Losses: two states (Gilbert and Elliott), nothing lost in the
 * good one, found by expectation and maximisation (Baum and Welch) from where the lengths of the
 * runs begin; where losses are too few for that, each on its own. Delays: quantiles, and for how
 * long one is like the one before. Real numbers are used here and whole ones come out: the
 * simulator knows no others. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "path.h"

enum { FIT_RUNS_MIN = 8, FIT_ROUNDS = 200, FIT_PPM = 1000000, FIT_LAGS = 512 };
#define FIT_RATE_NS     UINT64_C(100000000)
#define FIT_HOLD_MAX_NS UINT64_C(3600000000000)

struct fit_model {
    double in, out, lose; /* to bad, to good, lost in bad */
};

/* ---- losses ---- */

/* A beginning: bad lasts as long as losses with no more than two arrivals between them. */
static struct fit_model fit_begin(const struct path_way *way)
{
    double lost = 0, bad = 0, spells = 0;
    size_t last = 0;
    bool any = false;

    for (size_t i = 0; i < way->count; i++) {
        if (!way->steps[i].lost)
            continue;
        const bool same = any && i - last <= 3;
        bad += same ? (double)(i - last) : 1;
        spells += !same;
        lost++;
        last = i;
        any = true;
    }
    const double good = (double)way->count - bad;
    return (struct fit_model){spells / (good > 1 ? good : 1), spells / (bad + 1), lost / (bad + 1)};
}

/* One round; `forward` holds what is known of the state at each packet from those before it: the
 * probability that it is bad. */
static struct fit_model fit_round(const struct path_way *way, const struct fit_model *model,
                                  double *forward)
{
    const double from_good = model->in, from_bad = 1 - model->out;
    double in = 0, out = 0, in_bad = 0, in_good = 0, lost_bad = 0, bad_all = 0;
    double bad = 0; /* of the state before the first packet */

    for (size_t i = 0; i < way->count; i++) {
        const double before = (1 - bad) * from_good + bad * from_bad;
        const double sees = way->steps[i].lost ? model->lose : 1 - model->lose;
        const double good = (1 - before) * (way->steps[i].lost ? 0 : 1);
        bad = before * sees / (before * sees + good);
        forward[i] = bad;
    }
    double back_bad = 1, back_good = 1; /* what comes behind, given the state; scaled */
    for (size_t i = way->count; i-- > 0;) {
        const double was = i > 0 ? forward[i - 1] : 0;
        const bool lost = way->steps[i].lost;
        const double sees_bad = (lost ? model->lose : 1 - model->lose) * back_bad;
        const double sees_good = (lost ? 0 : 1) * back_good;
        const double gg = (1 - was) * (1 - from_good) * sees_good;
        const double gb = (1 - was) * from_good * sees_bad;
        const double bg = was * (1 - from_bad) * sees_good;
        const double bb = was * from_bad * sees_bad;
        const double all = gg + gb + bg + bb;
        in += gb / all;
        out += bg / all;
        in_good += (gg + gb) / all;
        in_bad += (bg + bb) / all;
        bad_all += (gb + bb) / all;
        lost_bad += lost ? (gb + bb) / all : 0;
        const double next_good = (1 - from_good) * sees_good + from_good * sees_bad;
        const double next_bad = (1 - from_bad) * sees_good + from_bad * sees_bad;
        back_good = next_good / (next_good + next_bad);
        back_bad = next_bad / (next_good + next_bad);
    }
    return (struct fit_model){in / in_good, in_bad > 0 ? out / in_bad : model->out,
                              bad_all > 0 ? lost_bad / bad_all : model->lose};
}

static uint32_t fit_ppm(double share)
{
    if (!(share > 0)) /* or no number: a state that nothing was ever in */
        return 0;
    return share >= 1 ? FIT_PPM : (uint32_t)(share * FIT_PPM + 0.5);
}

static void fit_losses(const struct path_way *way, struct path_fit *fit)
{
    bool before = false;

    for (size_t i = 0; i < way->count; i++) {
        fit->lost += way->steps[i].lost;
        fit->runs += way->steps[i].lost && !before;
        before = way->steps[i].lost;
    }
    fit->sent = way->count;
    fit->loss_ppm = fit->sent > 0 ? (uint32_t)(fit->lost * FIT_PPM / fit->sent) : 0;
    fit->bursts = fit->runs >= FIT_RUNS_MIN && fit->lost < fit->sent;
    if (!fit->bursts)
        return;
    double *forward = malloc(way->count * sizeof *forward);
    if (forward == NULL)
        abort();
    struct fit_model model = fit_begin(way);
    for (int round = 0; round < FIT_ROUNDS; round++)
        model = fit_round(way, &model, forward);
    free(forward);
    fit->to_bad_ppm = fit_ppm(model.in);
    fit->to_good_ppm = fit_ppm(model.out);
    fit->lose_bad_ppm = fit_ppm(model.lose);
}

/* ---- delays ---- */

static int fit_by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void fit_quantiles(const struct path_way *way, struct path_fit *fit)
{
    uint64_t *values = malloc((way->count + 1) * sizeof *values);
    size_t count = 0;

    if (values == NULL)
        abort();
    for (size_t i = 0; i < way->count; i++)
        if (!way->steps[i].lost)
            values[count++] = way->steps[i].delay_ns;
    qsort(values, count, sizeof *values, fit_by_value);
    for (size_t i = 0; i < PATH_QUANTILES && count > 0; i++)
        fit->quantiles[i] = values[count * (2 * i + 1) / (2 * PATH_QUANTILES)];
    free(values);
}

/* Until delays so far apart have less than half in common (their correlation). */
static void fit_hold(const struct path_way *way, struct path_fit *fit)
{
    double mean = 0, all = 0;
    const double count = (double)way->count;

    if (way->count < 100)
        return;
    for (size_t i = 0; i < way->count; i++)
        mean += (double)way->steps[i].delay_ns / count;
    for (size_t i = 0; i < way->count; i++) {
        const double x = (double)way->steps[i].delay_ns - mean;
        all += x * x / count;
    }
    size_t lag = 1;
    for (; lag < FIT_LAGS && lag < way->count / 4; lag++) {
        double both = 0;
        for (size_t i = lag; i < way->count; i++)
            both += ((double)way->steps[i].delay_ns - mean) *
                    ((double)way->steps[i - lag].delay_ns - mean) / (count - (double)lag);
        if (both * 2 < all)
            break;
    }
    const uint64_t first_ns = way->steps[0].at_ns, last_ns = way->steps[way->count - 1].at_ns;
    if (lag > 1 && all >= 1 && last_ns > first_ns)
        fit->hold_ns = (last_ns - first_ns) / (way->count - 1) * lag;
    if (fit->hold_ns > FIT_HOLD_MAX_NS)
        fit->hold_ns = FIT_HOLD_MAX_NS;
}

/* ---- the rest ---- */

static void fit_rate(const struct path_way *way, struct path_fit *fit)
{
    uint64_t bytes = 0;
    size_t from = 0;

    for (size_t i = 0; i < way->count; i++) {
        bytes += way->steps[i].lost ? 0 : way->steps[i].size;
        while (from < i && way->steps[from].at_ns + FIT_RATE_NS <= way->steps[i].at_ns) {
            bytes -= way->steps[from].lost ? 0 : way->steps[from].size;
            from++;
        }
        const uint64_t rate = bytes * 8 * (1000000000 / FIT_RATE_NS);
        fit->rate_bps = rate > fit->rate_bps ? rate : fit->rate_bps;
    }
}

void path_fit(const struct path_way *way, struct path_fit *fit)
{
    uint64_t copied = 0, late = 0;

    *fit = (struct path_fit){0};
    if (way->count == 0)
        return;
    fit_losses(way, fit);
    fit_quantiles(way, fit);
    fit_hold(way, fit);
    fit_rate(way, fit);
    for (size_t i = 0; i < way->count; i++) {
        copied += way->steps[i].copies > 0;
        late += way->steps[i].late;
        if (way->steps[i].copies > fit->copies_max)
            fit->copies_max = way->steps[i].copies;
    }
    fit->duplicate_ppm = (uint32_t)(copied * FIT_PPM / way->count);
    fit->late_ppm = (uint32_t)(late * FIT_PPM / way->count);
    fit->late_by = (uint32_t)(way->counts.late_by_max < 1     ? 1
                              : way->counts.late_by_max > 100 ? 100
                                                              : way->counts.late_by_max);
}
