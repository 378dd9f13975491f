/* What was found out about a path, what was taken for granted, and how sure it is: lines for
 * people, as the command prints them and a scenario begins with. SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "path.h"

static const char *const tell_names[] = {"there", "back"};

static void tell_ms(const char *before, uint64_t ns, const char *behind, FILE *out)
{
    fprintf(out, "%s%" PRIu64 ".%" PRIu64 "%s", before, ns / 1000000, ns / 100000 % 10, behind);
}

static void tell_trips(const struct path_way *way, const char *to, FILE *out)
{
    const struct path_samples *trips = &way->trips;

    if (trips->count == 0)
        return;
    fprintf(out, "    %zu round trips to %s and back, ms", trips->count, to);
    tell_ms(": least ", path_sample_rank(trips, 0), "", out);
    tell_ms(", median ", path_sample_rank(trips, 500), "", out);
    tell_ms(", 95 % ", path_sample_rank(trips, 950), "", out);
    tell_ms(", most ", path_sample_rank(trips, 1000), "\n", out);
}

static void tell_again(const struct path_counts *counts, FILE *out)
{
    if (counts->resent > 0)
        fprintf(out,
                "    sent again %" PRIu64 " of %" PRIu64 " with data, %" PRIu64
                " on duplicate acks\n    spurious %" PRIu64 ": acked before %" PRIu64
                ", acked too soon %" PRIu64 ", got twice by SACK %" PRIu64 ", by timestamp %" PRIu64
                "\n",
                counts->resent, counts->data, counts->fast, path_spurious(counts),
                counts->spurious[PATH_BY_ACK], counts->spurious[PATH_BY_TIME],
                counts->spurious[PATH_BY_SACK], counts->spurious[PATH_BY_STAMP]);
}

static void tell_count(uint64_t count, const char *what, FILE *out)
{
    if (count > 0)
        fprintf(out, "    %" PRIu64 " %s\n", count, what);
}

static void tell_tap(const struct path_way *way, int number, FILE *out)
{
    const struct path_counts *counts = &way->counts;

    tell_trips(way, number == 0 ? "the peers" : "the host", out);
    tell_again(counts, out);
    if (counts->data == 0)
        fprintf(out, "    only acks: what is lost of them shows nowhere\n");
    else
        fprintf(out, "    lost behind the capture %" PRIu64 ", before it %" PRIu64 "\n",
                counts->lost_behind, counts->lost_before);
    tell_count(counts->unsure, "of the lost were never acked: maybe the capture ended", out);
    tell_count(counts->duplicate_acks, "duplicate acks of this way's data", out);
    tell_count(counts->ambiguous, "acks give no round trip: what they ack was sent twice", out);
    tell_count(counts->holes, "holes: acked and never captured, the capture's loss", out);
}

static void tell_way(const struct path *path, int number, FILE *out)
{
    const struct path_way *way = &path->ways[number];
    const struct path_counts *counts = &way->counts;

    fprintf(out, "  %s: %" PRIu64 " packet%s", tell_names[number], counts->packets,
            counts->packets == 1 ? "" : "s");
    if (counts->bytes > 0)
        fprintf(out, ", %" PRIu64 " bytes", counts->bytes);
    fprintf(out, "\n");
    if (path->source == PATH_OF_TAP)
        tell_tap(way, number, out);
    if (path->source == PATH_OF_ENDS || path->source == PATH_OF_LISTS)
        fprintf(out, "    lost %" PRIu64 "\n", counts->lost_behind);
    if (path->source == PATH_OF_STREAM) {
        fprintf(out, "    lost by number %" PRIu64 ", clock %" PRIu32 " Hz", counts->lost_before,
                counts->clock_hz);
        fprintf(out, ", jitter (RFC 3550) %" PRIu64 " us\n", counts->jitter_ns / 1000);
    }
    tell_count(counts->mirrored, "copies made by the capture (same IP packet), left out", out);
    tell_count(counts->duplicates, "duplicates by the network", out);
    tell_count(counts->late, "late: passed by others", out);
    tell_count(counts->unmatched, "arrived that nobody was seen to send", out);
    tell_count(counts->beyond, "left out: the other capture did not run then", out);
}

static void tell_model(const struct path_way *way, FILE *out)
{
    struct path_fit fit;

    path_fit(way, &fit);
    if (way->has_losses) {
        fprintf(out,
                "    losses: %" PRIu64 " of %" PRIu64 " (%" PRIu32 " ppm) in %" PRIu64 " run%s",
                fit.lost, fit.sent, fit.loss_ppm, fit.runs, fit.runs == 1 ? "" : "s");
        if (fit.bursts)
            fprintf(out,
                    "\n    as bursts: in %" PRIu32 " ppm, out %" PRIu32 " ppm, lose %" PRIu32
                    " ppm",
                    fit.to_bad_ppm, fit.to_good_ppm, fit.lose_bad_ppm);
        fprintf(out, "\n");
    }
    if (way->has_delays) {
        tell_ms("    delay, ms: 1 % ", fit.quantiles[0], "", out);
        tell_ms(", median ", fit.quantiles[PATH_QUANTILES / 2], "", out);
        tell_ms(", 99 % ", fit.quantiles[PATH_QUANTILES - 1], "", out);
        if (fit.hold_ns > 0)
            tell_ms(", alike for ", fit.hold_ns, "", out);
        fprintf(out, "\n");
    }
}

static void tell_rates(const struct path_way *way, int number, FILE *out)
{
    const size_t count = way->opportunity_count;
    uint64_t gap = 0;

    if (count == 0)
        return;
    for (size_t i = 1; i < count; i++)
        if (way->opportunities[i] - way->opportunities[i - 1] > gap)
            gap = way->opportunities[i] - way->opportunities[i - 1];
    const uint64_t ms = way->opportunities[count - 1];
    fprintf(out,
            "  %s: %zu opportunities of 1,500 bytes in %" PRIu64 " s, mean %" PRIu64
            " kbit/s, longest gap %" PRIu64 " ms\n",
            tell_names[number], count, ms / 1000, (uint64_t)count * 12000 / ms, gap);
}

static void tell_clock(const struct path *path, FILE *out)
{
    if (path->clock_known)
        fprintf(out,
                "  clocks: the far one is %" PRId64 " us ahead and gains %" PRId64
                " ppb, if the least delays\n    of both ways are equal; at most %" PRIu64
                " us wrong if they are not\n",
                path->clock_ns / 1000, path->clock_ppb, path->clock_error_ns / 1000);
    else if (path->two_files)
        fprintf(out,
                "  clocks: unknown, traffic goes one way only: the least delay is taken for 0\n");
}

void path_tell(const struct path *path, FILE *out)
{
    const uint64_t ms = path_span(path) / 1000000;
    static const char *const sources[] = {"one capture of flows with acks", "one capture of RTP",
                                          "captures of both ends", "lists of probes",
                                          "opportunities"};

    fprintf(out, "Inferred from %s", sources[path->source]);
    if (path->flows > 0)
        fprintf(out, ", %" PRIu64 " flow%s", path->flows, path->flows == 1 ? "" : "s");
    if (ms > 0)
        fprintf(out, ", %" PRIu64 ".%03" PRIu64 " s", ms / 1000, ms % 1000);
    fprintf(out, ":\n");
    for (int number = 0; number < 2; number++) {
        if (path->ways[number].count > 0) {
            tell_way(path, number, out);
            tell_model(&path->ways[number], out);
        }
        tell_rates(&path->ways[number], number, out);
    }
    tell_clock(path, out);
}

void path_tell_assumed(const struct path *path, FILE *out)
{
    fprintf(out, "Assumed:\n");
    switch (path->source) {
    case PATH_OF_TAP:
        fprintf(
            out,
            "  A delay is half of the round trips from the capture to both ends, as last known\n"
            "  at that time. They hold what the hosts take to answer (delayed acks), too.\n"
            "  Acks arrive: their loss shows nowhere. Queues are in the delays: no rate is set.\n");
        for (int way = 0; way < 2; way++)
            if (path->ways[way].trips.count == 0)
                fprintf(out, "  The capture was made at %s: nothing of it was answered there.\n",
                        way == 0 ? "the peers" : "the host");
        break;
    case PATH_OF_STREAM:
        fprintf(out, "  The most punctual packet took no time: add the least delay of the path.\n"
                     "  The sender's clock is right: what it drifts looks like delay.\n");
        break;
    case PATH_OF_ENDS:
        fprintf(
            out,
            "  Packets are the same that hold the same; of those that are alike, the last\n"
            "  that was sent early enough arrived. Queues are in the delays: no rate is set.\n");
        break;
    case PATH_OF_LISTS:
        fprintf(
            out,
            "  Probes met what other packets meet. Queues are in the delays: no rate is set.\n");
        break;
    case PATH_OF_RATES:
        fprintf(out,
                "  20 ms of delay and a queue of 100 KB each way: such a trace has neither.\n");
        break;
    }
    if (path->source == PATH_OF_RATES)
        return;
    fprintf(out, "How sure:\n");
    for (int number = 0; number < 2; number++) {
        struct path_fit fit;
        path_fit(&path->ways[number], &fit);
        if (path->ways[number].count == 0 || !path->ways[number].has_losses)
            fprintf(out, "  %s: nothing is known of its losses\n", tell_names[number]);
        else if (fit.bursts)
            fprintf(out, "  %s: a model of two states from %" PRIu64 " runs of losses\n",
                    tell_names[number], fit.runs);
        else
            fprintf(out, "  %s: %" PRIu64 " run%s of losses, too few for bursts: independent\n",
                    tell_names[number], fit.runs, fit.runs == 1 ? "" : "s");
    }
}
