/* Scenarios as text: the shipped ones go to data and back without loss, what makes no sense is told
 * with its line, tapes are read back as they were written. SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/world.h"
#include "simnet/scenario.h"

#define SCENARIOS SIPC_SOURCE_DIR "/simnet/scenarios"

struct text {
    char *data;
    size_t size;
};

static struct text text_of(const struct simnet_scenario *scenario)
{
    struct text text;
    FILE *out = open_memstream(&text.data, &text.size);

    simnet_scenario_print(scenario, out);
    fclose(out);
    return text;
}

/* Case `index` of `text`; false: *errors says why. */
static bool text_load(const char *path, const struct text *text, size_t index,
                      struct simnet_scenario *out, struct text *errors)
{
    FILE *file = open_memstream(&errors->data, &errors->size);
    struct sx_script *script = sx_parse(path, text->data, text->size, file, NULL);
    bool ok = script != NULL && simnet_scenario_from_script(script, index, out, file);

    fclose(file);
    sx_script_free(script);
    return ok;
}

/* ---- the shipped scenarios ---- */

static uint64_t text_run(const struct simnet_scenario *scenario, const struct simnet_tape *replay,
                         struct simnet_tape *tape)
{
    struct simnet_scenario_options options = {.record = tape != NULL, .replay = replay};
    struct simnet_scenario_run run;
    struct simnet_error error;

    if (!simnet_scenario_build(scenario, &options, &run, &error, NULL, NULL))
        fail_msg("%s: %s", scenario->name, error.text);
    simnet_scenario_go(&run);
    for (size_t i = 0; tape != NULL && i < simnet_world_tape(run.world)->count; i++)
        simnet_tape_add(tape, &simnet_world_tape(run.world)->faults[i]);
    uint64_t hash = simnet_world_hash(run.world);
    simnet_scenario_run_fini(&run);
    return hash;
}

/* To text and back: the same text again; some are run, to live the same history. */
static void text_check_there_and_back(const struct simnet_scenario *scenario)
{
    struct text first = text_of(scenario), errors;
    struct simnet_scenario again;

    if (!text_load(scenario->path, &first, 0, &again, &errors))
        fail_msg("%s\n%s", errors.data, first.data);
    struct text second = text_of(&again);
    assert_string_equal(first.data, second.data);
    if (scenario->pdus.count > 0 || scenario->reactions.count > 0 || scenario->routes.count > 0)
        assert_int_equal(text_run(scenario, NULL, NULL), text_run(&again, NULL, NULL));
    simnet_scenario_fini(&again);
    free(first.data);
    free(second.data);
    free(errors.data);
}

static size_t text_check_file(const char *path)
{
    struct sx_script *script = sx_parse_file(path, stderr, NULL);
    struct simnet_scenario scenario;

    assert_non_null(script);
    size_t count = script->case_count;
    for (size_t i = 0; i < count; i++) {
        assert_true(simnet_scenario_from_script(script, i, &scenario, stderr));
        assert_true(strlen(scenario.story) > 60);
        text_check_there_and_back(&scenario);
        simnet_scenario_fini(&scenario);
    }
    sx_script_free(script);
    return count;
}

static void test_text_of_shipped_scenarios_when_read_back_then_the_same(void **state)
{
    (void)state;
    DIR *folder = opendir(SCENARIOS);
    size_t files = 0;
    char path[512];

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".sx") == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", SCENARIOS, entry->d_name);
        text_check_file(path);
        files++;
    }
    closedir(folder);
    assert_true(files >= 20);
}

/* ---- everything there is to say, once ---- */

