/* Fuzz target: any bytes as a capture, as the text of an address, as a list of probes. Oracles:
 * reading ends, at the end of the bytes or with an offset within them and a reason; frames and PDUs
 * are numbered in order; what is given out as a PDU is one; nothing is given out twice. The parts
 * of a frame are in it, and checksums that were computed are right. What is said of the path that
 * the packets took adds up. An address that was read is read again from its text. The last
 * reading has little room, and a device that fails behind the bytes, which must be told.
 * SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "path.h"
#include "pcapt/parts.h"

enum { PORT = 40001, ADDRESS_SIZE = 80, INTERFACES = 4 };

const uint32_t target_ops = 0;

static uint64_t sum;

/* What is made of one capture. */
struct taken {
    struct path_capture all;
    struct path_capture machines[2]; /* by interface, as if each were a machine's */
};

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

/* ---- addresses ---- */

static bool reads_again(const char *text)
{
    struct pcapt_address address, again;
    char written[PCAPT_ADDRESS_TEXT];

    if (!pcapt_address_parse(text, &address))
        return false;
    return pcapt_address_parse(pcapt_address_text(&address, written), &again) &&
           memcmp(&address, &again, sizeof again) == 0;
}

static void as_address(const uint8_t *data, size_t size)
{
    struct pcapt_address address;
    char text[ADDRESS_SIZE] = "";

    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    FUZZ_CHECK(!pcapt_address_parse(text, &address) || reads_again(text),
               "an address is read again from its text");
}

/* ---- frames, packets ---- */

static void check_parts(void *ctx, const struct pcapt_frame *frame)
{
    struct pcapt_parts parts, again;
    struct pcapt_frame copy = *frame;

    (void)ctx;
    if (!pcapt_frame_parts(frame, PCAPT_LINK_USER0, &parts))
        return;
    FUZZ_CHECK(parts.network <= frame->size && parts.transport <= frame->size &&
                   parts.payload <= frame->size && parts.size <= frame->size - parts.payload,
               "parts of a frame are in it");
    if (parts.family == 0)
        return;
    uint8_t *bytes = malloc(frame->size), *twice = malloc(frame->size);
    FUZZ_CHECK(bytes != NULL && twice != NULL, "out of memory");
    memcpy(bytes, frame->data, frame->size);
    pcapt_frame_checksums(bytes, &parts);
    copy.data = bytes;
    FUZZ_CHECK(pcapt_frame_parts(&copy, PCAPT_LINK_USER0, &again) &&
                   parts.transport == again.transport && parts.payload == again.payload &&
                   parts.size == again.size,
               "checksums are no lengths");
    memcpy(twice, bytes, frame->size);
    pcapt_frame_checksums(twice, &parts);
    FUZZ_CHECK(memcmp(bytes, twice, frame->size) == 0, "checksums stay what they are");
    free(bytes);
    free(twice);
}

static void take_packet(void *ctx, const struct pcapt_seen *seen)
{
    struct taken *taken = ctx;
    char text[PCAPT_ADDRESS_TEXT];

    FUZZ_CHECK(reads_again(pcapt_address_text(&seen->flow->source, text)) &&
                   reads_again(pcapt_address_text(&seen->flow->destination, text)),
               "an address is read again from its text");
    path_capture_packet(&taken->all, seen);
    path_capture_packet(&taken->machines[seen->frame->interface % 2], seen);
}

/* ---- the path ---- */

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
        FUZZ_CHECK(path_sample_rank(&way->trips, 0) <= path_sample_rank(&way->trips, 500) &&
                       path_sample_rank(&way->trips, 500) <= path_sample_rank(&way->trips, 1000),
                   "ranks are in their order");
        FUZZ_CHECK(fit.sent == way->count && fit.lost <= fit.sent, "no more is lost than was sent");
        FUZZ_CHECK(fit.lost <= way->counts.lost_behind + way->counts.lost_before,
                   "what is lost is counted");
        FUZZ_CHECK(fit.to_bad_ppm <= 1000000 && fit.to_good_ppm <= 1000000 &&
                       fit.lose_bad_ppm <= 1000000,
                   "shares are at most the whole");
    }
    path_free(path);
}

