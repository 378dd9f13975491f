/* The pcapng writer, read back with libpcap; sizes and limits of the blocks; UDP wrapping. */
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "pcapt/pcapng.h"

static uint8_t test_payload[65535];
static uint8_t test_wire[PCAPT_UDP_PAYLOAD_MAX + PCAPT_UDP_OVERHEAD + 1];

/* A capture in memory, begun and with one interface. */
struct fixture {
    char *bytes;
    size_t size;
    FILE *file;
    struct pcapt_pcapng capture;
    uint32_t interface;
};

static void fixture_begin(struct fixture *f, const char *comment)
{
    f->file = open_memstream(&f->bytes, &f->size);
    assert_non_null(f->file);
    assert_true(pcapt_pcapng_begin(
        &f->capture, f->file, &(struct pcapt_section){.application = "test", .comment = comment}));
    assert_true(pcapt_pcapng_interface(&f->capture,
                                       &(struct pcapt_interface){.name = "wire",
                                                                 .link_type = PCAPT_LINK_RAW,
                                                                 .snap_length = 65535},
                                       &f->interface));
}

static pcap_t *fixture_open(struct fixture *f)
{
    char error[PCAP_ERRBUF_SIZE];
    assert_int_equal(fclose(f->file), 0);
    FILE *again = tmpfile();
    assert_non_null(again);
    assert_int_equal(fwrite(f->bytes, f->size, 1, again), 1);
    rewind(again);
    pcap_t *reader =
        pcap_fopen_offline_with_tstamp_precision(again, PCAP_TSTAMP_PRECISION_NANO, error);
    if (reader == NULL)
        fail_msg("libpcap: %s", error);
    return reader;
}

static void fixture_end(struct fixture *f, pcap_t *reader)
{
    pcap_close(reader);
    free(f->bytes);
}

static void test_packets_written_read_back_alike(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t at_ns;
        uint32_t size;
    } rows[] = {
        {"empty, time zero", 0, 0},
        {"one byte, padded by three", 1, 1},
        {"four bytes, no padding", 2, 4},
        {"more than 2^32 ns", UINT64_C(4294967296), 5},
        {"today", UINT64_C(1700000000999999999), 1400},
        {"the longest", UINT64_C(1) << 62, 65535},
    };
    struct fixture f;
    fixture_begin(&f, "section");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(pcapt_pcapng_packet(&f.capture, &(struct pcapt_packet){.interface = f.interface,
                                                                           .at_ns = rows[i].at_ns,
                                                                           .data = test_payload,
                                                                           .size = rows[i].size}));
    pcap_t *reader = fixture_open(&f);
    assert_int_equal(pcap_datalink(reader), DLT_RAW);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pcap_pkthdr *head;
        const u_char *data;
        if (pcap_next_ex(reader, &head, &data) != 1)
            fail_msg("%s: %s", rows[i].name, pcap_geterr(reader));
        assert_int_equal(head->caplen, rows[i].size);
        assert_int_equal(head->len, rows[i].size);
        assert_int_equal((uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec,
                         rows[i].at_ns);
        assert_memory_equal(data, test_payload, rows[i].size);
    }
    struct pcap_pkthdr *head;
    const u_char *data;
    assert_int_equal(pcap_next_ex(reader, &head, &data), PCAP_ERROR_BREAK);
    fixture_end(&f, reader);
}

static void test_original_size_when_cut_then_both_lengths_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, NULL);
    assert_true(pcapt_pcapng_packet(
        &f.capture,
        &(struct pcapt_packet){.data = test_payload, .size = 10, .original_size = 1400}));
    pcap_t *reader = fixture_open(&f);
    struct pcap_pkthdr *head;
    const u_char *data;
    assert_int_equal(pcap_next_ex(reader, &head, &data), 1);
    assert_int_equal(head->caplen, 10);
    assert_int_equal(head->len, 1400);
    fixture_end(&f, reader);
}

static void test_comment_when_over_64k_then_cut_between_characters(void **state)
{
    (void)state;
    struct fixture f;
    char *comment = malloc(70001);
    assert_non_null(comment);
    for (size_t i = 0; i + 1 < 70001; i += 2)
        memcpy(comment + i, "\xc3\xbc", 2); /* u umlaut */
    comment[70000] = '\0';
    fixture_begin(&f, comment);
    free(comment);
    assert_true(
        pcapt_pcapng_packet(&f.capture, &(struct pcapt_packet){.data = test_payload, .size = 3}));
    pcap_t *reader = fixture_open(&f);
    struct pcap_pkthdr *head;
    const u_char *data;
    assert_int_equal(pcap_next_ex(reader, &head, &data), 1);
    assert_int_equal(head->caplen, 3);
    /* Section: 28 fixed bytes, "test" (8), then the comment: 65,534 bytes and no half character. */
    uint16_t option[2];
    memcpy(option, f.bytes + 24 + 8, sizeof option);
    assert_int_equal(option[0], 1);
    assert_int_equal(option[1], 65534);
    fixture_end(&f, reader);
}

