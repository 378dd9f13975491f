/* sipc pcap replay: a captured endpoint played again, by the engine or to a live peer.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "replay.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    REPLAY_PLAY = 3900,
    REPLAY_AT,
    REPLAY_INTO,
    REPLAY_PEER,
    REPLAY_SET,
    REPLAY_TOLERANCE,
    REPLAY_SPEED,
    REPLAY_RATE,
    REPLAY_FAST,
    REPLAY_AWAIT,
    REPLAY_AWAIT_MS,
    REPLAY_KEEP,
    REPLAY_KEY,
    REPLAY_ALL,
    REPLAY_JSON,
    REPLAY_LISTED_MAX = 64,
    REPLAY_NAMES_SIZE = 2048,
};

static const struct cli_option replay_options[] = {
    {'e', "play", "ADDRESS", "the endpoint to play, ADDRESS[:PORT] (into a SUT: repeatable)",
     REPLAY_PLAY},
    {0, "at", "ADDRESS", "the capture was made there (direction flags say so without)", REPLAY_AT},
    {0, "into", "SUT", "who plays it: engine (the default), so:PATH, exec:CMD", REPLAY_INTO},
    {0, "set", "NAME=N", "a setting the endpoint has, as ack_timeout_ms=1000 (repeatable)",
     REPLAY_SET},
    {0, "tolerance", "MS", "how far a PDU and its like may be apart (1000)", REPLAY_TOLERANCE},
    {0, "all", NULL, "list all differences, not only the first 64 of an endpoint", REPLAY_ALL},
    {0, "peer", "WHERE", "send its PDUs to udp:HOST:PORT, tcp:HOST:PORT or unix:PATH instead",
     REPLAY_PEER},
    {0, "speed", "N", "live: N times as fast as captured, as 2 or 0.25 (1)", REPLAY_SPEED},
    {0, "rate", "N", "live: N PDUs a second", REPLAY_RATE},
    {0, "fastest", NULL, "live: one PDU after the other", REPLAY_FAST},
    {0, "await-acks", NULL, "live: a window waits for the full ack of the one before",
     REPLAY_AWAIT},
    {0, "await", "MS", "live: how long an ack is awaited (1000)", REPLAY_AWAIT_MS},
    {0, "keep-ids", NULL, "live: session and window ids as captured", REPLAY_KEEP},
    {'k', "key", "TEXT", "live: the same key gives the same session ids", REPLAY_KEY},
    {0, "json", NULL, "JSON lines: differences, a line for each endpoint, the whole", REPLAY_JSON},
    PCAP_READ_OPTIONS,
    PCAP_FILTER_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command replay_command = {
    .name = "sipc pcap replay",
    .usage = "[options] FILE",
    .about =
        "Plays an endpoint of a capture again. Without --peer, by the engine under the capture's\n"
        "clock, each endpoint in turn: it gets what the endpoint got, is told to send the "
        "messages\n"
        "that its windows carried, and what it sends otherwise is listed, with the rule. A\n"
        "difference says that the two endpoints are not alike there, not that one is wrong (sipc\n"
        "pcap audit says that). Settings are those of --set, else what the capture shows of them.\n"
        "With --peer, its PDUs are sent to a live peer, under new session and window ids.\n"
        "\n"
        "Exit status: 0 no difference (live: sent, and acked if awaited), 1 differences (live:\n"
        "acks are missing or bring errors), 2 bad options, 3 the SUT or peer cannot be had, "
        "floods, or\n"
        "refuses a setting asked for, 4 the capture is broken or too large, 5 nothing to play.",
    .examples = "sipc pcap replay traffic.pcapng\n"
                "sipc pcap replay --play 10.0.0.2:40001 --set mtu=1200 traffic.pcapng\n"
                "sipc pcap replay --peer udp:127.0.0.1:9000 --speed 2 --await-acks traffic.pcapng",
    .options = replay_options,
};

struct replay_run {
    struct pcap_input input;
    struct replay_capture capture;
    struct pcapt_address play[PCAP_TEXTS_MAX], at[PCAP_TEXTS_MAX];
    size_t play_count, at_count;
    const char *into, *to, *key;
    struct conform_setting settings[REPLAY_SETTINGS_MAX];
    char names[REPLAY_NAMES_SIZE];
    size_t names_used;
    struct replay_engine_options engine;
    struct replay_live_options live;
    bool live_option, json, all;
    uint64_t differences, rules[SIPC_RULE_COUNT], played, same, compared;
    size_t endpoints, left_out;
};

/* ---- options ---- */