/* As one capture in the middle, by flags as one of both ends, and as two: by interface, or, where
 * there is one, the same twice. */
static void take_path(struct taken *taken)
{
    const struct pcapt_address anybody = {.family = 0};
    const struct pcapt_address host = path_host(&taken->all, &anybody);
    struct path_capture *near = &taken->all, *far = &taken->all;
    struct path path = {0};

    if (taken->machines[1].count > 0) {
        near = &taken->machines[0];
        far = &taken->machines[1];
    }
    path_of_ends(&path, &taken->all, NULL, &host, &anybody);
    check_path(&path);
    path_of_ends(&path, near, far, &host, &anybody);
    check_path(&path);
    path_of_tap(&path, &taken->all, &host, &anybody);
    check_path(&path);
    near = &taken->machines[0]; /* trackers write into records: these have not been looked at */
    if (near->flow_count > 0) { /* what one who knows both ends asks for */
        const struct path_flow *flow = &near->flows[near->flow_count - 1];
        const struct pcapt_address asked = path_host(near, &flow->ends[1]);
        path_of_tap(&path, near, &asked, &flow->ends[0]);
        check_path(&path);
    }
    path_capture_free(&taken->all);
    path_capture_free(&taken->machines[0]);
    path_capture_free(&taken->machines[1]);
}

