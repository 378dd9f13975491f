/* Fuzz target: PDUs built of fields. Oracles: bytes written one after the other here are what the
 * encoder writes, of options and of the whole; it refuses what pdu.h says it refuses, and nothing
 * else, at every boundary of sizes and room; what it wrote decodes as check_pdu.h wants it, and to
 * the fields it was made of.
 *
 * An input is a program: fields and sizes, most of them chosen from boundaries.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "targets/check_pdu.h"
#include "targets/reference_pdu.h"
#include "targets/take.h"
#include "targets/target.h"

const uint32_t target_ops = 0;

enum { OPTIONS_MAX = 12, TEXT_MAX = 65537, BYTES_MAX = OPTIONS_MAX * 65540 + 65600 };

struct option {
    struct sipc_span name, value;
    uint32_t id;    /* encoded by its own function where it is a boolean or an integer */
    int32_t number; /* then */
};

struct plan {
    uint8_t session[SIPC_SESSION_ID_SIZE];
    int64_t window_id;
    int32_t seq_nr;
    uint8_t opcode;
    struct option options[OPTIONS_MAX];
    size_t option_count;
    size_t data_size;
    size_t room; /* for the whole */
};

static uint8_t pattern[TEXT_MAX];   /* data, and long values */
static uint8_t names[TEXT_MAX + 1]; /* no NUL in it */
static uint8_t expected[BYTES_MAX];
static size_t expected_size;

/* ---- the plain way ---- */

static void put(const void *bytes, size_t size)
{
    FUZZ_CHECK(size <= BYTES_MAX - expected_size, "room for what is expected");
    memcpy(expected + expected_size, bytes, size);
    expected_size += size;
}