static bool replay_set(struct replay_run *run, const char *value)
{
    const char *equals = strchr(value, '=');
    const size_t size = equals != NULL ? (size_t)(equals - value) : 0;
    uint64_t number;

    if (size == 0 || run->engine.setting_count == REPLAY_SETTINGS_MAX ||
        run->names_used + size + 1 > sizeof run->names) {
        fprintf(stderr, "sipc: --set %s: expected NAME=NUMBER, %d of them at most\n", value,
                (int)REPLAY_SETTINGS_MAX);
        return false;
    }
    if (!cli_number("--set", equals + 1, 0, INT64_MAX, &number))
        return false;
    char *name = run->names + run->names_used;
    memcpy(name, value, size);
    run->names_used += size + 1;
    run->settings[run->engine.setting_count++] =
        (struct conform_setting){.name = name, .value = (int64_t)number};
    return true;
}

/* A decimal number with up to three digits behind the point, in thousandths. */
static bool replay_speed(const char *value, uint64_t *milli)
{
    const char *point = strchr(value, '.');
    const size_t whole = point != NULL ? (size_t)(point - value) : strlen(value);
    uint64_t part = 0, scale = 100;

    *milli = 0;
    bool good = whole > 0 && whole <= 6;
    for (size_t i = 0; i < whole && good; i++) {
        good = value[i] >= '0' && value[i] <= '9';
        *milli = *milli * 10 + (uint64_t)(value[i] - '0') * 1000;
    }
    for (const char *at = point; good && at != NULL && *++at != '\0'; scale /= 10) {
        good = *at >= '0' && *at <= '9' && scale > 0;
        part += (uint64_t)(*at - '0') * scale;
    }
    *milli += part;
    if (good && *milli > 0)
        return true;
    fprintf(stderr, "sipc: --speed %s: expected a number from 0.001 to 999999.999\n", value);
    return false;
}

static bool replay_address(const char *option, const char *value, struct pcapt_address *list,
                           size_t *count)
{
    if (*count < PCAP_TEXTS_MAX && pcapt_address_parse(value, &list[*count]))
        return ++*count > 0;
    fprintf(stderr, "sipc: %s %s: expected up to %d of ADDRESS[:PORT]\n", option, value,
            (int)PCAP_TEXTS_MAX);
    return false;
}

static bool replay_ms(const char *option, const char *value, uint64_t *ns)
{
    uint64_t ms;
    if (!cli_number(option, value, 0, 3600000, &ms))
        return false;
    *ns = ms * SIPC_NS_PER_MS;
    return true;
}

static bool replay_take_live(struct replay_run *run, int id, const char *value)
{
    run->live_option = true;
    switch (id) {
    case REPLAY_SPEED:
        run->live.pace.kind = REPLAY_SCALED;
        return replay_speed(value, &run->live.pace.speed_milli);
    case REPLAY_RATE:
        run->live.pace.kind = REPLAY_RATED;
        return cli_number("--rate", value, 1, 1000000000, &run->live.pace.rate);
    case REPLAY_FAST:
        run->live.pace.kind = REPLAY_FASTEST;
        return true;
    case REPLAY_AWAIT:
        return run->live.await_acks = true;
    case REPLAY_AWAIT_MS:
        return replay_ms("--await", value, &run->live.await_ns);
    case REPLAY_KEEP:
        return run->live.keep_ids = true;
    default:
        run->key = value;
        return true;
    }
}

static bool replay_take(void *ctx, int id, const char *value)
{
    struct replay_run *run = ctx;

    switch (id) {
    case REPLAY_PLAY:
        return replay_address("--play", value, run->play, &run->play_count);
    case REPLAY_AT:
        return replay_address("--at", value, run->at, &run->at_count);
    case REPLAY_INTO:
        run->into = value;
        return true;
    case REPLAY_PEER:
        run->to = value;
        return true;
    case REPLAY_SET:
        return replay_set(run, value);
    case REPLAY_TOLERANCE:
        return replay_ms("--tolerance", value, &run->engine.tolerance_ns);
    case REPLAY_ALL:
        return run->all = true;
    case REPLAY_JSON:
        return run->json = true;
    case REPLAY_SPEED:
    case REPLAY_RATE:
    case REPLAY_FAST:
    case REPLAY_AWAIT:
    case REPLAY_AWAIT_MS:
    case REPLAY_KEEP:
    case REPLAY_KEY:
        return replay_take_live(run, id, value);
    default:
        return pcap_input_take(&run->input, id, value);
    }
}

