/* Mutation and crossover of inputs at the level of records: what comes out is an input again, most
 * of it still meaningful. Bytes are left alone but for raw PDUs.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "input/chance.h"
#include "input/input.h"
#include "sipc/pdu.h"

enum { STEPS_MAX = 4, TRIES_MAX = 16 };

static struct chance chance_of(unsigned seed)
{
    struct chance chance = {seed * UINT64_C(0x9e3779b97f4a7c15) + 0x1234567};

    draw(&chance, 2);
    draw(&chance, 2);
    return chance;
}

/* ---- new records ---- */

static const int64_t id_offsets[] = {0, 0, 0, 1, 1, 2, -1, 3, 99, 100, 101, -2, 4, 50, -100, 5};
static const uint16_t seq_nrs[] = {0, 0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 15, 16};
static const uint16_t sizes[] = {0, 1, 8, 20, 100, 400, 440, 455, 500, 900, 1300, 1700, 2047, 2048};
static const int16_t error_codes[] = {0, 0, 0, 250, 251, 252, 253, 254, 200, 299, 300, 150, 199, 1};
static const int16_t nacks[] = {150, 150, 150, 149, 151, 1};
static const uint32_t thousandths[] = {1000, 1000, 1000, 500, 2000, 1, 999, 1001, 3000, 6000, 100};

static void any_who(struct chance *chance, struct sfz_record *record)
{
    if (draw(chance, 8) == 0)
        record->who = (uint8_t)draw(chance, 32);
    else
        record->who = (uint8_t)(draw(chance, 2) << 4);
}

static void any_data(struct chance *chance, struct sfz_record *record)
{
    static const uint8_t flags[] = {
        SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP |
            SIPC_OPT_SKIP,
        SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP,
        SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW,
        SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP,
        SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_SKIP,
        SIPC_OPT_FIRST_IN_WINDOW_GROUP,
        SIPC_OPT_LAST_IN_WINDOW,
        SIPC_OPT_LAST_IN_WINDOW_GROUP,
        SIPC_OPT_SKIP,
        0,
    };
    record->flags = PICK(chance, flags);
    record->seq_nr = PICK(chance, seq_nrs);
    record->anchor = draw(chance, 2) ? SFZ_FROM_OURS : SFZ_FROM_0;
    if (draw(chance, 12) == 0)
        record->code = (int16_t)(draw(chance, 2) ? 2000 : -1);
    record->size = draw(chance, 3) ? (uint16_t)draw(chance, 12) : PICK(chance, sizes);
}

static void any_ack(struct chance *chance, struct sfz_record *record)
{
    record->anchor = draw(chance, 8) ? SFZ_FROM_SENT : SFZ_FROM_0;
    record->seq_nr = PICK(chance, seq_nrs);
    record->flags = draw(chance, 2) ? SIPC_OPT_IS_WINDOW_FULL : 0;
    if (draw(chance, 6) == 0)
        record->code = PICK(chance, error_codes);
    if (draw(chance, 4) == 0)
        record->limit = (uint16_t)(1 + draw(chance, 5));
    if (draw(chance, 2))
        record->id = 0;
}

static void any_pdu(struct chance *chance, struct sfz_record *record)
{
    static const uint8_t opcodes[] = {1, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 1, 2, 0, 0x7f};

    record->opcode = PICK(chance, opcodes);
    record->id = PICK(chance, id_offsets);
    record->from = (uint8_t)draw(chance, 251);
    if (record->opcode == SIPC_DATA) {
        any_data(chance, record);
    } else if (record->opcode == SIPC_CLOSE) {
        record->anchor = SFZ_FROM_OURS;
        record->code = (int16_t)draw(chance, 6);
        record->seq_nr = draw(chance, 8) == 0;
        if (draw(chance, 8) == 0)
            record->code = draw(chance, 2) ? 99 : 100;
    } else {
        any_ack(chance, record);
        if (record->opcode == SIPC_ENQUIRE_LINK_ACK && draw(chance, 2))
            record->code = PICK(chance, nacks);
    }
    if (draw(chance, 10) == 0)
        record->form = (uint8_t)draw(chance, SFZ_FORM_COUNT);
    if (draw(chance, 16) == 0)
        record->anchor = (uint8_t)draw(chance, SFZ_ANCHOR_COUNT);
}