/* As what was measured of one way or the other, if it begins as numbers do. */
static void as_lists(const uint8_t *data, size_t size)
{
    static FILE *file;
    char name[32], error[PATH_ERROR_BYTES];
    struct path path;

    if (size == 0 || data[0] < '0' || data[0] > '9')
        return;
    if (file == NULL)
        file = tmpfile();
    FUZZ_CHECK(file != NULL, "nowhere to write");
    rewind(file);
    FUZZ_CHECK(ftruncate(fileno(file), 0) == 0 && fwrite(data, 1, size, file) == size &&
                   fflush(file) == 0,
               "nowhere to write");
    snprintf(name, sizeof name, "/dev/fd/%d", fileno(file));
    const struct path_list_options lists[] = {
        {.delays = {name}, .losses = {NULL, name}, .unit_ns = 1000000},
        {.delays = {name, name}, .losses = {name}, .unit_ns = 1, .every_ns = 1000000},
        {.opportunities = {name, NULL}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        *error = '\0';
        FUZZ_CHECK(path_of_lists(&path, &lists[i], error) || *error != '\0',
                   "a refusal has a reason");
        check_path(&path);
    }
}

/* ---- reading ---- */

static void check_source(const struct pcapt_source *source)
{
    struct pcapt_source_interface interface;
    const char *texts[] = {pcapt_source_application(source), pcapt_source_comment(source)};

    for (int i = 0; i < 2; i++)
        sum += texts[i] != NULL ? strlen(texts[i]) : 0;
    sum += pcapt_source_drops(source);
    for (uint32_t i = 0; i < INTERFACES && pcapt_source_interface(source, i, &interface); i++) {
        sum += interface.name != NULL ? strlen(interface.name) : 0;
        sum += interface.description != NULL ? strlen(interface.description) : 0;
    }
    FUZZ_CHECK(!pcapt_source_interface(source, UINT32_MAX, &interface), "there is no such one");
}

/* Bytes as a file, behind which it ends, or cannot be read any more. */
struct device {
    const uint8_t *data;
    size_t size;
    bool fails;
};

static ssize_t device_read(void *cookie, char *out, size_t size)
{
    struct device *device = cookie;
    const size_t got = size < device->size ? size : device->size;

    if (got == 0 && device->fails) {
        errno = EIO;
        return -1;
    }
    memcpy(out, device->data, got);
    device->data += got;
    device->size -= got;
    return (ssize_t)got;
}

static void read_all(struct pcapt_source *source, size_t size, bool fails,
                     const struct pcapt_reader_options *options)
{
    struct pcapt_reader *reader = pcapt_reader_new(source, options);
    struct taken *taken = options != NULL ? options->ctx : NULL;
    const struct pcapt_item *item;
    uint64_t number = 0;
    enum pcapt_status status;

    while ((status = pcapt_reader_next(reader, &item)) == PCAPT_OK) {
        use(item);
        if (taken != NULL) {
            path_capture_pdu(&taken->all, item);
            path_capture_pdu(&taken->machines[item->interface % 2], item);
        }
        if (item->kind == PCAPT_ITEM_PDU)
            FUZZ_CHECK(item->number == ++number, "PDUs are numbered in order");
    }
    const struct pcapt_counts *counts = pcapt_reader_counts(reader);
    FUZZ_CHECK(counts->pdus + counts->not_pdus == number, "all that was given out was counted");
    FUZZ_CHECK(status == PCAPT_BROKEN || (status == PCAPT_END && !fails), "a file ends");
    if (status == PCAPT_BROKEN) {
        const struct pcapt_flaw *flaw = pcapt_source_flaw(source);
        FUZZ_CHECK(flaw->offset <= size && *flaw->reason != '\0', "where and why is told");
    }
    FUZZ_CHECK(pcapt_source_offset(source) <= size, "no more is read than is there");
    check_source(source);
    FUZZ_CHECK((pcapt_reader_frame(reader) != NULL) == (counts->frames > 0), "the last is known");
    FUZZ_CHECK(pcapt_reader_next(reader, &item) == status, "the end stays the end");
    pcapt_reader_free(reader);
}

static void read_with(const uint8_t *data, size_t size, bool fails,
                      const struct pcapt_reader_options *options)
{
    struct pcapt_flaw flaw = {0};
    struct device device = {data, size, fails};
    FILE *file = fopencookie(&device, "rb", (cookie_io_functions_t){.read = device_read});
    FUZZ_CHECK(file != NULL, "out of memory");
    struct pcapt_source *source = pcapt_source_of(file, &flaw);
    FUZZ_CHECK(source != NULL || *flaw.reason != '\0', "a refusal has a reason");
    if (source != NULL)
        read_all(source, size, fails, options);
    pcapt_source_close(source);
}

/* What no bytes come from, and a pcap file of no packets by the reader's own options. */
static void open_nothing(void)
{
    static const char *const paths[] = {"/dev/null", "/", "/dev/null/nothing"};
    static const uint8_t empty[] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, [20] = 0, 0, 0, 1};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct pcapt_flaw flaw = {0};
        FUZZ_CHECK(pcapt_source_open(paths[i], &flaw) == NULL && *flaw.reason != '\0',
                   "a refusal has a reason");
    }
    read_with(empty, sizeof empty, false, NULL);
    pcapt_source_close(NULL);
    pcapt_reader_free(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct taken taken = {.all = {.path = NULL}};
    const struct pcapt_reader_options by_looks = {
        .packet = take_packet, .frame_done = check_parts, .ctx = &taken};
    const struct pcapt_reader_options by_port = {
        .ports = {PORT, PORT + 1}, .port_count = 2, .link_type = PCAPT_LINK_USER0 + 1};
    const struct pcapt_reader_options narrow = {.limits = {.flows = 5,
                                                           .streams = 3,
                                                           .held_segments = 2,
                                                           .held_bytes = 150,
                                                           .all_held_bytes = 200,
                                                           .search_bytes = 100}};

    if (size == 0) {
        open_nothing();
        return 0;
    }
    as_address(data, size);
    as_lists(data, size);
    read_with(data, size, false, &by_looks);
    take_path(&taken);
    read_with(data, size, false, &by_port);
    read_with(data, size, true, &narrow);
    return 0;
}