static const char text_all[] =
    "sx 1\nid all\nrules WID-3\nworld\nseed 9\nties shuffled\nheal 1min\nuntil 90s\n"
    "budget events 1000 time 2h moment 50\nchance off\ndeliveries unchecked\n"
    "host a clock 200ppm clock_at 1h mtu 600B max_window_size 4 ack_timeout 500ms "
    "max_retry_count 1 open_timeout 3s idle_timeout 9s min_remote_idle_timeout 1s "
    "max_remote_idle_timeout 60s enquire_link_interval 2s linger 4s attribute_limit 100B "
    "max_sessions 9 unreliable_queue 3 accept no require_first_in_window_group no "
    "window_id_step 10 window_id_max 1000 group_bytes_max 5KB\n"
    "host b sut \"exec:true\"\nhost e scripted\n"
    "link a>b rate 1Mbit/s overhead 28B mtu 1500B red 1KB to 2KB drop 5% weight 3 lost_at_sender "
    "duplicate 1% copies 2 after 1ms flip 1% bits 3 truncate 2% extend 3% bytes 4B checksum "
    "delay 5ms tell_mtu tell_queue tell_down queue 20packets loss 1% "
    "bursts in 2% out 30% lose 60% calm 1ppm lose_every 10 count 2 first 3 "
    "lose_pdu data *:2 xmit 1 lose_pdu raw swap 1% by 2 jump 2% by 3\n"
    "link b>a rate 1Mbit/s codel 5ms interval 100ms delay 5ms jitter pareto 2ms reorders "
    "queue 1.5bdp lose_nth 1 5 lose_mask 0x00000000000000f0\n"
    "link trunk rate 1Mbit/s queue 50ms\nroute a>e by trunk\nsession S of a>b count 3\n"
    "session T of e>a\n"
    "traffic a in S count 5 size 1KB to 2KB start 1s stagger 1ms opens unreliable skip gap 2ms "
    "again 3ms close 7\n"
    "at 1s a>b down kept\nat 1s a>b up\nat 1s a>b clog\nat 1s a>b unclog\nat 1s a>b rate 5kbit/s\n"
    "at 1s a>b delay 1ms\nat 1s a>b faults off\nat 1s a crash\nat 1s a restart\nat 1s a pause\n"
    "at 1s a resume\nat 1s a clock_step -2s\nat 1s a clock_drift -1%\nat 1s a address\n"
    "at 2s a open S idle_timeout 5s\nat 2s a send S[1] 5KB skip {\"k\"=\"v\"}\n"
    "at 2s a send S \"text\"\nat 2s a send_unreliable S bytes(9, 0)\nat 2s a close S 1\n"
    "at 2s a dispose S -2\nat 2s a shutdown grace 1s\n"
    "at 3s e -> a data 5:1 session=T {last_in_window max_window_size=7 \"x\"=\"y\"} \"hi\"\n"
    "at 3s e -> a raw hex:0001\n"
    "on e data 5:* -> data_ack *:* {is_window_full}\non e raw -> raw hex:00\n"
    "on e * -> close 0:* session=T {abort_code=2}\non e raw -> data 1:2 session=T \"x\"\n"
    "fault a>b data 100:3 in S[2] xmit 2 copy 1 lost\nfault a>b raw copies 3\n"
    "fault a>b close 1:0 session_key 0x00000000000000ff flip 9 bits 2\n"
    "fault a>b raw xmit 2 truncate 5B\nfault a>b raw xmit 3 extend 6B\n"
    "fault a>b raw xmit 4 delay 7ms\nfault a>b raw xmit 5 swap 2\nfault a>b raw xmit 6 jump 3\n"
    "fault a>b raw xmit 7 red_drop\n"
    "expect end drained\nexpect fails delivered-once RCV-8\nexpect begun > 1 of close at a in S\n"
    "expect refused == 0\nexpect pending == 0\nexpect crashed != 1\nexpect ended timeout <= 3\n"
    "expect groups >= 1 at b\nexpect bytes < 5KB in S[0]\nexpect goodput > 1kbit/s\n"
    "expect entered > 1 on a>b\nexpect duplicated > 1\nexpect arrived > 1\n"
    "expect dropped > 1 by queue on trunk\nexpect queue_peak < 5KB\nexpect sojourn < 1s\n"
    "expect arrived_bytes > 1B\nexpect busy < 50%\nexpect state == opened in S[1] at b\n"
    "expect time < 1min\nexpect events < 5\nexpect unused_faults == 0\n";