static void any_preset(struct chance *chance, struct sfz_record *record)
{
    static const int64_t offsets[] = {0, 1, 99, 100, 101, 1000, 5000};

    record->anchor = record->anchor2 = (uint8_t)draw(chance, 2);
    record->id = PICK(chance, offsets);
    record->id2 = PICK(chance, offsets);
    if (record->anchor == SFZ_FROM_HIGHEST) {
        record->id = -(int64_t)draw(chance, 103);
        record->id2 = -(int64_t)draw(chance, 103);
    }
    record->kind = (uint8_t)(draw(chance, 3) ? draw(chance, 3) : 90 + draw(chance, 12));
    record->flags = (uint8_t)draw(chance, 4);
}

static void any_fields(struct chance *chance, struct sfz_record *record)
{
    switch (record->op) {
    case SFZ_PDU:
        any_pdu(chance, record);
        break;
    case SFZ_PRESET:
        any_preset(chance, record);
        break;
    case SFZ_SEND:
        record->size = draw(chance, 2) ? (uint16_t)draw(chance, 30) : PICK(chance, sizes);
        record->from = (uint8_t)draw(chance, 251);
        record->flags = (uint8_t)(draw(chance, 2) | (draw(chance, 5) == 0 ? SFZ_UNRELIABLE : 0));
        record->kind = (uint8_t)(draw(chance, 4) ? 0 : draw(chance, SFZ_ATTRIBUTES_COUNT));
        break;
    case SFZ_OPEN:
        record->value = draw(chance, 6) ? 0 : 2000;
        break;
    case SFZ_CLOSE:
        record->value = draw(chance, 2) ? 1 : 1 + draw(chance, 5);
        break;
    case SFZ_DISPOSE:
        record->value = 2;
        break;
    case SFZ_SHUTDOWN:
        record->value = draw(chance, 3) * 1000;
        break;
    case SFZ_SENT:
        record->kind = draw(chance, 3) ? 0 : (uint8_t)draw(chance, 4);
        record->flags = draw(chance, 4) == 0;
        break;
    case SFZ_WAIT:
        record->kind = (uint8_t)(draw(chance, 4) ? SFZ_T : draw(chance, SFZ_UNIT_COUNT));
        record->value = PICK(chance, thousandths);
        record->flags = draw(chance, 3) ? 0 : (uint8_t)(1 + draw(chance, 2));
        break;
    case SFZ_FAULT:
        record->kind = (uint8_t)draw(chance, SFZ_FAULT_COUNT);
        record->value = draw(chance, 3) ? draw(chance, 8) : PICK(chance, thousandths);
        break;
    case SFZ_REPEAT:
        record->kind = (uint8_t)draw(chance, 4);
        break;
    default:
        break;
    }
}

/* Its bytes live until as many more were made: those of one mutation. */
static void any_raw(struct chance *chance, struct sfz_record *record)
{
    static uint8_t made[STEPS_MAX][SFZ_RAW_MAX];
    static unsigned count;
    uint8_t *raw = made[count++ % STEPS_MAX];

    record->raw_size = (uint16_t)sfz_raw_make(chance, sfz_session(record->who), raw);
    record->raw = raw;
}

static struct sfz_record any_record(struct chance *chance, uint32_t ops)
{
    static const uint8_t weights[] = {SFZ_PDU,   SFZ_PDU,    SFZ_PDU,   SFZ_PDU,   SFZ_PDU,
                                      SFZ_SEND,  SFZ_SEND,   SFZ_OPEN,  SFZ_WAIT,  SFZ_WAIT,
                                      SFZ_SENT,  SFZ_SENT,   SFZ_FAULT, SFZ_FAULT, SFZ_REPEAT,
                                      SFZ_CLOSE, SFZ_PRESET, SFZ_RAW};
    struct sfz_record record = {.op = PICK(chance, weights)};