/* -1: go on. */
static int replay_check(const struct replay_run *run)
{
    const char *to = run->to;

    if (to != NULL && (run->into != NULL || run->engine.setting_count > 0))
        return cli_usage(&replay_command, "--peer is a live one: --into and --set are for a SUT");
    if (to == NULL && run->live_option)
        return cli_usage(&replay_command, "speed, acks and ids are matters of a live peer: --peer");
    if (to != NULL && ((strncmp(to, "udp:", 4) != 0 && strncmp(to, "tcp:", 4) != 0 &&
                        strncmp(to, "unix:", 5) != 0) ||
                       strstr(to, ",control=") != NULL))
        return cli_usage(&replay_command,
                         "--peer %s: expected udp:HOST:PORT, tcp:HOST:PORT or unix:PATH", to);
    if (run->into != NULL && strcmp(run->into, "engine") != 0 &&
        strncmp(run->into, "so:", 3) != 0 && strncmp(run->into, "exec:", 5) != 0)
        return cli_usage(&replay_command, "--into %s: expected engine, so:PATH or exec:CMD",
                         run->into);
    return -1;
}

/* ---- words ---- */

static json_t *replay_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static void replay_put(json_t *object)
{
    SIPC_ASSERT(object != NULL);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void replay_difference(const struct replay_run *run, const char *endpoint,
                              const struct replay_difference *difference)
{
    const struct sipc_rule_info *rule = sipc_rule_info(difference->rule);
    char id[PCAP_ID_TEXT], time[PCAP_TIME_TEXT], frame[32] = "";

    pcap_id_text(difference->session->id, SIPC_SESSION_ID_SIZE, id);
    if (run->json) {
        json_t *object =
            json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "type", "difference", "rule", rule->id,
                      "level", rule->level == SIPC_MUST ? "must" : "advisory", "time_ns",
                      (json_int_t)difference->at_ns, "endpoint", endpoint, "session", id);
        json_object_set_new(object, "frame",
                            difference->frame > 0 ? json_integer((json_int_t)difference->frame)
                                                  : json_null());
        json_object_set_new(object, "played", replay_text(difference->played));
        json_object_set_new(object, "captured", replay_text(difference->captured));
        replay_put(object);
        return;
    }
    if (difference->frame > 0)
        snprintf(frame, sizeof frame, "frame %" PRIu64 ", ", difference->frame);
    printf("%s%s s, %s, session %.8s: %s: played: %s; captured: %s\n", frame,
           pcap_time_text(difference->at_ns, time), endpoint, id, rule->id,
           difference->played != NULL ? difference->played : "nothing",
           difference->captured != NULL ? difference->captured : "nothing");
}

static bool replay_is_refused(const struct replay_result *result, size_t number)
{
    return result->refused >> number & 1;
}

static void replay_setting_text(const struct conform_setting *setting, bool refused, char *out,
                                size_t size)
{
    if (refused)
        snprintf(out, size, "(refused)");
    else if (setting->word != NULL)
        snprintf(out, size, "%s", setting->word);
    else
        snprintf(out, size, "%" PRId64, setting->value);
}

static void replay_endpoint_json(const char *endpoint, const struct replay_plan *plan,
                                 const struct replay_result *result,
                                 const struct conform_setting *settings, size_t count)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "type", "endpoint",
        "endpoint", endpoint, "sessions", (json_int_t)plan->session_count, "messages",
        (json_int_t)result->messages, "closes", (json_int_t)result->closes, "waited",
        (json_int_t)result->waited, "groups_received", (json_int_t)result->delivered, "played",
        (json_int_t)result->played, "captured", (json_int_t)result->compared, "same",
        (json_int_t)result->same, "not_judged", (json_int_t)result->not_judged, "differences",
        (json_int_t)result->difference_count, "apart_max_ns", (json_int_t)result->apart_max_ns);
    json_t *list = json_object();

    SIPC_ASSERT(object != NULL);
    for (size_t i = 0; i < count; i++)
        json_object_set_new(list, settings[i].name,
                            replay_is_refused(result, i) ? json_null()
                            : settings[i].word != NULL   ? json_string(settings[i].word)
                                                         : json_integer(settings[i].value));
    json_object_set_new(object, "settings", list);
    replay_put(object);
}