static void put_number(uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--)
        put(&(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

static void put_option(const struct option *option)
{
    size_t length = option->name.size + option->value.size + 1;

    put_number(length, 2);
    put(option->name.data, option->name.size);
    put_number(0, 1);
    put_number(length, 2);
    put(option->value.data, option->value.size);
}

static bool is_sayable(const struct option *option)
{
    return option->name.size + option->value.size <= 65534 &&
           memchr(option->name.data, 0, option->name.size) == NULL;
}

/* ---- what an input asks for ---- */

static uint64_t choose(struct take *take, const uint64_t *from, unsigned count, unsigned width)
{
    unsigned which = take_byte(take) % (count + 2);

    return which < count ? from[which] : take_number(take, which == count ? 1 : width);
}

static void plan_known(struct take *take, unsigned bit, struct option *option)
{
    static const uint64_t numbers[] = {0, 1, 99, 100, 199, 200, 299, 300, INT32_MAX, UINT32_MAX};
    static char texts[OPTIONS_MAX][12];
    static unsigned turn;
    char *text = texts[turn++ % OPTIONS_MAX];
    const char *name = reference_names[bit];

    option->id = 1u << bit;
    option->number = bit < 5 ? take_byte(take) & 1 : (int32_t)choose(take, numbers, 10, 4);
    option->name = (struct sipc_span){(const uint8_t *)name, strlen(name)};
    snprintf(text, 12, "%d", option->number);
    if (bit < 5)
        strcpy(text, option->number != 0 ? "True" : "False");
    option->value = (struct sipc_span){(const uint8_t *)text, strlen(text)};
}

static void plan_option(struct take *take, struct option *option)
{
    static const uint64_t sizes[] = {0, 1, 4, 65533, 65534, 65535};
    unsigned kind = take_byte(take);

    *option = (struct option){0};
    if (kind % 16 < 9) {
        plan_known(take, kind % 16, option);
        return;
    }
    option->name = (struct sipc_span){names, choose(take, sizes, kind < 128 ? 3 : 6, 1)};
    size_t left = option->name.size < 65534 ? 65534 - option->name.size : 0;
    const uint64_t values[] = {0, 1, left, left + 1, 400};
    option->value = (struct sipc_span){pattern + kind % 7, choose(take, values, 5, 1)};
    if (option->value.size > TEXT_MAX - 8)
        option->value.size = TEXT_MAX - 8;
    if (kind % 16 == 15 && option->name.size < 400) { /* with a NUL in it */
        option->name.data = pattern;
    } else if (kind % 16 == 14) {
        option->name = (struct sipc_span){(const uint8_t *)"s_traceId", 9};
    }
}

static void plan_read(struct take *take, struct plan *plan)
{
    static const uint64_t windows[] = {0, 100, 9000000000000000, INT64_MAX, UINT64_MAX, 1u << 31};
    static const uint64_t seqs[] = {0, 1, INT32_MAX, UINT32_MAX, (uint64_t)1 << 31};
    static const uint8_t opcodes[] = {1, 2, 3, 4, 5, 6, 0, 7, 0x7e, 0xff};
    size_t options = 0;

    plan->opcode = opcodes[take_byte(take) % sizeof opcodes];
    for (size_t i = 0, from = take_byte(take); i < sizeof plan->session; i++)
        plan->session[i] = (uint8_t)(from + i * from);
    plan->window_id = (int64_t)choose(take, windows, 6, 8);
    plan->seq_nr = (int32_t)choose(take, seqs, 5, 4);
    plan->option_count = take_byte(take) % OPTIONS_MAX;
    for (size_t i = 0; i < plan->option_count; i++) {
        plan_option(take, &plan->options[i]);
        if (is_sayable(&plan->options[i]))
            options += plan->options[i].name.size + plan->options[i].value.size + 5;
    }
    size_t most = options < 65500 - 57 ? 65500 - 57 - options : 0;
    const uint64_t data[] = {0, 1, most, most + 1, most > 0 ? most - 1 : 0, 65535};
    plan->data_size = choose(take, data, 6, 2);
    size_t whole = 57 + options + plan->data_size;
    const uint64_t rooms[] = {whole, whole - 1, whole + 1, 65500, 65535, 57, 56, 0};
    plan->room = choose(take, rooms, 8, 2);
}

/* ---- the encoder ---- */

static enum sipc_status encode_option(const struct option *option, uint8_t *out, size_t size,
                                      size_t *used)
{
    if (option->id == 0)
        return sipc_option_encode(option->name, option->value, out, size, used);
    if (option->id <= SIPC_OPT_IS_WINDOW_FULL)
        return sipc_option_encode_bool(option->id, option->number != 0, out, size, used);
    return sipc_option_encode_int(option->id, option->number, out, size, used);
}

/* All that can be said, with exactly the room they need, and each before with one byte less. */
static uint8_t *encode_options(const struct plan *plan)
{
    uint8_t *out = check_allocate(expected_size);
    size_t used = 0;

    for (size_t i = 0; i < plan->option_count; i++) {
        const struct option *option = &plan->options[i];
        size_t need = option->name.size + option->value.size + 5, before = used;
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, sipc_option_size(option->name, option->value) == need,
                        "bytes of an option");
        if (!is_sayable(option)) {
            FUZZ_CHECK_RULE(SIPC_RULE_OPT_1,
                            encode_option(option, out, expected_size, &used) == SIPC_E_INVALID &&
                                used == before,
                            "what no option can say is refused");
            continue;
        }
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_1,
                        encode_option(option, out, used + need - 1, &used) == SIPC_E_NO_SPACE &&
                            used == before,
                        "an option needs its room");
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_1,
                        encode_option(option, out, used + need, &used) == SIPC_OK &&
                            used == before + need,
                        "an option with its room is encoded");
        FUZZ_CHECK_RULE(option->id != 0 ? SIPC_RULE_OPT_3 : SIPC_RULE_OPT_1,
                        memcmp(out + before, expected + before, need) == 0, "bytes of an option");
    }
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, used == expected_size, "bytes of all options");
    return out;
}

static void put_pdu(const struct plan *plan, struct sipc_span options)
{
    expected_size = 0;
    put_number(57 + options.size + plan->data_size, 2);
    put(plan->session, sizeof plan->session);
    put_number((uint64_t)plan->window_id, 8);
    put_number((uint32_t)plan->seq_nr, 4);
    put_number(plan->opcode, 1);
    put(options.data, options.size);
    put_number(0, 2);
    put(plan->session, 8);
    put(pattern, plan->data_size);
}