    if (draw(chance, 40) == 0)
        record.op = (uint8_t)draw(chance, SFZ_OP_COUNT);
    for (int i = 0; i < TRIES_MAX && (ops >> record.op & 1) == 0; i++)
        record.op = PICK(chance, weights);
    if ((ops >> record.op & 1) == 0)
        record.op = SFZ_WAIT;
    any_who(chance, &record);
    if (record.op == SFZ_RAW)
        any_raw(chance, &record);
    else
        any_fields(chance, &record);
    return record;
}

/* ---- things that happen ----
 *
 * What gets a session from one state to another takes a few records that fit each other, which
 * hardly come about one by one: with ids of the moment, each of these is right in many states. */

enum { STORY_RECORDS = 6 };

#define STORY_WHOLE                                                                                \
    (SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP)
#define STORY_DATA(by, at, set)                                                                    \
    {                                                                                              \
        .op = SFZ_PDU, .opcode = SIPC_DATA, .anchor = SFZ_FROM_OURS, .id = by, .seq_nr = at,       \
        .flags = set, .size = 3                                                                    \
    }
#define STORY_ACK(code, at, set)                                                                   \
    {                                                                                              \
        .op = SFZ_PDU, .opcode = code, .anchor = SFZ_FROM_SENT, .seq_nr = at, .flags = set         \
    }
#define STORY_CLOSE(by)                                                                            \
    {                                                                                              \
        .op = SFZ_PDU, .opcode = SIPC_CLOSE, .anchor = SFZ_FROM_OURS, .id = by                     \
    }
#define STORY_WAIT_FOR(unit, thousandths)                                                          \
    {                                                                                              \
        .op = SFZ_WAIT, .kind = unit, .value = thousandths                                         \
    }
#define STORY_WAIT(thousandths) STORY_WAIT_FOR(SFZ_T, thousandths)