static void replay_endpoint_text(const char *endpoint, const struct replay_plan *plan,
                                 const struct replay_result *result,
                                 const struct conform_setting *settings, size_t count)
{
    char text[32];
    size_t used;

    printf("%s: %zu session%s, %" PRIu64 " messages, %" PRIu64 " groups received; %" PRIu64
           " PDUs played, %" PRIu64 " of %" PRIu64
           " captured ones the same, at most %.3f ms apart\n",
           endpoint, plan->session_count, plan->session_count == 1 ? "" : "s", result->messages,
           result->delivered, result->played, result->same, result->compared,
           (double)result->apart_max_ns / 1e6);
    used = (size_t)printf("  settings:");
    for (size_t i = 0; i < count; i++) {
        replay_setting_text(&settings[i], replay_is_refused(result, i), text, sizeof text);
        if (used + strlen(settings[i].name) + strlen(text) + 2 > 98)
            used = (size_t)printf("\n   ") - 1;
        used += (size_t)printf(" %s=%s", settings[i].name, text);
    }
    putchar('\n');
    if (result->not_judged > 0)
        printf("  %" PRIu64 " played PDUs are behind the capture's end or that of a message cut "
               "short, and not judged\n",
               result->not_judged);
    if (plan->link_pdus > 0)
        printf("  %" PRIu64 " enquire links are a matter of a timer and %s\n", plan->link_pdus,
               "not compared unless --set enquire_link_interval_ms");
    if (plan->no_pdus > 0)
        printf("  %" PRIu64 " datagrams it sent are no PDUs, and left out\n", plan->no_pdus);
}

/* ---- into a SUT ---- */

/* The exit code, or -1. */
static int replay_failed(const char *spec, enum conform_sut_status status,
                         const struct conform_error *error)
{
    if (status == CONFORM_SUT_OK)
        return -1;
    fprintf(stderr, "sipc pcap replay: %s: %s\n", spec, error->text);
    return CLI_NO_SUT;
}

static int replay_one(struct replay_run *run, struct conform_sut *sut, const char *spec,
                      uint16_t number)
{
    struct conform_setting settings[REPLAY_SETTINGS_MAX + REPLAY_SETTINGS_MORE];
    struct replay_plan *plan = replay_plan_new(&run->capture, number);
    struct replay_result result = {0};
    struct conform_error error;
    char endpoint[PCAPT_ADDRESS_TEXT];
    int exit_code = -1;

    pcapt_address_text(&run->capture.endpoints[number].address, endpoint);
    if (plan->one_sided) {
        run->left_out++;
    } else {
        run->endpoints++;
        exit_code =
            replay_failed(spec, replay_engine(plan, sut, &run->engine, &result, &error), &error);
    }
    for (size_t i = 0; i < result.difference_count && exit_code < 0; i++) {
        run->rules[result.differences[i].rule]++;
        if (run->all || i < REPLAY_LISTED_MAX)
            replay_difference(run, endpoint, &result.differences[i]);
    }
    if (!plan->one_sided && exit_code < 0) {
        const size_t count = replay_settings(plan, &run->engine, settings);
        (run->json ? replay_endpoint_json : replay_endpoint_text)(endpoint, plan, &result, settings,
                                                                  count);
        if (!run->json && !run->all && result.difference_count > REPLAY_LISTED_MAX)
            printf("  %zu more differences are not listed (--all)\n",
                   result.difference_count - REPLAY_LISTED_MAX);
    }
    run->differences += result.difference_count;
    run->played += result.played;
    run->same += result.same;
    run->compared += result.compared;
    replay_result_clear(&result);
    replay_plan_free(plan);
    return exit_code;
}

/* Those asked for; else those at which the capture was made; else all. */
static bool replay_is_played(const struct replay_run *run, size_t number, bool any_local)
{
    const struct replay_endpoint *endpoint = &run->capture.endpoints[number];

    for (size_t i = 0; i < run->play_count; i++)
        if (pcap_address_fits(&run->play[i], &endpoint->address))
            return true;
    return run->play_count == 0 && (endpoint->local || !any_local);
}