static void test_text_of_all_there_is_when_read_back_then_the_same(void **state)
{
    (void)state;
    struct text all = {(char *)(uintptr_t)text_all, sizeof text_all - 1}, errors;
    struct simnet_scenario scenario;

    if (!text_load("all", &all, 0, &scenario, &errors))
        fail_msg("%s", errors.data);
    assert_int_equal(scenario.faults.count, 9);
    assert_int_equal(scenario.changes.count, 14);
    assert_int_equal(scenario.operations.count, 7);
    assert_int_equal(scenario.reactions.count, 4);
    assert_int_equal(scenario.expectations.count, 22);
    struct text first = text_of(&scenario);
    /* in another order, and with what was implied, but word for word the same lines */
    for (const char *line = strstr(text_all, "host a"); *line != '\0';) {
        size_t size = strcspn(line, "\n");
        char *copy = strndup(line, size);
        if (strncmp(line, "link", 4) != 0 && strncmp(line, "at 2s a send S[1]", 17) != 0 &&
            strncmp(line, "expect time", 11) != 0 && strstr(first.data, copy) == NULL)
            fail_msg("not there: %s\n%s", copy, first.data);
        free(copy);
        line += size + 1;
    }
    simnet_scenario_fini(&scenario);
    free(errors.data);
    assert_true(text_load("all", &first, 0, &scenario, &errors));
    struct text second = text_of(&scenario);
    assert_string_equal(first.data, second.data);
    simnet_scenario_fini(&scenario);
    free(errors.data);
    free(first.data);
    free(second.data);
}

/* ---- what makes no sense ---- */

#define TEXT_FRAME                                                                                 \
    "sx 1\nid bad\nparam n in 5\nworld\nhost a\nhost b\nhost e scripted\nsession S of a>b\n"
#define TEXT_NO_PDU                                                                                \
    "9: error: an answer that takes the session or an id of what came must be a valid PDU; any "   \
    "other says session= and numbers"
static const struct text_bad {
    const char *lines, *error; /* behind "bad:" */
} text_bad[] = {
    {"link a>b queue 5KB\nuntil ($n)s",
     "9: error: queue: a limit needs a rate, for without one nothing ever waits"},
    {"at ($n)s a crash\nat 4s a restart",
     "10: error: time runs backwards: the line before is later, at 5000000000 ns"},
    {"at 1s b -> a raw \"x\"\nuntil ($n)s",
     "9: error: host b is not 'scripted': it sends what its endpoint sends"},
    {"on b data *:* -> data_ack *:*\nuntil ($n)s",
     "9: error: host b is not 'scripted': it answers what its endpoint answers"},
    {"on e raw -> data_ack *:0\nuntil ($n)s",
     "9: error: 'raw' is what is no PDU: it has no ids that * could take"},
    {"on e data *:* -> opcode(99) 0:0\nuntil ($n)s", TEXT_NO_PDU},
    {"on e data *:* -> data *:0 session=S tamper prefix\nuntil ($n)s", TEXT_NO_PDU},
    {"on e data *:* -> raw bytes($n*20000)",
     "9: error: the answer is longer than a datagram, which has at most 65500 bytes"},
    {"traffic e in S count ($n)", "9: error: session S is of a and b, not of e"},
    {"traffic a in S size ($n)B", "9: error: traffic needs 'count N'"},
    {"traffic a in S count 1 size ($n)B to 2B",
     "9: error: a range of sizes goes from the smaller to the larger"},
    {"traffic a in S[0] count ($n)",
     "9: error: traffic is in every session of the name, without [...]"},
    {"at 1s a send S[$n] 5B", "9: error: 0 to 0 expected here, found 5"},
    {"link a>b loss ($n*50)%", "9: error: 0ppm to 100% expected here, found 250%"},
    {"link a>b rate 5kbit/s red 1B to 2B drop 1% weight 1 codel 1ms interval 1s\nuntil ($n)s",
     "9: error: a link has one of 'red' and 'codel'"},
    {"link a>b jitter normal 1ms delay_trace \"x\" unit 1ms\nuntil ($n)s",
     "9: error: a link has one of 'jitter' and 'delay_trace'"},
    {"link a>b loss 1% loss 1% loss 1% loss 1% loss 1%\nuntil ($n)s",
     "9: error: a link has at most 4 losses"},
    {"link a>b\nat 1s a>b rate ($n)kbit/s", "10: error: the link has no rate that could change"},
    {"host c sut \"udp:1.2.3.4:5\"\nuntil ($n)s",
     "9: error: expected \"exec:COMMAND\" or \"so:PATH\", which run under virtual time, found "
     "\"udp:1.2.3.4:5\""},
    {"host c scripted sut \"so:x\"\nuntil ($n)s",
     "9: error: a host has one of 'sut' and 'scripted'"},
    {"link a>b opportunities \"no/such\"\nuntil ($n)s",
     "9: error: no/such: No such file or directory"},
    {"link a>b\nfault a>b raw xmit $n lost", "10: error: a fault has plain numbers"},
};