static const struct sfz_record stories[][STORY_RECORDS] = {
    /* the peer opens: with skip, by a group, by a group of two PDUs, by a group of two windows */
    {STORY_DATA(1, 0, STORY_WHOLE | SIPC_OPT_SKIP)},
    {STORY_DATA(1, 0, STORY_WHOLE)},
    {STORY_DATA(1, 0, SIPC_OPT_FIRST_IN_WINDOW_GROUP),
     STORY_DATA(0, 1, SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP)},
    {STORY_DATA(1, 0, SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW),
     STORY_DATA(1, 0, SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP)},
    /* flags where they do not count; PDUs out of order; the window filled to its end */
    {STORY_DATA(1, 0, SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW_GROUP),
     STORY_DATA(0, 1, SIPC_OPT_LAST_IN_WINDOW)},
    {STORY_DATA(1, 1, SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP),
     STORY_DATA(0, 0, SIPC_OPT_FIRST_IN_WINDOW_GROUP)},
    {STORY_DATA(1, 0, SIPC_OPT_FIRST_IN_WINDOW_GROUP), STORY_DATA(0, 1, 0), STORY_DATA(0, 2, 0),
     STORY_DATA(0, 3, 0)},
    /* it opens, and sends: one PDU, several, several windows, and is answered */
    {{.op = SFZ_OPEN}, {.op = SFZ_SEND, .size = 3, .flags = SFZ_SKIP}},
    {{.op = SFZ_OPEN},
     {.op = SFZ_SEND, .size = 3, .flags = SFZ_SKIP},
     STORY_ACK(SIPC_DATA_ACK, 0, SIPC_OPT_IS_WINDOW_FULL)},
    {{.op = SFZ_SEND, .size = 3}, STORY_ACK(SIPC_DATA_ACK, 0, SIPC_OPT_IS_WINDOW_FULL)},
    {{.op = SFZ_SEND, .size = 900}, STORY_ACK(SIPC_DATA_ACK, 2, SIPC_OPT_IS_WINDOW_FULL)},
    {{.op = SFZ_SEND, .size = 2000},
     STORY_ACK(SIPC_DATA_ACK, 3, SIPC_OPT_IS_WINDOW_FULL),
     STORY_ACK(SIPC_DATA_ACK, 0, SIPC_OPT_IS_WINDOW_FULL)},
    /* retries: all at the deadline, answered one by one; until the last */
    {{.op = SFZ_SEND, .size = 900},
     STORY_WAIT(1000),
     STORY_ACK(SIPC_DATA_ACK, 0, 0),
     STORY_ACK(SIPC_DATA_ACK, 1, 0)},
    {{.op = SFZ_SEND, .size = 3}, STORY_WAIT(3000)},
    {{.op = SFZ_SEND, .size = 900},
     {.op = SFZ_SENT},
     {.op = SFZ_SENT},
     STORY_WAIT(1000),
     STORY_ACK(SIPC_DATA_ACK, 0, 0)},
    {{.op = SFZ_SEND, .size = 3}, {.op = SFZ_SENT, .flags = SFZ_FAILED}},
    {STORY_ACK(SIPC_DATA_ACK, 1, SIPC_OPT_IS_WINDOW_FULL), {.op = SFZ_SENT}},
    {STORY_WAIT(1000), STORY_ACK(SIPC_DATA_ACK, 0, SIPC_OPT_IS_WINDOW_FULL)},
    /* closing, from either side, from both; what comes after it */
    {{.op = SFZ_CLOSE, .value = 1}, STORY_ACK(SIPC_CLOSE_ACK, 0, 0)},
    {{.op = SFZ_CLOSE, .value = 1}, STORY_CLOSE(1)},
    {{.op = SFZ_CLOSE, .value = 1}, STORY_WAIT(3000)},
    {{.op = SFZ_CLOSE, .value = 2}},
    {STORY_CLOSE(1)},
    {STORY_CLOSE(1), STORY_CLOSE(0)},
    /* over the highest id, one way and the other */
    {{.op = SFZ_OPEN},
     {.op = SFZ_PRESET, .anchor = SFZ_FROM_HIGHEST, .flags = SFZ_NO_MIN},
     {.op = SFZ_SEND, .size = 3, .flags = SFZ_SKIP},
     STORY_ACK(SIPC_DATA_ACK, 0, SIPC_OPT_IS_WINDOW_FULL),
     {.op = SFZ_SEND, .size = 3, .flags = SFZ_SKIP}},
    {{.op = SFZ_OPEN},
     {.op = SFZ_PRESET, .anchor2 = SFZ_FROM_HIGHEST, .id2 = -1, .flags = SFZ_PROCESSED},
     {.op = SFZ_PDU,
      .opcode = SIPC_DATA,
      .anchor = SFZ_FROM_HIGHEST,
      .flags = STORY_WHOLE | SIPC_OPT_SKIP},
     {.op = SFZ_PDU, .opcode = SIPC_DATA, .flags = STORY_WHOLE}},
    /* ids on the edge of what is valid */
    {STORY_DATA(100, 0, STORY_WHOLE)},
    {STORY_DATA(101, 0, STORY_WHOLE)},
    {STORY_CLOSE(100)},
    {STORY_CLOSE(101)},
    {STORY_DATA(-1, 0, STORY_WHOLE)},
    /* the same again; links */
    {STORY_DATA(1, 0, STORY_WHOLE), {.op = SFZ_REPEAT}},
    {STORY_ACK(SIPC_ENQUIRE_LINK, 0, 0)},
    {{.op = SFZ_PDU, .opcode = SIPC_ENQUIRE_LINK_ACK, .code = 150}},
    {{.op = SFZ_PDU, .opcode = SIPC_DATA_ACK, .anchor = SFZ_FROM_SENT, .id = 1},
     {.op = SFZ_PDU, .opcode = SIPC_ENQUIRE_LINK_ACK, .code = 150}},
    /* nothing happens, or next to nothing */
    {STORY_WAIT_FOR(SFZ_IDLE_UNIT, 1000)},
    {STORY_WAIT_FOR(SFZ_IDLE_UNIT, 600), STORY_ACK(SIPC_ENQUIRE_LINK, 0, 0),
     STORY_WAIT_FOR(SFZ_IDLE_UNIT, 600)},
    {STORY_WAIT_FOR(SFZ_ENQUIRE_UNIT, 1000), STORY_WAIT_FOR(SFZ_ENQUIRE_UNIT, 1000)},
    {STORY_WAIT_FOR(SFZ_OPEN_UNIT, 1000)},
    {STORY_WAIT_FOR(SFZ_LINGER_UNIT, 1000), STORY_DATA(0, 0, STORY_WHOLE)},
    /* a session is gone: its id lingers, and longer; disposed of before its time */
    {{.op = SFZ_OPEN},
     {.op = SFZ_CLOSE, .value = 2},
     STORY_WAIT_FOR(SFZ_LINGER_UNIT, 1000),
     STORY_ACK(SIPC_ENQUIRE_LINK, 0, 0),
     STORY_WAIT_FOR(SFZ_LINGER_UNIT, 1000),
     STORY_DATA(0, 0, STORY_WHOLE)},
    {{.op = SFZ_OPEN},
     {.op = SFZ_CLOSE, .value = 2},
     STORY_WAIT_FOR(SFZ_LINGER_UNIT, 500),
     {.op = SFZ_DISPOSE, .value = 2},
     STORY_WAIT_FOR(SFZ_LINGER_UNIT, 600),
     STORY_DATA(0, 0, STORY_WHOLE)},
};

