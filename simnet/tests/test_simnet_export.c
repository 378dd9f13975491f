/* Writers of traces: they change nothing, the same run gives the same bytes, what cannot be written
 * is told, windows of time and limits of rows hold, and libpcap reads the captures. What other
 * programs read in them is in test_export_readers.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "export_worlds.h"
#include "ladder.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint64_t bare_hash(const char *name)
{
    struct simnet_world *world = export_world(name);

    simnet_world_run(world, SIPC_NEVER);
    uint64_t hash = simnet_world_hash(world);
    simnet_world_free(world);
    return hash;
}

/* The trace of a world as text, NUL behind it; its hash where that is asked for. */
static char *trace_of(const char *name, enum simnet_export_kind kind,
                      const struct simnet_export_options *options, size_t *size, uint64_t *hash)
{
    char *text = NULL;
    struct simnet_error error;
    FILE *file = open_memstream(&text, size);
    assert_non_null(file);
    struct simnet_world *world = export_world(name);
    struct simnet_export *export = simnet_export_to(world, kind, file, "memory", options);

    simnet_world_run(world, SIPC_NEVER);
    if (!simnet_export_close(export, &error))
        fail_msg("%s", error.text);
    if (hash != NULL)
        *hash = simnet_world_hash(world);
    simnet_world_free(world);
    fclose(file);
    return text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

/* ---- names of files ---- */

static void test_kind_of_path_by_its_suffix(void **state)
{
    static const struct {
        const char *path;
        int kind; /* -1: none */
    } rows[] = {
        {"a.pcapng", SIMNET_EXPORT_PCAPNG},
        {"dir.svg/a.qlog", SIMNET_EXPORT_QLOG},
        {"a.sqlog", SIMNET_EXPORT_QLOG},
        {"a.ndjson", SIMNET_EXPORT_NDJSON},
        {"a.jsonl", SIMNET_EXPORT_NDJSON},
        {"a.svg", SIMNET_EXPORT_SVG},
        {"a.b.html", SIMNET_EXPORT_HTML},
        {"a.pcap", -1},
        {".html", -1},
        {"html", -1},
        {"a.html ", -1},
        {"", -1},
        {"a.HTML", -1},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        enum simnet_export_kind kind = SIMNET_EXPORT_KIND_COUNT;
        struct simnet_error error = {""};
        bool found = simnet_export_kind_of(rows[i].path, &kind, &error);
        if (found != (rows[i].kind >= 0) || (found && (int)kind != rows[i].kind))
            fail_msg("%s", rows[i].path);
        assert_true(found == (error.text[0] == '\0'));
        if (!found)
            assert_non_null(strstr(error.text, ".pcapng, .qlog, .sqlog, .ndjson, .jsonl, .svg"));
    }
}

static void test_open_when_file_cannot_be_made_then_told(void **state)
{
    struct simnet_world *world = export_world("empty");
    struct simnet_error error;
    (void)state;

    assert_null(simnet_export_open(world, "/nowhere/a.svg", NULL, &error));
    assert_string_equal(error.text, "/nowhere/a.svg: cannot be made: No such file or directory");
    assert_null(simnet_export_open(world, "a.txt", NULL, &error));
    assert_non_null(strstr(error.text, "a.txt: a trace ends in"));
    simnet_world_run(world, SIPC_NEVER);
    simnet_world_free(world);
}

static void test_close_of_nothing_is_fine(void **state)
{
    struct simnet_error error = {"untouched"};
    (void)state;

    assert_true(simnet_export_close(NULL, &error));
    assert_string_equal(error.text, "untouched");
}

/* ---- observers ---- */

static void test_traces_change_nothing_and_repeat(void **state)
{
    (void)state;

    for (size_t w = 0; w < export_world_count; w++) {
        uint64_t bare = bare_hash(export_world_names[w]);
        for (int kind = 0; kind < SIMNET_EXPORT_KIND_COUNT; kind++) {
            struct simnet_export_options options = {.passes = true, .bytes = true};
            size_t sizes[2];
            uint64_t hash;
            char *first = trace_of(export_world_names[w], (enum simnet_export_kind)kind, &options,
                                   &sizes[0], &hash);
            char *second = trace_of(export_world_names[w], (enum simnet_export_kind)kind, &options,
                                    &sizes[1], NULL);
            if (hash != bare || sizes[0] != sizes[1] || memcmp(first, second, sizes[0]) != 0)
                fail_msg("%s, kind %d", export_world_names[w], kind);
            assert_true(sizes[0] > 0);
            free(first);
            free(second);
        }
    }
}

static void count_event(void *ctx, const struct simnet_event *event)
{
    uint64_t *counts = ctx;

    counts[event->kind == SIMNET_EVENT_STAGE && event->verdict == SIMNET_PASS &&
           event->stage != SIMNET_STAGE_ENTER && event->stage != SIMNET_STAGE_ARRIVE]++;
}

static void test_unobserve_takes_one_away_and_its_wants(void **state)
{
    uint64_t some[2] = {0}, all[2] = {0};
    struct simnet_world *world = export_world("busy");
    (void)state;

    simnet_observe(world, &(struct simnet_observer){all, SIMNET_WANT_ALL, count_event});
    simnet_observe(world, &(struct simnet_observer){some, SIMNET_WANT_VERDICTS, count_event});
    simnet_world_run(world, 30 * SIPC_NS_PER_MS);
    uint64_t seen = all[1];
    assert_true(seen > 0);
    uint64_t before = some[0];
    simnet_unobserve(world, all);
    simnet_world_run(world, SIPC_NEVER);
    assert_int_equal(all[1], seen);
    assert_true(some[0] > before);
    assert_int_equal(some[1], 0);
    simnet_world_free(world);
}

/* ---- what cannot be written ---- */

static void test_close_when_disk_is_full_then_told(void **state)
{
    static const char *const worlds[] = {"empty", "busy", "long"};
    (void)state;

    for (size_t w = 0; w < COUNT(worlds); w++) {
        for (int kind = 0; kind < SIMNET_EXPORT_KIND_COUNT; kind++) {
            FILE *full = fopen("/dev/full", "wb");
            struct simnet_world *world = export_world(worlds[w]);
            struct simnet_error error = {""};
            assert_non_null(full);
            struct simnet_export *export =
                simnet_export_to(world, (enum simnet_export_kind)kind, full, "full.x", NULL);
            simnet_world_run(world, SIPC_NEVER);
            assert_false(simnet_export_close(export, &error));
            assert_string_equal(error.text, "full.x: cannot be written: No space left on device");
            simnet_world_free(world);
            fclose(full);
        }
    }
}

static void test_writing_after_a_failure_stops(void **state)
{
    struct simnet_world *world = export_world("long");
    FILE *full = fopen("/dev/full", "wb");
    struct simnet_error error;
    (void)state;

    assert_non_null(full);
    struct simnet_export *export =
        simnet_export_to(world, SIMNET_EXPORT_NDJSON, full, "full", NULL);
    simnet_world_run(world, SIPC_NEVER);
    assert_int_equal(export->error, ENOSPC);
    assert_true(simnet_world_events(world) > 1000);
    assert_false(simnet_export_close(export, &error));
    simnet_world_free(world);
    fclose(full);
}

/* ---- options ---- */

static void test_window_of_time_includes_its_edges(void **state)
{
    static const struct {
        sipc_time from_ns, to_ns;
        size_t lines; /* behind the header */
    } rows[] = {
        {0, 0, 8},
        {0, 1, 5},
        {1, 0, 3},
        {5000000, 5000000, 3},
        {5000001, 0, 0},
        {0, 4999999, 5},
        {4999999, 5000000, 3},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_export_options options = {.from_ns = rows[i].from_ns, .to_ns = rows[i].to_ns};
        size_t size;
        char *text = trace_of("broken", SIMNET_EXPORT_NDJSON, &options, &size, NULL);
        if (count_of(text, "\n") != rows[i].lines + 1)
            fail_msg("row %zu:\n%s", i, text);
        free(text);
    }
}

static void test_bytes_and_passes_only_when_asked_for(void **state)
{
    size_t size;
    (void)state;

    char *plain = trace_of("three", SIMNET_EXPORT_NDJSON, NULL, &size, NULL);
    char *full =
        trace_of("three", SIMNET_EXPORT_NDJSON,
                 &(struct simnet_export_options){.bytes = true, .passes = true}, &size, NULL);
    assert_int_equal(count_of(plain, "\"payload\":"), 0);
    assert_int_equal(count_of(plain, "\"data\":"), 0);
    assert_int_equal(count_of(plain, "\"stage\":\"serialise\""), 0);
    assert_true(count_of(full, "\"payload\":") > 0);
    assert_int_equal(count_of(full, "\"data\":"), count_of(full, "\"kind\":\"deliver\""));
    assert_true(count_of(full, "\"stage\":\"serialise\"") > 0);
    free(plain);
    free(full);
}

/* Every item is drawn or counted, whatever the limit. */
static void test_ladder_draws_as_many_rows_as_told(void **state)
{
    static const uint32_t limits[] = {1, 2, 3, 10, 47, 1000};
    size_t size, all;
    (void)state;

    char *whole = trace_of("outage", SIMNET_EXPORT_SVG,
                           &(struct simnet_export_options){.rows = 1000}, &size, NULL);
    all = count_of(whole, "<g class=\"pdu") + count_of(whole, "<g class=\"note") +
          count_of(whole, "<g class=\"banner");
    assert_int_equal(count_of(whole, "not drawn"), 0);
    free(whole);
    for (size_t i = 0; i < COUNT(limits) - 1; i++) {
        struct simnet_export_options options = {.rows = limits[i]};
        char wanted[64];
        char *text = trace_of("outage", SIMNET_EXPORT_SVG, &options, &size, NULL);
        size_t drawn = count_of(text, "<g class=\"pdu") + count_of(text, "<g class=\"note") +
                       count_of(text, "<g class=\"banner");
        assert_int_equal(drawn, limits[i] + 1); /* and the banner that counts the others */
        snprintf(wanted, sizeof wanted, ">%zu more datagrams and notes", all - limits[i]);
        if (strstr(text, wanted) == NULL)
            fail_msg("limit %u: no %s", limits[i], wanted);
        free(text);
    }
}

static void test_ladder_memory_is_bounded_by_its_rows(void **state)
{
    struct simnet_world *world = export_world("long");
    FILE *file = tmpfile();
    struct simnet_error error;
    (void)state;

    assert_non_null(file);
    struct simnet_export *export = simnet_export_to(world, SIMNET_EXPORT_SVG, file, "x",
                                                    &(struct simnet_export_options){.rows = 10});
    simnet_world_run(world, SIPC_NEVER);
    const struct ladder *ladder = export->self;
    assert_int_equal(ladder_count(ladder), 10);
    assert_true(ladder->forgotten > 1000);
    assert_true(ladder->places.capacity <= 128);
    assert_true(simnet_export_close(export, &error));
    simnet_world_free(world);
    fclose(file);
}

/* ---- JSON and names ---- */

static void test_json_of_values(void **state)
{
    struct json json = {0};
    (void)state;

    json_open(&json, NULL, '{');
    json_u64(&json, "a", 0);
    json_u64(&json, "b", UINT64_MAX);
    json_i64(&json, "c", INT64_MIN);
    json_i64(&json, "d", -1);
    json_decimal(&json, "e", 1, 6);
    json_decimal(&json, "f", 1234567, 6);
    json_bool(&json, "g", true);
    json_open(&json, "h", '[');
    json_text(&json, NULL, "\"\\\n\x7f\xc3\xbc\xff<");
    json_text(&json, NULL, NULL);
    json_hex(&json, NULL, (const uint8_t *)"\x00\xfe", 2);
    json_close(&json, ']');
    json_id(&json, "i", UINT64_C(0x0123456789abcdef));
    json_text_of(&json, "j", (const uint8_t *)"a\0b", 3);
    json_close(&json, '}');
    json_raw(&json, "", 1);
    assert_string_equal(json.text,
                        "{\"a\":0,\"b\":18446744073709551615,\"c\":-9223372036854775808,\"d\":-1,"
                        "\"e\":0.000001,\"f\":1.234567,\"g\":true,"
                        "\"h\":[\"\\\"\\\\\\u000a\\u007f\xc3\xbc\xef\xbf\xbd<\",\"00fe\"],"
                        "\"i\":\"0123456789abcdef\",\"j\":\"a\\u0000b\"}");
    json_fini(&json);
}

static void test_names_of_spans_of_time(void **state)
{
    static const struct {
        sipc_time ns;
        const char *name;
    } rows[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1 \xc2\xb5s"},
        {1500, "1.5 \xc2\xb5s"},
        {999999, "999.999 \xc2\xb5s"},
        {1000000, "1 ms"},
        {10000000, "10 ms"},
        {100000000, "100 ms"},
        {1000000000, "1 s"},
        {UINT64_C(3600000000000), "3600 s"},
        {1234567890, "1.234 s"},
        {1010000000, "1.01 s"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[32];
        export_name_span(rows[i].ns, name, sizeof name);
        assert_string_equal(name, rows[i].name);
    }
}

static void test_names_of_harm(void **state)
{
    static const struct {
        uint8_t corruption, copy;
        uint64_t value;
        uint32_t extra;
        const char *name;
    } rows[] = {
        {SIMNET_PASS, 0, 0, 0, ""},
        {SIMNET_PASS, 2, 0, 0, "copy 2"},
        {SIMNET_FLIP, 0, 9, 1, "1 bit flipped from bit 9"},
        {SIMNET_FLIP, 1, 9, 3, "3 bits flipped from bit 9, copy 1"},
        {SIMNET_TRUNCATE, 0, 0, 0, "cut to 0 B"},
        {SIMNET_EXTEND, 0, 1024, 0, "1024 B appended"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[128];
        struct simnet_datagram datagram = {.corruption = rows[i].corruption,
                                           .corruption_value = rows[i].value,
                                           .corruption_extra = rows[i].extra,
                                           .copy = rows[i].copy};
        export_name_harm(&datagram, name, sizeof name);
        assert_string_equal(name, rows[i].name);
    }
}

/* ---- libpcap ---- */

static void test_capture_read_by_libpcap(void **state)
{
    static const struct {
        bool user0;
        int link_type, overhead;
    } rows[] = {{false, DLT_IPV4, 28}, {true, DLT_USER0, 0}};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_export_options options = {.user0 = rows[i].user0};
        char *text, problem[PCAP_ERRBUF_SIZE];
        size_t size, packets = 0, bytes;
        text = trace_of("busy", SIMNET_EXPORT_NDJSON, NULL, &bytes, NULL);
        size_t expected =
            count_of(text, "\"verdict\":\"pass\"") + count_of(text, "\"verdict\":\"drop\"");
        free(text);
        text = trace_of("busy", SIMNET_EXPORT_PCAPNG, &options, &size, NULL);
        FILE *file = fmemopen(text, size, "rb");
        assert_non_null(file);
        pcap_t *reader =
            pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, problem);
        assert_non_null(reader);
        assert_int_equal(pcap_datalink(reader), rows[i].link_type);
        struct pcap_pkthdr *header;
        const u_char *data;
        int got;
        while ((got = pcap_next_ex(reader, &header, &data)) == 1) {
            packets++;
            assert_true(header->caplen == header->len && header->len >= (unsigned)rows[i].overhead);
        }
        if (got != PCAP_ERROR_BREAK)
            fail_msg("%s", pcap_geterr(reader));
        assert_int_equal(packets, expected);
        pcap_close(reader);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_of_path_by_its_suffix),
        cmocka_unit_test(test_open_when_file_cannot_be_made_then_told),
        cmocka_unit_test(test_close_of_nothing_is_fine),
        cmocka_unit_test(test_traces_change_nothing_and_repeat),
        cmocka_unit_test(test_unobserve_takes_one_away_and_its_wants),
        cmocka_unit_test(test_close_when_disk_is_full_then_told),
        cmocka_unit_test(test_writing_after_a_failure_stops),
        cmocka_unit_test(test_window_of_time_includes_its_edges),
        cmocka_unit_test(test_bytes_and_passes_only_when_asked_for),
        cmocka_unit_test(test_ladder_draws_as_many_rows_as_told),
        cmocka_unit_test(test_ladder_memory_is_bounded_by_its_rows),
        cmocka_unit_test(test_json_of_values),
        cmocka_unit_test(test_names_of_spans_of_time),
        cmocka_unit_test(test_names_of_harm),
        cmocka_unit_test(test_capture_read_by_libpcap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