static void test_packet_when_interface_unknown_then_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, NULL);
    assert_int_equal(fflush(f.file), 0);
    const size_t before = f.size;
    errno = 0;
    assert_false(pcapt_pcapng_packet(
        &f.capture, &(struct pcapt_packet){.interface = 1, .data = test_payload, .size = 1}));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(fflush(f.file), 0);
    assert_int_equal(f.size, before);
    fclose(f.file);
    free(f.bytes);
}

static void test_write_when_disk_full_then_false(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "wb");
    if (full == NULL) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    setvbuf(full, NULL, _IONBF, 0);
    struct pcapt_pcapng capture;
    assert_false(pcapt_pcapng_begin(&capture, full, &(struct pcapt_section){.os = "any"}));
    assert_int_equal(errno, ENOSPC);
    fclose(full);
}

/* The checksum as a receiver verifies it: the sum over everything is 0xffff. */
static uint32_t test_verify(uint32_t sum, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void test_wrap_udp_has_right_lengths_and_checksums(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 57, 1400, 65499, 65500, PCAPT_UDP_PAYLOAD_MAX};
    const struct pcapt_udp_flow flow = {0x0a000102, 0xfffffffe, 40002, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t size = sizes[i];
        const size_t wire = pcapt_wrap_udp(&flow, test_payload, size, test_wire, size + 28);
        assert_int_equal(wire, size + 28);
        assert_int_equal(test_wire[0], 0x45);
        assert_int_equal(test_wire[2] << 8 | test_wire[3], wire);
        assert_int_equal(test_wire[24] << 8 | test_wire[25], size + 8);
        assert_int_equal(test_verify(0, test_wire, 20), 0xffff);
        const uint32_t pseudo = test_verify(17 + (uint32_t)size + 8, test_wire + 12, 8);
        assert_int_equal(test_verify(pseudo, test_wire + 20, size + 8), 0xffff);
        assert_memory_equal(test_wire + 28, test_payload, size);
    }
}

static void test_wrap_udp_when_checksum_is_zero_then_ffff(void **state)
{
    (void)state;
    /* Chosen so that the ones' complement sum is 0xffff, whose complement, 0, would mean "none". */
    const struct pcapt_udp_flow flow = {0, 0, 0, 0};
    uint8_t payload[2] = {0, 0};
    const uint32_t rest = 0xffff - (17 + 10 + 10);
    payload[0] = (uint8_t)(rest >> 8);
    payload[1] = (uint8_t)rest;
    assert_int_equal(pcapt_wrap_udp(&flow, payload, 2, test_wire, sizeof test_wire), 30);
    assert_int_equal(test_wire[26] << 8 | test_wire[27], 0xffff);
}

static void test_wrap_udp_when_it_does_not_fit_then_nothing(void **state)
{
    (void)state;
    const struct pcapt_udp_flow flow = {1, 2, 3, 4};
    test_wire[0] = 0xee;
    assert_int_equal(pcapt_wrap_udp(&flow, test_payload, 10, test_wire, 37), 0);
    assert_int_equal(
        pcapt_wrap_udp(&flow, test_payload, PCAPT_UDP_PAYLOAD_MAX + 1, test_wire, sizeof test_wire),
        0);
    assert_int_equal(test_wire[0], 0xee);
}

int main(void)
{
    for (size_t i = 0; i < sizeof test_payload; i++)
        test_payload[i] = (uint8_t)(i % 251);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_written_read_back_alike),
        cmocka_unit_test(test_original_size_when_cut_then_both_lengths_kept),
        cmocka_unit_test(test_comment_when_over_64k_then_cut_between_characters),
        cmocka_unit_test(test_packet_when_interface_unknown_then_refused),
        cmocka_unit_test(test_write_when_disk_full_then_false),
        cmocka_unit_test(test_wrap_udp_has_right_lengths_and_checksums),
        cmocka_unit_test(test_wrap_udp_when_checksum_is_zero_then_ffff),
        cmocka_unit_test(test_wrap_udp_when_it_does_not_fit_then_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