/* ---- changing an input ---- */

static void insert(struct sfz_input *input, size_t at, const struct sfz_record *record)
{
    if (input->count == SFZ_RECORDS_MAX)
        return;
    memmove(&input->records[at + 1], &input->records[at],
            (input->count - at) * sizeof input->records[0]);
    input->records[at] = *record;
    input->count++;
}

static void cut(struct sfz_input *input, size_t at, size_t count)
{
    memmove(&input->records[at], &input->records[at + count],
            (input->count - at - count) * sizeof input->records[0]);
    input->count -= count;
}

static void change_setting(struct chance *chance, struct sfz_input *input)
{
    enum sfz_setting which = (enum sfz_setting)draw(chance, SFZ_SETTING_COUNT);
    static const int64_t values[SFZ_SETTING_COUNT][3] = {
        [SFZ_MTU] = {512, 600, 1400},
        [SFZ_MAX_WINDOW_SIZE] = {1, 2, 16},
        [SFZ_ACK_TIMEOUT] = {1000, 1, 500},
        [SFZ_MAX_RETRY_COUNT] = {0, 1, 3},
        [SFZ_OPEN_TIMEOUT] = {0, 2000, 10000},
        [SFZ_IDLE_TIMEOUT] = {2000, 500, 0},
        [SFZ_MIN_REMOTE_IDLE_TIMEOUT] = {0, 1000, 2000},
        [SFZ_MAX_REMOTE_IDLE_TIMEOUT] = {600000, 2000, 1999},
        [SFZ_ENQUIRE_LINK_INTERVAL] = {3000, 700, 0},
        [SFZ_LINGER] = {0, 1000, 6000},
        [SFZ_ATTRIBUTE_LIMIT] = {0, 100, 1024},
        [SFZ_MAX_SESSIONS] = {1, 2, 4},
        [SFZ_UNRELIABLE_QUEUE] = {0, 1, 4},
        [SFZ_ACCEPT] = {0, 1, 0},
        [SFZ_REQUIRE_FIRST] = {0, 1, 0},
        [SFZ_MANUAL] = {1, 0, 1},
        [SFZ_STREAM] = {1, 0, 1},
        [SFZ_WINDOW_ID_STEP] = {2, 4, 100},
        [SFZ_WINDOW_ID_MAX] = {12, 20, INT64_C(9000000000000000)},
        [SFZ_GROUP_BYTES_MAX] = {512, 1024, 4096},
    };
    if (which == SFZ_WINDOW_ID_STEP)
        input->settings[SFZ_WINDOW_ID_MAX] = 20;
    input->settings[which] = values[which][draw(chance, 3)];
}

