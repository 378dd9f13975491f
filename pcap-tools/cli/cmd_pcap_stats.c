/* sipc pcap stats: sessions and their two directions, in numbers. */
#include <inttypes.h>
#include <string.h>

#include "stats.h"

enum { STATS_JSON = 3200 };

static const struct cli_option stats_options[] = {
    {0, "json", NULL, "a JSON object a line: the sessions, then the whole", STATS_JSON},
    PCAP_READ_OPTIONS,
    PCAP_FILTER_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command stats_command = {
    .name = "sipc pcap stats",
    .usage = "[options] FILE",
    .about =
        "Counts what sessions did, for each of their directions: PDUs, bytes, goodput (data\n"
        "without repeats), round-trip times (of windows of which nothing was sent again), PDUs\n"
        "sent again once, twice, more often, and how many of those repeats were spurious, acks,\n"
        "full windows, late PDUs, holes. A hole is a PDU that an ack proves to have passed and\n"
        "the capture lacks. Where the capture flags directions, what was sent and what arrived\n"
        "are counted apart. Copies made by the capture are left out.\n"
        "\n"
        "Exit status: 0 counted, 2 bad options, 4 the capture is broken (what was before is\n"
        "counted), 5 no PDU in it, or none that fits.",
    .examples = "sipc pcap stats traffic.pcapng\n"
                "sipc pcap stats --session 3f2a --json traffic.pcapng",
    .options = stats_options,
};

struct stats_run {
    struct pcap_input input;
    bool json;
};

static bool stats_take(void *ctx, int id, const char *value)
{
    struct stats_run *run = ctx;
    if (id == STATS_JSON)
        return run->json = true;
    return pcap_input_take(&run->input, id, value);
}

/* ---- text ---- */

static uint64_t stats_bits_per_second(const struct stats_view *view)
{
    const uint64_t us = (view->last_ns - view->first_ns) / 1000;
    return us > 0 && view->new_bytes < UINT64_MAX / 8000000 ? view->new_bytes * 8000000 / us : 0;
}

static uint64_t stats_all(const struct stats_view *view)
{
    uint64_t all = 0;
    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++)
        all += view->pdus[opcode];
    return all;
}

/* What was sent and did not arrive, where both were captured; copies that a network made hide some.
 */
static uint64_t stats_lost(const struct stats_session *session, int end)
{
    const struct stats_view *sent = session->views[end][STATS_SENT];
    const struct stats_view *arrived = session->views[end][STATS_ARRIVED];
    if (sent == NULL || arrived == NULL)
        return 0;
    const uint64_t known = stats_all(sent) + arrived->duplicates;
    return known > stats_all(arrived) ? known - stats_all(arrived) : 0;
}

static void stats_print_lost(const struct stats_session *session, int end)
{
    const uint64_t lost = stats_lost(session, end);
    if (session->dropped[end] > 0)
        printf("   lost on the way: %" PRIu64 ", as the capture says\n", session->dropped[end]);
    else if (lost > 0)
        printf("   lost on the way: %" PRIu64 " at least, more were sent than arrived\n", lost);
}

/* The repeats that no ack had made needless: all that a single point shows of loss. */
static uint64_t stats_unanswered(const struct stats_view *view)
{
    return view->repeats > view->spurious ? view->repeats - view->spurious : 0;
}

static void stats_print_repeats(const struct stats_view *view)
{
    if (view->repeats > 0)
        printf("    repeats  %" PRIu64 ": PDUs sent again once %" PRIu64 ", twice %" PRIu64
               ", more often %" PRIu64 "; spurious %" PRIu64 "\n",
               view->repeats, view->repeated[1], view->repeated[2], view->repeated[3],
               view->spurious);
    if (stats_unanswered(view) > 0)
        printf("    inferred %" PRIu64
               " losses at most: repeats of what no ack was seen for; it, or "
               "its ack, was lost or late\n",
               stats_unanswered(view));
    if (view->missed > 0)
        printf("    inferred %" PRIu64
               " losses before this point at most: PDUs that came only when "
               "their window was sent again, behind later ones\n",
               view->missed);
    if (view->duplicates > 0)
        printf("    duplicated by the network %" PRIu64 "\n", view->duplicates);
    if (view->late > 0)
        printf("    late     %" PRIu64 " behind later ones of their window, by up to %" PRIu64
               " PDUs\n",
               view->late, view->late_max);
    if (view->holes > 0)
        printf("    holes    %" PRIu64 " PDUs passed, as acks show, and were not captured\n",
               view->holes);
}

