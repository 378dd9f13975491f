/* Fuzz target: any bytes as a capture. Oracles: reading ends, at the end of the bytes or with an
 * offset within them and a reason; frames and PDUs are numbered in order; what is given out as a
 * PDU is one; nothing is given out twice. What is said of the path that the packets took adds up.
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "targets/target.h"

#include <string.h>

#include "path.h"

const uint32_t target_ops = 0;

static uint64_t sum;

static void use(const struct pcapt_item *item)
{
    struct sipc_pdu pdu;

    for (size_t i = 0; i < item->bytes.size; i++) /* a sanitizer sees what is not there */
        sum += item->bytes.data[i];
    sum += item->comment != NULL ? strlen(item->comment) : 0;
    FUZZ_CHECK(item->bytes.size <= item->wire_size || item->kind == PCAPT_ITEM_GAP,
               "no more was captured than was sent");
    FUZZ_CHECK(item->first_frame <= item->frame, "a PDU begins before it ends");
    if (pcapt_item_is_pdu(item))
        FUZZ_CHECK(sipc_pdu_decode(item->bytes, &pdu) == SIPC_DISCARD_NONE, "a PDU is one");
}

static void check_path(struct path *path)
{
    static FILE *out;

    if (out == NULL)
        out = fopen("/dev/null", "w");
    FUZZ_CHECK(out != NULL, "nowhere to write");
    path_tell(path, out);
    path_tell_assumed(path, out);
    for (int number = 0; number < 2; number++) {
        const struct path_way *way = &path->ways[number];
        struct path_fit fit;
        path_fit(way, &fit);
        FUZZ_CHECK(fit.sent == way->count && fit.lost <= fit.sent, "no more is lost than was sent");
        FUZZ_CHECK(fit.lost <= way->counts.lost_behind + way->counts.lost_before,
                   "what is lost is counted");
        FUZZ_CHECK(fit.to_bad_ppm <= 1000000 && fit.to_good_ppm <= 1000000 &&
                       fit.lose_bad_ppm <= 1000000,
                   "shares are at most the whole");
    }
    path_free(path);
}

/* As one capture in the middle, by flags as one of both ends, and as two that are the same. */
static void take_path(struct path_capture *capture)
{
    const struct pcapt_address anybody = {.family = 0};
    const struct pcapt_address host = path_host(capture, &anybody);
    struct path path = {0};

    path_of_ends(&path, capture, NULL, &host, &anybody);
    check_path(&path);
    path_of_ends(&path, capture, capture, &host, &anybody);
    check_path(&path);
    path_of_tap(&path, capture, &host, &anybody);
    check_path(&path);
    path_capture_free(capture);
}

static void read_all(struct pcapt_source *source, size_t size)
{
    struct path_capture capture = {0};
    const struct pcapt_reader_options options = {.packet = path_capture_packet, .ctx = &capture};
    struct pcapt_reader *reader = pcapt_reader_new(source, &options);
    const struct pcapt_item *item;
    uint64_t number = 0;
    enum pcapt_status status;

    while ((status = pcapt_reader_next(reader, &item)) == PCAPT_OK) {
        use(item);
        path_capture_pdu(&capture, item);
        if (item->kind == PCAPT_ITEM_PDU)
            FUZZ_CHECK(item->number == ++number, "PDUs are numbered in order");
    }
    const struct pcapt_counts *counts = pcapt_reader_counts(reader);
    FUZZ_CHECK(counts->pdus + counts->not_pdus == number, "all that was given out was counted");
    FUZZ_CHECK(status == PCAPT_END || status == PCAPT_BROKEN, "a file ends");
    if (status == PCAPT_BROKEN) {
        const struct pcapt_flaw *flaw = pcapt_source_flaw(source);
        FUZZ_CHECK(flaw->offset <= size && *flaw->reason != '\0', "where and why is told");
    }
    FUZZ_CHECK(pcapt_reader_next(reader, &item) == status, "the end stays the end");
    pcapt_reader_free(reader);
    take_path(&capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pcapt_flaw flaw = {0};
    uint8_t *copy = malloc(size + 1);
    FUZZ_CHECK(copy != NULL, "out of memory");
    memcpy(copy, data, size);
    FILE *file = size > 0 ? fmemopen(copy, size, "rb") : NULL;

    if (file != NULL) {
        struct pcapt_source *source = pcapt_source_of(file, &flaw);
        FUZZ_CHECK(source != NULL || *flaw.reason != '\0', "a refusal has a reason");
        if (source != NULL)
            read_all(source, size);
        pcapt_source_close(source);
    }
    free(copy);
    return 0;
}