static void replay_sum(const struct replay_run *run)
{
    if (run->json) {
        json_t *rules = json_object();
        for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++)
            if (run->rules[rule] > 0)
                json_object_set_new(rules, sipc_rule_info(rule)->id,
                                    json_integer((json_int_t)run->rules[rule]));
        replay_put(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "type", "replay",
                             "endpoints", (json_int_t)run->endpoints, "one_sided",
                             (json_int_t)run->left_out, "played", (json_int_t)run->played,
                             "captured", (json_int_t)run->compared, "same", (json_int_t)run->same,
                             "differences", (json_int_t)run->differences, "gaps",
                             (json_int_t)run->capture.gaps, "rules", rules));
        return;
    }
    if (run->left_out > 0)
        printf("%zu endpoints are not played: what they got, or what they sent, is not there\n",
               run->left_out);
    if (run->capture.gaps > 0)
        printf("the capture has %" PRIu64 " gaps: what follows them may differ for that\n",
               run->capture.gaps);
    printf("%zu endpoint%s played: %" PRIu64 " of %" PRIu64 " PDUs the same, %" PRIu64
           " difference%s",
           run->endpoints, run->endpoints == 1 ? "" : "s", run->same, run->compared,
           run->differences, run->differences == 1 ? "" : "s");
    for (enum sipc_rule rule = 1, first = 1; rule < SIPC_RULE_COUNT; rule++)
        if (run->rules[rule] > 0) {
            printf("%s%s %" PRIu64, first ? " by rule: " : ", ", sipc_rule_info(rule)->id,
                   run->rules[rule]);
            first = 0;
        }
    putchar('\n');
}

static int replay_into(struct replay_run *run)
{
    const char *spec = run->into != NULL ? run->into : "engine";
    const struct conform_sut_options options = {.endless = true};
    struct conform_sut *sut = NULL;
    struct conform_error error;
    bool any_local = false;

    int exit_code = replay_failed(spec, conform_sut_attach(spec, &options, &sut, &error), &error);
    for (size_t i = 0; i < run->capture.endpoint_count; i++) {
        for (size_t at = 0; at < run->at_count; at++)
            run->capture.endpoints[i].local |=
                pcap_address_fits(&run->at[at], &run->capture.endpoints[i].address);
        any_local |= run->capture.endpoints[i].local;
    }
    for (size_t i = 0; i < run->capture.endpoint_count && exit_code < 0; i++)
        if (replay_is_played(run, i, any_local))
            exit_code = replay_one(run, sut, spec, (uint16_t)i);
    if (exit_code < 0) {
        replay_sum(run);
        if (!any_local && run->differences > 0)
            fprintf(stderr,
                    "%s: it does not say where it was made (--at): what was lost or late beyond "
                    "that place looks like a difference\n",
                    run->input.path);
        exit_code = run->endpoints == 0    ? CLI_UNDECIDED
                    : run->differences > 0 ? CLI_NONCONFORMANT
                                           : CLI_OK;
        if (run->endpoints == 0)
            fprintf(stderr, "sipc pcap replay: no endpoint to play%s\n",
                    run->play_count > 0 ? " of those named" : "");
    }
    conform_sut_detach(sut);
    return exit_code;
}

/* ---- to a live peer ---- */

static void replay_live_text(const struct replay_run *run, const char *endpoint,
                             const struct replay_live_result *result)
{
    printf("%s, to %s: %" PRIu64 " PDUs sent, %" PRIu64 " B, in %.3f s (planned %.3f s); %" PRIu64
           " came back\n",
           endpoint, run->to, result->sent, result->bytes, (double)result->took_ns / 1e9,
           (double)result->planned_ns / 1e9, result->got);
    printf("  late: first %.3f ms, last %.3f ms, at most %.3f ms\n",
           (double)result->late_first_ns / 1e6, (double)result->late_last_ns / 1e6,
           (double)result->late_max_ns / 1e6);
    printf("  %" PRIu64 " windows: %" PRIu64 " acked, %" PRIu64 " refused with an error, %" PRIu64
           " taken in part",
           result->windows, result->acked, result->refused, result->in_part);
    if (run->live.await_acks)
        printf(", %" PRIu64 " awaited in vain", result->unanswered);
    putchar('\n');
    if (result->skipped > 0)
        printf("  %" PRIu64 " PDUs not sent: acks of what the peer did not send, repeats of what "
               "it acked, groups without their beginning\n",
               result->skipped);
}