static void stats_print_view(const struct stats_view *view, enum stats_point point)
{
    static const char *const points[] = {"as sent", "as arrived", "as captured"};
    static const char *const trips[] = {"round trips", "answers took", "round trips from here"};

    printf("   %s: %" PRIu64 " PDUs, %" PRIu64 " B", points[point], stats_all(view), view->bytes);
    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++)
        if (view->pdus[opcode] > 0)
            printf(", %s %" PRIu64, sipc_opcode_name(opcode), view->pdus[opcode]);
    putchar('\n');
    if (view->new_bytes > 0) {
        const uint64_t rate = stats_bits_per_second(view);
        printf("    goodput  %" PRIu64 " B of data", view->new_bytes);
        if (rate > 0)
            printf(", %" PRIu64 ".%03" PRIu64 " Mbit/s", rate / 1000000, rate / 1000 % 1000);
        putchar('\n');
    }
    stats_print_repeats(view);
    if (view->round_trips > 0)
        printf("    %s %" PRIu64 ".%03" PRIu64 " ms to %" PRIu64 ".%03" PRIu64 " ms, mean %" PRIu64
               ".%03" PRIu64 " ms, of %" PRIu64 " acks\n",
               trips[point], view->round_trip_min_ns / 1000000,
               view->round_trip_min_ns / 1000 % 1000, view->round_trip_max_ns / 1000000,
               view->round_trip_max_ns / 1000 % 1000,
               view->round_trip_sum_ns / view->round_trips / 1000000,
               view->round_trip_sum_ns / view->round_trips / 1000 % 1000, view->round_trips);
    if (view->acks > 0)
        printf("    acks     %" PRIu64 ": full windows %" PRIu64 ", duplicate acks %" PRIu64
               ", errors %" PRIu64 "\n",
               view->acks, view->full_windows, view->duplicate_acks, view->errors);
}

static void stats_print(const struct stats_session *session)
{
    char id[PCAP_ID_TEXT], ends[2][PCAPT_ADDRESS_TEXT], spans[2][PCAP_TIME_TEXT];

    printf("session %s over %s, %s s, longest silence %s s\n",
           pcap_id_text(session->id, SIPC_SESSION_ID_SIZE, id),
           pcapt_transport_name(session->transport),
           pcap_time_text(session->last_ns - session->first_ns, spans[0]),
           pcap_time_text(session->silence_ns, spans[1]));
    for (int end = 0; end < 2; end++) {
        const struct stats_view *const *views =
            (const struct stats_view *const *)session->views[end];
        printf("  %s > %s\n", pcapt_address_text(&session->ends[end], ends[0]),
               pcapt_address_text(&session->ends[!end], ends[1]));
        stats_print_lost(session, end);
        for (int point = 0; point < STATS_POINTS; point++)
            if (views[point] != NULL)
                stats_print_view(views[point], point);
    }
}

/* ---- JSON ---- */

static void stats_put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *stats_json_view(const struct stats_view *view)
{
    json_t *object = json_object(), *pdus = json_object();

    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++)
        stats_put(pdus, sipc_opcode_name(opcode), view->pdus[opcode]);
    json_object_set_new(object, "pdus", pdus);
    stats_put(object, "bytes", view->bytes);
    stats_put(object, "data_bytes", view->data_bytes);
    stats_put(object, "new_data_bytes", view->new_bytes);
    stats_put(object, "goodput_bit_s", stats_bits_per_second(view));
    stats_put(object, "repeats", view->repeats);
    stats_put(object, "repeated_once", view->repeated[1]);
    stats_put(object, "repeated_twice", view->repeated[2]);
    stats_put(object, "repeated_more", view->repeated[3]);
    stats_put(object, "spurious", view->spurious);
    stats_put(object, "lost_inferred_at_most", stats_unanswered(view));
    stats_put(object, "lost_before_inferred", view->missed);
    stats_put(object, "duplicated_by_network", view->duplicates);
    stats_put(object, "late", view->late);
    stats_put(object, "late_by_max", view->late_max);
    stats_put(object, "holes", view->holes);
    stats_put(object, "acks", view->acks);
    stats_put(object, "full_windows", view->full_windows);
    stats_put(object, "duplicate_acks", view->duplicate_acks);
    stats_put(object, "error_acks", view->errors);
    stats_put(object, "round_trips", view->round_trips);
    if (view->round_trips > 0) {
        stats_put(object, "round_trip_min_ns", view->round_trip_min_ns);
        stats_put(object, "round_trip_max_ns", view->round_trip_max_ns);
        stats_put(object, "round_trip_mean_ns", view->round_trip_sum_ns / view->round_trips);
    }
    return object;
}

