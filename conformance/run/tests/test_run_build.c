/* What leaves for a `->` line, byte by byte: each row is an encoded PDU and the bytes that the line
 * makes different. And what cannot be built is told as our error.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

enum { BUILD_PDU_MAX = 70000 };

struct patch {
    size_t at;
    const char *hex; /* NULL: none */
};
struct build_row {
    const char *name;
    const char *line;    /* after "-> " */
    const char *options; /* hex, of the PDU as encoded: data, window id 5, seq_nr 2, data "ab" */
    struct patch patches[3];
    size_t keep;        /* 0: all */
    const char *append; /* hex */
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex != NULL && hex[2 * size] != '\0'; size++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * size, "%2x", &byte), 1);
        out[size] = (uint8_t)byte;
    }
    return size;
}

static size_t build_expected(const struct build_row *row, const uint8_t *session_id, uint8_t *out)
{
    uint8_t options[512];
    const struct sipc_pdu_parts parts = {
        .session_id = session_id,
        .window_id = 5,
        .seq_nr = 2,
        .opcode = SIPC_DATA,
        .options = {options, unhex(row->options, options)},
        .data = {(const uint8_t *)"ab", 2},
    };
    size_t size;

    assert_int_equal(sipc_pdu_encode(&parts, out, BUILD_PDU_MAX, &size), SIPC_OK);
    for (size_t i = 0; i < 3 && row->patches[i].hex != NULL; i++) {
        unhex(row->patches[i].hex, out + row->patches[i].at);
    }
    size = row->keep != 0 ? row->keep : size;
    return size + unhex(row->append, out + size);
}

#define PDU "data 5:2 \"ab\""
/* Of that PDU: 59 bytes, the repeated prefix at 49..56; the session id's last prefix byte differs
 * from case to case, so that row is checked by itself. */