/* The fields that the PDU was made of are those it decodes to, unless it is one to be discarded. */
static void check_fields(const struct plan *plan, struct sipc_span bytes)
{
    struct sipc_pdu pdu;
    struct sipc_option option;

    if (check_pdu(bytes) != SIPC_DISCARD_NONE)
        return;
    (void)sipc_pdu_decode(bytes, &pdu);
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1,
                    pdu.window_id == plan->window_id && pdu.seq_nr == plan->seq_nr &&
                        pdu.opcode == plan->opcode && pdu.data.size == plan->data_size,
                    "fields are what they were");
    for (size_t i = 0; i < plan->option_count; i++) {
        const struct option *want = &plan->options[i];
        if (!is_sayable(want))
            continue;
        bool found = sipc_option_next(&pdu.options, &option);
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_1,
                        found && option.name.size == want->name.size &&
                            option.value.size == want->value.size &&
                            (want->id == 0 || option.id == want->id),
                        "options are what they were");
    }
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, pdu.options.size == 0, "no option more");
}

/* `head`: everything before the data, made without it; what it needs of room is its own. */
static void check_status(const struct plan *plan, enum sipc_status status, size_t size, size_t room)
{
    bool negative = plan->window_id < 0 || plan->seq_nr < 0;
    bool opcode = plan->opcode >= 1 && plan->opcode <= 6;
    bool fits = expected_size <= 65500 && size <= room;
    bool good = status == SIPC_OK           ? fits && opcode && !negative
                : status == SIPC_E_NO_SPACE ? !fits
                                            : negative || !opcode;

    FUZZ_CHECK_RULE(negative  ? SIPC_RULE_WIRE_4
                    : !opcode ? SIPC_RULE_WIRE_6
                              : SIPC_RULE_WIRE_2,
                    good, "what is refused, and why");
}

static void check_build(const struct plan *plan, struct sipc_span options)
{
    struct sipc_pdu_parts parts = {plan->session, plan->window_id, plan->seq_nr,
                                   plan->opcode,  options,         {pattern, plan->data_size}};
    size_t used = 0, head = expected_size - plan->data_size;
    uint8_t *out = check_allocate(plan->room);
    enum sipc_status status = sipc_pdu_encode(&parts, out, plan->room, &used);

    check_status(plan, status, expected_size, plan->room);
    if (status == SIPC_OK) {
        FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, used == expected_size && memcmp(out, expected, used) == 0,
                        "bytes of a PDU");
        check_fields(plan, (struct sipc_span){out, used});
    }
    free(out);
    out = check_allocate(head); /* without the data, and with the options in their place */
    if (options.size > 0)
        memcpy(out + SIPC_PDU_HEAD_SIZE, options.data, options.size);
    parts.options.data = out + SIPC_PDU_HEAD_SIZE;
    status = sipc_pdu_encode_head(&parts, plan->data_size, out, head, &used);
    check_status(plan, status, head, head);
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1,
                    status != SIPC_OK || (used == head && memcmp(out, expected, head) == 0),
                    "bytes before the data");
    FUZZ_CHECK(sipc_pdu_encode_head(&parts, plan->data_size, out, head - 1, &used) != SIPC_OK,
               "a head needs its room");
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct take take = {data, size};
    struct plan plan;

    for (size_t i = 0; pattern[1] == 0 && i < TEXT_MAX; i++) {
        pattern[i] = (uint8_t)(i % 251);
        names[i] = (uint8_t)('a' + i % 26);
    }
    plan_read(&take, &plan);
    expected_size = 0;
    for (size_t i = 0; i < plan.option_count; i++)
        if (is_sayable(&plan.options[i]))
            put_option(&plan.options[i]);
    size_t option_size = expected_size;
    uint8_t *options = encode_options(&plan);
    put_pdu(&plan, (struct sipc_span){options, option_size});
    check_build(&plan, (struct sipc_span){options, option_size});
    free(options);
    target_note(expected_size);
    return 0;
}