/* One field becomes another that it could have been drawn as, or a neighbour. */
static void change_record(struct chance *chance, struct sfz_record *record)
{
    struct sfz_record other = *record;

    if (record->op == SFZ_RAW)
        return;
    any_fields(chance, &other);
    switch (draw(chance, 8)) {
    case 0:
        record->id = other.id;
        record->anchor = other.anchor;
        break;
    case 1:
        record->id += draw(chance, 2) ? 1 : -1;
        break;
    case 2:
        record->seq_nr = other.seq_nr;
        break;
    case 3:
        record->flags = other.flags;
        break;
    case 4:
        record->size = other.size;
        record->value = other.value;
        break;
    case 5:
        any_who(chance, record);
        break;
    case 6:
        record->code = other.code;
        record->limit = other.limit;
        record->form = other.form;
        record->kind = other.kind;
        break;
    default:
        *record = other;
        break;
    }
}

/* Where a record happens only with other settings than the usual ones, it brings them. */
static void story_settings(const struct sfz_record *record, int64_t *settings)
{
    if (record->op == SFZ_SENT)
        settings[SFZ_MANUAL] = 1;
    if (record->op == SFZ_WAIT && record->kind == SFZ_IDLE_UNIT && settings[SFZ_IDLE_TIMEOUT] == 0)
        settings[SFZ_IDLE_TIMEOUT] = 2000;
    if (record->op == SFZ_WAIT && record->kind == SFZ_ENQUIRE_UNIT &&
        settings[SFZ_ENQUIRE_LINK_INTERVAL] == 0)
        settings[SFZ_ENQUIRE_LINK_INTERVAL] = 700;
}

/* One of them, at one place; now and then with something else about a record. */
static void tell_story(struct chance *chance, struct sfz_input *input, size_t at, uint32_t ops)
{
    const struct sfz_record *story = PICK(chance, stories);
    uint8_t who = (uint8_t)(draw(chance, 8) ? draw(chance, 2) << 4 : draw(chance, 32));

    for (size_t i = 0; i < STORY_RECORDS && story[i].op != SFZ_NOP; i++) {
        struct sfz_record record = story[i];
        if ((ops >> record.op & 1) == 0)
            continue;
        record.who = who;
        story_settings(&record, input->settings);
        if (record.op == SFZ_SEND || record.opcode == SIPC_DATA)
            record.from = (uint8_t)draw(chance, 251);
        if (draw(chance, 10) == 0)
            change_record(chance, &record);
        insert(input, at++, &record);
    }
}

static void step(struct chance *chance, struct sfz_input *input, uint32_t ops)
{
    size_t at = draw(chance, (uint32_t)input->count + 1);
    struct sfz_record record;
    size_t length;

    switch (input->count == 0 ? draw(chance, 2) * 12 : draw(chance, 15)) {
    case 4: /* cut */
        at = draw(chance, (uint32_t)input->count);
        length = 1 + draw(chance, 3);
        cut(input, at, length > input->count - at ? input->count - at : length);
        break;
    case 5: /* double */
        record = input->records[draw(chance, (uint32_t)input->count)];
        insert(input, at, &record);
        break;
    case 6: /* swap neighbours */
        at = draw(chance, (uint32_t)input->count);
        if (at + 1 < input->count) {
            record = input->records[at];
            input->records[at] = input->records[at + 1];
            input->records[at + 1] = record;
        }
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        change_record(chance, &input->records[draw(chance, (uint32_t)input->count)]);
        break;
    case 11:
        change_setting(chance, input);
        break;
    case 12:
    case 13:
    case 14:
        tell_story(chance, input, draw(chance, 4) ? input->count : at, ops);
        break;
    default: /* insert; behind the end most often, where the state is what it was */
        record = any_record(chance, ops);
        insert(input, draw(chance, 2) ? input->count : at, &record);
        break;
    }
}