static void test_run_build_when_sent_then_exactly_these_bytes(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct build_row rows[] = {
        {"as the codec writes it", PDU, .options = ""},
        {"options in the order written, repeats too",
         "data 5:2 {last_in_window first_in_window_group=false \"k\"=\"\" last_in_window} \"ab\"",
         .options = "0009735f3031000009547275650" "00a735f3030" "00000a46616c7365"
                    "00026b000002" "0009735f303100000954727565"},
        {"integers, texts, trace ids",
         "data 5:2 {max_window_size=-7 is_window_full=\"yes\" trace_id=\"t\"} \"ab\"",
         .options = "0007735f32300000072d37" "0008735f3130000008796573"
                    "000b735f7472616365496400000b74"},
        {"raw options", "data 5:2 options hex:deadbeef \"ab\"", .options = "deadbeef"},
        {"a negative window id", "data -2:2 \"ab\"", .patches = {{34, "fffffffffffffffe"}}},
        {"a large window id", "data 9E15:2 \"ab\"", .patches = {{34, "001ff973cafa8000"}}},
        {"a negative seq_nr", "data 5:-1 \"ab\"", .patches = {{42, "ffffffff"}}},
        {"a made-up opcode", "opcode(127) 5:2 \"ab\"", .patches = {{46, "7f"}}},
        {"tamper length", PDU " tamper length=$length+1", .patches = {{0, "003c"}}},
        {"tamper byte", PDU " tamper byte[58]=0xfe", .patches = {{58, "fe"}}},
        {"tamper truncate", PDU " tamper truncate=$length-3", .keep = 56},
        {"tamper truncate to nearly nothing", PDU " tamper truncate=1", .keep = 1},
        {"tamper append", PDU " tamper append=hex:00ff", .append = "00ff"},
        {"in order: appended, then the true length",
         PDU " tamper append=hex:00ff tamper length=$length",
         .patches = {{0, "003d"}}, .append = "00ff"},
        {"in order: the length, then appended", PDU " tamper length=$length tamper append=hex:00ff",
         .append = "00ff"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_sut fake = {0};
        struct conform_record record;
        uint8_t expected[512], plain[512];
        char body[512];
        snprintf(body, sizeof body, "test\n-> data 0:0\n-> %s\nquiet 1T\n", rows[i].line);
        fake_run(&fake, body, 0, NULL, &record);
        size_t size = build_expected(&rows[i], fake.rx[0] + 2, expected);
        if (fake.rx_count != 2 || fake.rx_size[1] != size ||
            memcmp(fake.rx[1], expected, size) != 0) {
            print_error("%s\n", rows[i].name);
        }
        assert_int_equal(fake.rx_count, 2);
        assert_int_equal(fake.rx_size[1], size);
        assert_memory_equal(fake.rx[1], expected, size);
        /* A row that leaves the plain PDU as it is would show nothing. */
        size_t plain_size = build_expected(&rows[0], fake.rx[0] + 2, plain);
        assert_true(i == 0 || plain_size != size || memcmp(plain, expected, size) != 0);
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

static void test_run_build_when_prefix_is_tampered_then_its_last_byte_differs(void **ctx)
{
    (void)ctx;
    struct fake_sut fake = {0};
    struct conform_record record;

    fake_run(&fake, "test\n-> " PDU "\n-> " PDU " tamper prefix\nquiet 1T\n", 0, NULL, &record);
    assert_int_equal(fake.rx_size[1], fake.rx_size[0]);
    assert_int_equal(fake.rx[1][56], fake.rx[0][56] ^ 1);
    fake.rx[1][56] ^= 1;
    assert_memory_equal(fake.rx[1], fake.rx[0], fake.rx_size[0]);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_build_when_raw_or_again_then_as_they_are(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1), .options = "k=v"},
                                           {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake,
             "test\n-> data 5:2 {skip} \"ab\" #d\n<- data_ack 0:0 {*} #a\n-> #d\n-> #a\n"
             "-> raw hex:00ff\n-> raw \"\"\n-> raw \"q\" #r\n-> #r\n"
             "-> data 5:2 session_id="
             "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \"ab\"\n"
             "quiet 1T\n",
             0, NULL, &record);
    assert_int_equal(record.verdict, CONFORM_PASS);
    assert_int_equal(fake.rx_count, 8);
    assert_int_equal(fake.rx_size[1], fake.rx_size[0]);
    assert_memory_equal(fake.rx[1], fake.rx[0], fake.rx_size[0]);
    assert_int_equal(fake.rx[2][46], SIPC_DATA_ACK);
    assert_int_equal(fake.rx_size[3], 2);
    assert_memory_equal(fake.rx[3], "\x00\xff", 2);
    assert_int_equal(fake.rx_size[4], 0);
    assert_int_equal(fake.rx_size[6], 1);
    assert_int_equal(fake.rx[6][0], 'q');
    for (uint8_t i = 0; i < SIPC_SESSION_ID_SIZE; i++) {
        assert_int_equal(fake.rx[7][2 + i], i);
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

/* The length field counts up to 65,535, more than any SUT has to take (WIRE-2). */
static void test_run_build_when_longer_than_allowed_then_sent_all_the_same(void **ctx)
{
    (void)ctx;
    static const size_t sizes[] = {57, 65500, 65501, 65535};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fake_sut fake = {0};
        struct conform_record record;
        char body[128];
        snprintf(body, sizeof body, "test\n-> data 0:0 bytes(%zu, 3)\nquiet 1T\n", sizes[i] - 57);
        fake_run(&fake, body, 0, NULL, &record);
        assert_int_equal(fake.rx_size[0], sizes[i]);
        assert_int_equal((size_t)fake.rx[0][0] << 8 | fake.rx[0][1], sizes[i]);
        for (size_t at = 57; at < sizes[i]; at++) {
            assert_int_equal(fake.rx[0][at], (at - 57 + 3) % 251);
        }
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

static void test_run_build_when_impossible_then_our_error(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "over the length field",
         .body = "test\n-> data 0:0 bytes(65535-56)\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6,
         .reason = "the PDU has 65536 bytes; its length field ends at 65535"},
        {.name = "options over a PDU",
         .body = "test\n-> data 0:0 {trace_id=bytes(65500)}\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6,
         .reason = "option 1 of the PDU cannot be written: too long"},
        {.name = "a NUL in a name",
         .body = "test\n-> data 0:0 {\"a\\0b\"=\"\"}\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "a NUL in its name"},
        {.name = "truncated beyond its end",
         .body = "test\n-> data 0:0 tamper truncate=58\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper truncate is 58, must be 0..57"},
        {.name = "a byte beyond its end",
         .body = "test\n-> data 0:0 tamper byte[57]=0\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper byte's place is 57, must be 0..56"},
        {.name = "a byte of a byte's range",
         .body = "test\n-> data 0:0 tamper byte[0]=256\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper byte is 256, must be 0..255"},
        {.name = "the length of nothing",
         .body = "test\n-> data 0:0 tamper truncate=1 tamper length=0\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper length: the PDU has 1 bytes"},
        {.name = "a prefix that is gone",
         .body = "test\n-> data 0:0 tamper truncate=56 tamper prefix\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper prefix: it is cut off already"},
        {.name = "$length outside of tamper",
         .body = "test\n-> data 0:0 tamper length=$length+65536\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "tamper length is 65593, must be 0..65535"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

/* ---- session ids ---- */

static void build_session_ids(uint64_t seed, const char *body, size_t index, uint8_t (*ids)[32])
{
    const struct conform_run_options options = {.seed = seed, .no_judge = true};
    struct fake_sut fake = {0};
    struct conform_record record;

    fake_run(&fake, body, index, &options, &record);
    assert_int_equal(fake.rx_count, 2);
    memcpy(ids[0], fake.rx[0] + 2, 32);
    memcpy(ids[1], fake.rx[1] + 2, 32);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_build_session_ids_when_seed_case_or_name_differ_then_they_do(void **ctx)
{
    (void)ctx;
    static const char body[] = "param n in 1, 2\ntest\n-> data $n:0\n"
                               "-> data $n:0 session=T\nquiet 1T\n";
    uint8_t ids[8][32];

    build_session_ids(1, body, 0, &ids[0]);
    build_session_ids(1, body, 1, &ids[2]);
    build_session_ids(2, body, 0, &ids[4]);
    build_session_ids(1, body, 0, &ids[6]);
    assert_memory_equal(ids[6], ids[0], 32);
    assert_memory_equal(ids[7], ids[1], 32);
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(ids[i], ids[k], 8); /* not even the prefix (WIRE-5) */
        }
    }
}

/* ---- $seed ---- */

/* The window id of the first PDU: 0..INT32_MAX, so its last four bytes. */
static uint32_t build_seed(uint64_t seed, size_t index)
{
    static const char body[] = "param n in 1, 2\ntest\n-> data $seed:$n\nquiet 1T\n";
    const struct conform_run_options options = {.seed = seed, .no_judge = true};
    struct fake_sut fake = {0};
    struct conform_record record;
    uint32_t value = 0;

    fake_run(&fake, body, index, &options, &record);
    assert_int_equal(fake.rx_count, 1);
    for (size_t i = 34; i < 38; i++) {
        assert_int_equal(fake.rx[0][i], 0);
        value = value << 8 | fake.rx[0][i + 4];
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
    return value;
}

static void test_run_build_seed_when_seed_or_case_differ_then_it_does(void **ctx)
{
    (void)ctx;
    const uint32_t first = build_seed(1, 0);
    assert_true(first <= INT32_MAX);
    assert_int_equal(build_seed(1, 0), first);
    assert_int_not_equal(build_seed(1, 1), first);
    assert_int_not_equal(build_seed(2, 0), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_build_when_sent_then_exactly_these_bytes),
        cmocka_unit_test(test_run_build_when_prefix_is_tampered_then_its_last_byte_differs),
        cmocka_unit_test(test_run_build_when_raw_or_again_then_as_they_are),
        cmocka_unit_test(test_run_build_when_longer_than_allowed_then_sent_all_the_same),
        cmocka_unit_test(test_run_build_when_impossible_then_our_error),
        cmocka_unit_test(test_run_build_session_ids_when_seed_case_or_name_differ_then_they_do),
        cmocka_unit_test(test_run_build_seed_when_seed_or_case_differ_then_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