static void test_text_when_it_makes_no_sense_then_told_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_bad / sizeof text_bad[0]; i++) {
        struct text text, errors;
        struct simnet_scenario scenario;
        FILE *out = open_memstream(&text.data, &text.size);
        fprintf(out, "%s%s\n", TEXT_FRAME, text_bad[i].lines);
        fclose(out);
        if (text_load("bad", &text, 0, &scenario, &errors))
            fail_msg("'%s' makes sense", text_bad[i].lines);
        errors.data[strcspn(errors.data, "\n")] = '\0';
        assert_string_equal(errors.data + strlen("bad:"), text_bad[i].error);
        free(errors.data);
        free(text.data);
    }
}

/* ---- answers ---- */

static const char text_answers[] =
    "sx 1\nid answers\nworld\nhost e scripted\nhost f scripted\nlink e<>f delay 1ms\n"
    "session U of e>f\n"
    "on f data *:3 -> data_ack *:* {is_window_full}\n" /* 1 */
    "on f data 7:* -> close 5:* session=V\n"           /* 2 */
    "on f raw -> raw hex:0102\n"                       /* 3 */
    "on e data_ack 7:3 -> enquire_link 0:0\n"          /* 4 */
    "on f * -> data_ack *:9\n"                         /* 5 */
    "on f data *:* -> raw \"\"\n"                      /* 6 */
    "at 10ms e -> f data 7:3 session=U \"x\"\n"
    "at 20ms e -> f data 8:3 session=U\n"
    "at 30ms e -> f raw hex:00\n"
    "at 40ms e -> f close 0:0 session=U\n";

struct text_sent { /* what a host sent; session: 'U', 'V', or 0 where it is no PDU */
    simnet_host from;
    int opcode;
    int64_t window_id, seq_nr;
    char session;
};
static const struct text_sent text_sent[] = {
    {0, SIPC_DATA, 7, 3, 'U'},
    {1, SIPC_DATA_ACK, 7, 3, 'U'},     /* 1 */
    {1, SIPC_CLOSE, 5, 3, 'V'},        /* 2 */
    {1, SIPC_DATA_ACK, 7, 9, 'U'},     /* 5 */
    {1, 0, 0, 0, 0},                   /* 6 */
    {0, SIPC_ENQUIRE_LINK, 0, 0, 'U'}, /* 4 */
    {1, SIPC_DATA_ACK, 0, 9, 'U'},     /* 5 */
    {0, SIPC_DATA, 8, 3, 'U'},
    {1, SIPC_DATA_ACK, 8, 3, 'U'}, /* 1 */
    {1, SIPC_DATA_ACK, 8, 9, 'U'}, /* 5 */
    {1, 0, 0, 0, 0},               /* 6 */
    {0, 0, 0, 0, 0},
    {1, 0, 0, 0, 0}, /* 3 */
    {0, SIPC_CLOSE, 0, 0, 'U'},
    {1, SIPC_DATA_ACK, 0, 9, 'U'}, /* 5 */
};
enum { TEXT_SENT = sizeof text_sent / sizeof text_sent[0] };

static void text_sees(void *ctx, const struct simnet_event *event)
{
    size_t *count = ctx;
    uint8_t id[SIPC_SESSION_ID_SIZE];

    if (event->kind != SIMNET_EVENT_STAGE || event->stage != SIMNET_STAGE_ENTER)
        return;
    assert_true(*count < TEXT_SENT);
    const struct text_sent *wanted = &text_sent[(*count)++];
    simnet_scenario_session_id((char[]){wanted->session, '\0'}, 0, id);
    assert_int_equal(event->datagram->from, wanted->from);
    assert_int_equal(event->key->opcode, wanted->opcode);
    if (wanted->opcode == 0)
        return;
    assert_int_equal(event->key->window_id, wanted->window_id);
    assert_int_equal(event->key->seq_nr, wanted->seq_nr);
    assert_int_equal(event->key->session, simnet_session_key(id));
}