size_t sfz_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed, uint32_t ops)
{
    static struct sfz_input input;
    static uint8_t out[1 << 16];
    struct chance chance = chance_of(seed);
    size_t used;

    sfz_decode(data, size, &input);
    for (uint32_t steps = 1 + draw(&chance, STEPS_MAX); steps > 0; steps--)
        step(&chance, &input, ops);
    while ((used = sfz_encode(&input, out, max_size < sizeof out ? max_size : sizeof out)) == 0 &&
           input.count > 0)
        cut(&input, draw(&chance, (uint32_t)input.count), 1);
    memcpy(data, out, used); /* raw PDUs were views of it up to here */
    return used;
}

/* ---- crossover ---- */

enum { STATE_OPEN = 1, STATE_DATA = 2, STATE_SENDING = 4, STATE_CLOSING = 8, STATE_BITS = 4 };

/* Where sessions have come to behind a record, as far as records tell: four bits for each of them,
 * on each side. */
static uint32_t state_behind(uint32_t state, const struct sfz_record *record)
{
    unsigned at = (sfz_session(record->who) + SFZ_SESSIONS * sfz_side(record->who)) * STATE_BITS;
    bool full = (record->flags & SIPC_OPT_IS_WINDOW_FULL) != 0;
    uint32_t now = state >> at & 15;

    if (record->op == SFZ_OPEN)
        now |= STATE_OPEN;
    else if (record->op == SFZ_SEND)
        now |= STATE_SENDING;
    else if (record->op == SFZ_DISPOSE)
        now = 0;
    else if (record->op == SFZ_CLOSE || (record->op == SFZ_PDU && record->opcode == SIPC_CLOSE))
        now |= STATE_CLOSING;
    else if (record->op == SFZ_PDU && record->opcode == SIPC_DATA)
        now |= STATE_DATA;
    else if (record->op == SFZ_PDU && record->opcode == SIPC_DATA_ACK && full)
        now &= ~(uint32_t)STATE_SENDING;
    return (state & ~(UINT32_C(15) << at)) | now << at;
}

/* One of the places in an input where its sessions are in this state; 0 where they are nowhere. */
static size_t place_of_state(struct chance *chance, const struct sfz_input *input, uint32_t wanted)
{
    uint32_t state = 0, found = 0;
    size_t place = 0;

    for (size_t i = 0; i <= input->count; i++) {
        if (state == wanted && draw(chance, ++found) == 0)
            place = i;
        if (i < input->count)
            state = state_behind(state, &input->records[i]);
    }
    return place;
}

/* The beginning of one and the end of the other, which goes on where sessions are in the state that
 * the beginning leaves them in; now and then anywhere. */
size_t sfz_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                 size_t max_size, unsigned seed)
{
    static struct sfz_input first, second;
    struct chance chance = chance_of(seed);
    uint32_t state = 0;

    sfz_decode(a, a_size, &first);
    sfz_decode(b, b_size, &second);
    first.count = draw(&chance, (uint32_t)first.count + 1);
    for (size_t i = 0; i < first.count; i++)
        state = state_behind(state, &first.records[i]);
    size_t from = draw(&chance, 4) ? place_of_state(&chance, &second, state)
                                   : draw(&chance, (uint32_t)second.count + 1);
    for (; from < second.count && first.count < SFZ_RECORDS_MAX; from++)
        first.records[first.count++] = second.records[from];
    size_t used = sfz_encode(&first, out, max_size);
    while (used == 0 && first.count > 0) {
        first.count--;
        used = sfz_encode(&first, out, max_size);
    }
    return used;
}