static void stats_line(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void stats_json(const struct stats_session *session)
{
    static const char *const points[] = {"sent", "arrived", "captured"};
    char text[PCAP_ID_TEXT];
    json_t *object = json_object(), *directions = json_array();

    json_object_set_new(object, "type", json_string("session"));
    json_object_set_new(object, "session",
                        json_string(pcap_id_text(session->id, SIPC_SESSION_ID_SIZE, text)));
    json_object_set_new(object, "transport", json_string(pcapt_transport_name(session->transport)));
    stats_put(object, "first_ns", session->first_ns);
    stats_put(object, "last_ns", session->last_ns);
    stats_put(object, "silence_ns", session->silence_ns);
    for (int end = 0; end < 2; end++) {
        json_t *direction = json_object();
        json_object_set_new(direction, "from",
                            json_string(pcapt_address_text(&session->ends[end], text)));
        json_object_set_new(direction, "to",
                            json_string(pcapt_address_text(&session->ends[!end], text)));
        stats_put(direction, "dropped", session->dropped[end]);
        stats_put(direction, "lost_at_least", stats_lost(session, end));
        for (int point = 0; point < STATS_POINTS; point++)
            if (session->views[end][point] != NULL)
                json_object_set_new(direction, points[point],
                                    stats_json_view(session->views[end][point]));
        json_array_append_new(directions, direction);
    }
    json_object_set_new(object, "directions", directions);
    stats_line(object);
}

static void stats_told(void *ctx, const struct stats_session *session)
{
    const struct stats_run *run = ctx;
    if (run->json)
        stats_json(session);
    else
        stats_print(session);
}

static void stats_whole(const struct stats_run *run, uint64_t sessions)
{
    const struct pcapt_counts *counts = pcapt_reader_counts(run->input.reader);
    char span[PCAP_TIME_TEXT];

    pcap_time_text(counts->last_ns > counts->first_ns ? counts->last_ns - counts->first_ns : 0,
                   span);
    if (!run->json) {
        printf("%" PRIu64 " frames in %s s, %" PRIu64 " PDUs, %" PRIu64 " that are none, %" PRIu64
               " sessions\n",
               counts->frames, span, counts->pdus, counts->not_pdus, sessions);
        return;
    }
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string("capture"));
    stats_put(object, "frames", counts->frames);
    stats_put(object, "bytes", counts->bytes);
    stats_put(object, "first_ns", counts->first_ns);
    stats_put(object, "last_ns", counts->last_ns);
    stats_put(object, "pdus", counts->pdus);
    stats_put(object, "not_pdus", counts->not_pdus);
    stats_put(object, "sessions", sessions);
    stats_put(object, "other", counts->other);
    stats_put(object, "foreign", counts->foreign);
    stats_put(object, "malformed", counts->malformed);
    stats_put(object, "cut", counts->cut);
    stats_put(object, "copies", counts->copies);
    stats_put(object, "fragments", counts->fragments);
    stats_put(object, "fragments_lost", counts->fragments_lost);
    stats_put(object, "gaps", counts->gaps);
    stats_put(object, "gap_bytes", counts->gap_bytes);
    stats_put(object, "drops", pcapt_source_drops(run->input.source));
    stats_line(object);
}

int pcap_cmd_stats(int argc, char **argv)
{
    struct stats_run run = {0};
    const struct pcapt_item *item;
    int first;

    pcap_input_init(&run.input, &stats_command);
    int exit_code = cli_parse(&stats_command, argc, argv, &first, stats_take, &run);
    if (exit_code < 0)
        exit_code = pcap_input_open(&run.input, argc - first, argv + first);
    if (exit_code >= 0)
        return exit_code;
    struct stats *stats = stats_new(stats_told, &run);
    while ((item = pcap_input_next(&run.input)) != NULL)
        stats_item(stats, item);
    const uint64_t sessions = stats_count(stats);
    stats_end(stats);
    stats_whole(&run, sessions);
    return pcap_input_close(&run.input);
}