static void replay_live_json(const struct replay_run *run, const char *endpoint,
                             const struct replay_live_result *result)
{
    replay_put(json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
        "type", "live", "endpoint", endpoint, "to", run->to, "sent", (json_int_t)result->sent,
        "bytes", (json_int_t)result->bytes, "not_sent", (json_int_t)result->skipped, "came_back",
        (json_int_t)result->got, "windows", (json_int_t)result->windows, "acked",
        (json_int_t)result->acked, "refused", (json_int_t)result->refused, "taken_in_part",
        (json_int_t)result->in_part, "awaited_in_vain", (json_int_t)result->unanswered,
        "planned_ns", (json_int_t)result->planned_ns, "took_ns", (json_int_t)result->took_ns,
        "late_first_ns", (json_int_t)result->late_first_ns, "late_last_ns",
        (json_int_t)result->late_last_ns, "late_max_ns", (json_int_t)result->late_max_ns));
}

/* The endpoint asked for; else the one that sent first. */
static int replay_pick(const struct replay_run *run)
{
    if (run->play_count == 0)
        return run->capture.count > 0 ? run->capture.pdus[0].source : -1;
    for (size_t i = 0; i < run->capture.endpoint_count; i++)
        if (pcap_address_fits(&run->play[0], &run->capture.endpoints[i].address))
            return (int)i;
    return -1;
}

static int replay_to(struct replay_run *run)
{
    const struct conform_sut_options options = {.endless = true};
    struct replay_live_result result = {0};
    struct conform_sut *sut = NULL;
    struct conform_error error;
    char endpoint[PCAPT_ADDRESS_TEXT];
    const int number = replay_pick(run);

    if (number < 0) {
        fprintf(stderr, "sipc pcap replay: no endpoint to play\n");
        return CLI_UNDECIDED;
    }
    struct replay_plan *plan = replay_plan_new(&run->capture, (uint16_t)number);
    enum conform_sut_status status = conform_sut_attach(run->to, &options, &sut, &error);
    if (status == CONFORM_SUT_OK)
        status = replay_live(plan, sut, &run->live, &result, &error);
    conform_sut_detach(sut);
    replay_plan_free(plan);
    int exit_code = replay_failed(run->to, status, &error);
    if (result.sent > 0) {
        pcapt_address_text(&run->capture.endpoints[number].address, endpoint);
        (run->json ? replay_live_json : replay_live_text)(run, endpoint, &result);
    }
    if (exit_code >= 0)
        return exit_code;
    if (result.sent == 0)
        return CLI_UNDECIDED;
    return run->live.await_acks && (result.unanswered > 0 || result.refused > 0) ? CLI_NONCONFORMANT
                                                                                 : CLI_OK;
}

/* ---- the command ---- */

static int replay_all(struct replay_run *run)
{
    const bool loaded = replay_load(&run->capture, &run->input);
    const int read = pcap_input_close(&run->input);
    int exit_code = CLI_HARNESS;

    if (loaded && run->capture.left_out > 0)
        fprintf(stderr,
                "%s: %" PRIu64 " PDUs are left out: cut by the capture, or of more than %d "
                "endpoints\n",
                run->input.path, run->capture.left_out, (int)REPLAY_ENDPOINTS_MAX);
    if (loaded && run->capture.count == 0)
        exit_code = CLI_UNDECIDED;
    else if (loaded)
        exit_code = run->to != NULL ? replay_to(run) : replay_into(run);
    replay_clear(&run->capture);
    return read == CLI_HARNESS ? read : exit_code;
}

int pcap_cmd_replay(int argc, char **argv)
{
    struct replay_run *run = calloc(1, sizeof *run);
    int first;

    SIPC_ASSERT(run != NULL);
    run->engine = (struct replay_engine_options){.settings = run->settings,
                                                 .tolerance_ns = 1000 * SIPC_NS_PER_MS};
    run->live.pace = (struct replay_pace){.kind = REPLAY_SCALED, .speed_milli = 1000};
    run->live.await_ns = 1000 * SIPC_NS_PER_MS;
    pcap_input_init(&run->input, &replay_command);
    int exit_code = cli_parse(&replay_command, argc, argv, &first, replay_take, run);
    if (exit_code < 0)
        exit_code = replay_check(run);
    if (run->key != NULL)
        run->live.seed = XXH3_64bits(run->key, strlen(run->key));
    else if (getrandom(&run->live.seed, sizeof run->live.seed, 0) < 0)
        exit_code = cli_usage(&replay_command, "no random number to be had: give a --key");
    if (exit_code < 0)
        exit_code = pcap_input_open(&run->input, argc - first, argv + first);
    if (exit_code < 0)
        exit_code = replay_all(run);
    free(run);
    return exit_code;
}