/* Each reaction that fits answers, in order, with the ids it takes. */
static void test_text_when_scripted_hosts_answer_then_these(void **state)
{
    (void)state;
    struct text text = {(char *)(uintptr_t)text_answers, sizeof text_answers - 1}, errors;
    struct simnet_scenario scenario;
    struct simnet_scenario_run run;
    struct simnet_error error;
    size_t count = 0;
    struct simnet_observer observer = {&count, SIMNET_WANT_ALL, text_sees};
    struct simnet_scenario_options options = {.observers = &observer, .observer_count = 1};

    if (!text_load("answers", &text, 0, &scenario, &errors))
        fail_msg("%s", errors.data);
    free(errors.data);
    assert_true(simnet_scenario_build(&scenario, &options, &run, &error, NULL, NULL));
    assert_int_equal(simnet_scenario_go(&run), SIMNET_END_DRAINED);
    assert_int_equal(count, TEXT_SENT);
    simnet_scenario_run_fini(&run);
    text_check_there_and_back(&scenario);
    simnet_scenario_remove_host(&scenario, 0); /* with its one reaction */
    assert_int_equal(scenario.reactions.count, 5);
    for (size_t i = 0; i < scenario.reactions.count; i++)
        assert_int_equal(scenario.reactions.at[i].host, 0);
    simnet_scenario_fini(&scenario);
}

/* ---- tapes ---- */

static void text_check_fault(const struct simnet_fault *found, const struct simnet_fault *wanted)
{
    assert_int_equal(found->key.session, wanted->key.session);
    assert_int_equal(found->key.window_id, wanted->key.window_id);
    assert_int_equal(found->key.seq_nr, wanted->key.seq_nr);
    assert_int_equal(found->key.xmit, wanted->key.xmit);
    assert_int_equal(found->key.opcode, wanted->key.opcode);
    assert_int_equal(found->key.copy, wanted->key.copy);
    assert_int_equal(found->value, wanted->value);
    assert_int_equal(found->extra, wanted->extra);
    assert_int_equal(found->link, wanted->link);
    assert_int_equal(found->stage, wanted->stage);
    assert_int_equal(found->verdict, wanted->verdict);
}

static void test_tape_when_written_and_read_then_the_same_history(void **state)
{
    (void)state;
    static const char world[] =
        "sx 1\nid taped\nworld\nhost a max_retry_count 9\nhost b max_retry_count 9\n"
        "link a<>b delay 5ms loss 5% duplicate 3% copies 3 flip 1% truncate 1% extend 1% jitter "
        "normal 2ms swap 3% by 2 rate 50Mbit/s queue 50KB red 1KB to 20KB drop 10% weight 1\n"
        "session S of a>b count 3\ntraffic a in S count 5 size 1KB to 30KB opens\n";
    struct text text = {(char *)(uintptr_t)world, sizeof world - 1}, errors;
    struct simnet_scenario scenario;
    struct simnet_tape tape = {0}, read;
    struct simnet_tape_head head = {.name = "taped", .seed = 1, .events = 77}, back;
    char path[] = "/tmp/sipc-tape-XXXXXX";

    assert_true(text_load("taped", &text, 0, &scenario, &errors));
    free(errors.data);
    head.hash = text_run(&scenario, NULL, &tape);
    assert_true(tape.count > 20);
    FILE *file = fdopen(mkstemp(path), "w");
    simnet_tape_write(&scenario, &head, &tape, file);
    fclose(file);
    assert_true(simnet_tape_read(&scenario, path, &back, &read, stderr));
    assert_memory_equal(&back, &head, sizeof head);
    assert_int_equal(read.count, tape.count);
    for (size_t i = 0; i < tape.count; i++)
        text_check_fault(&read.faults[i], &tape.faults[i]);
    assert_int_equal(text_run(&scenario, &read, NULL), head.hash);
    /* the same faults as lines of the scenario itself */
    simnet_tape_clear(&scenario.faults);
    scenario.faults = read;
    struct text lines = text_of(&scenario);
    struct simnet_scenario again;
    assert_true(text_load("taped", &lines, 0, &again, &errors));
    assert_int_equal(text_run(&again, NULL, NULL), head.hash);
    simnet_scenario_fini(&again);
    simnet_scenario_fini(&scenario);
    simnet_tape_clear(&tape);
    free(lines.data);
    free(errors.data);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_shipped_scenarios_when_read_back_then_the_same),
        cmocka_unit_test(test_text_of_all_there_is_when_read_back_then_the_same),
        cmocka_unit_test(test_text_when_it_makes_no_sense_then_told_with_its_line),
        cmocka_unit_test(test_text_when_scripted_hosts_answer_then_these),
        cmocka_unit_test(test_tape_when_written_and_read_then_the_same_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
