/* Fuzz target: the engine against two small models (model/), a receiver and a sender written from
 * the rules alone. Oracles: the same acks and deliveries, the same PDUs, the same outcomes.
 *
 * An input's PDUs go to the receiver of one session, its sends, acks and waits to the sender of
 * another; what the models do not know is left out.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "model/model.h"
#include "targets/session.h"

const uint32_t target_ops = OPS(SFZ_PDU) | OPS(SFZ_SEND) | OPS(SFZ_WAIT) | OPS(SFZ_REPEAT);

enum { ROOM = 400, SENDING = 1, RECEIVING = 0, PDUS_MAX = 12, MODEL_PEER = 1 };

struct both {
    const struct fuzz_driver *driver;
    void *self;
    struct model_receiver receiver;
    struct model_sender sender;
    uint64_t now_ms, operations;
    int64_t ours; /* newest window id sent to the receiver */
    struct model_tx expected[MODEL_PDUS];
    size_t expected_count, seen;
};

/* ---- what comes out of the sender ---- */

static void check_sent(struct both *b, const struct sipc_pdu *pdu)
{
    FUZZ_CHECK_RULE(SIPC_RULE_SND_6, b->seen < b->expected_count, "no PDU the model does not send");
    const struct model_tx *tx = &b->expected[b->seen++];
    FUZZ_CHECK_RULE(SIPC_RULE_WID_9, pdu->window_id == tx->window_id, "the window id");
    FUZZ_CHECK_RULE(b->sender.one_at_a_time ? SIPC_RULE_RTY_1 : SIPC_RULE_SEQ_2,
                    pdu->seq_nr == (int32_t)tx->seq_nr, "the seq_nr");
    uint32_t framing = (tx->first_of_group ? SIPC_OPT_FIRST_IN_WINDOW_GROUP : 0) |
                       (tx->last ? SIPC_OPT_LAST_IN_WINDOW : 0) |
                       (tx->last_of_group ? SIPC_OPT_LAST_IN_WINDOW_GROUP : 0);
    if ((pdu->flags & 7u) != framing)
        target_break(SIPC_RULE_SND_5, "expected framing %u of PDU %u of %u from %u, found %u",
                     framing, tx->seq_nr, b->sender.length, b->sender.first, pdu->flags & 7u);
}

static bool drain_sender(struct both *b, int *outcome)
{
    struct fuzz_out out;
    struct sipc_pdu pdu;
    bool ended = false;

    b->seen = 0;
    while (b->driver->next_out(b->self, &out)) {
        if (out.kind == JUDGE_TX) {
            FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, sipc_pdu_decode(out.bytes, &pdu) == SIPC_DISCARD_NONE,
                            "it can be decoded");
            check_sent(b, &pdu);
        } else if (out.kind == JUDGE_RESULT) {
            ended = true;
            *outcome = out.outcome == JUDGE_OUTCOME_OK ? 0 : out.code;
        }
    }
    FUZZ_CHECK_RULE(SIPC_RULE_SND_6, b->seen == b->expected_count, "all PDUs the model sends");
    return ended;
}

static void check_sender(struct both *b, bool was_busy)
{
    int outcome = 0;
    bool ended = drain_sender(b, &outcome);

    FUZZ_CHECK_RULE(SIPC_RULE_SND_11, ended == (was_busy && !b->sender.busy), "it ends when due");
    if (ended)
        FUZZ_CHECK_RULE(SIPC_RULE_SND_11, outcome == b->sender.outcome, "and as it must");
}

/* A message of so many PDUs, of one group: with skip each has 13 bytes more than its framing. */
static void do_send(struct both *b, const struct sfz_record *record)
{
    struct fuzz_message message = {.kind = JUDGE_SEND,
                                   .peer = MODEL_PEER,
                                   .session = sfz_session_id(SENDING),
                                   .operation = b->operations + 1,
                                   .skip = true};

    if (b->sender.busy || b->sender.id > 90) /* there it would need acks that the model lacks */
        return;
    uint32_t pdus = 1 + record->size % 3;
    message.size = (pdus - 1) * 500 + 100; /* of the 512 bytes at least 403 are left for data */
    b->operations++;
    b->driver->begin(b->self, &message);
    b->expected_count = model_send(&b->sender, b->now_ms, pdus, b->expected);
    check_sender(b, true);
}

static void do_ack(struct both *b, const struct sfz_record *record)
{
    static uint8_t bytes[FUZZ_PDU_MAX];
    struct sfz_record ack = {.who = SENDING,
                             .opcode = SIPC_DATA_ACK,
                             .flags = record->flags & SIPC_OPT_IS_WINDOW_FULL,
                             .seq_nr = record->seq_nr % (MODEL_WINDOW + 2),
                             .limit = record->limit % 6};
    int64_t id = b->sender.id + record->id % 2;
    bool busy = b->sender.busy;

    if (record->code >= 200 && record->code <= 299 && record->code != 252)
        ack.code = record->code;
    if (id < 0)
        return;
    size_t size = fuzz_pdu_build(&ack, id, bytes);
    b->expected_count = model_acked(&b->sender, b->now_ms, id, ack.seq_nr, ack.flags != 0, ack.code,
                                    ack.limit, b->expected);
    b->driver->receive(b->self, MODEL_PEER, (struct sipc_span){bytes, size});
    check_sender(b, busy);
}

static void do_wait(struct both *b, const struct sfz_record *record)
{
    uint64_t until = b->now_ms + record->value % 2500;

    while (b->now_ms < until) {
        uint64_t next = b->sender.busy && b->sender.timer_ms < until ? b->sender.timer_ms : until;
        bool busy = b->sender.busy;
        uint64_t deadline = b->driver->deadline(b->self);
        FUZZ_CHECK_RULE(SIPC_RULE_SND_7,
                        !busy || b->sender.timer_ms > until || deadline <= next * SIPC_NS_PER_MS,
                        "its timer runs");
        b->now_ms = next;
        b->expected_count = model_time(&b->sender, b->now_ms, b->expected);
        b->driver->advance(b->self, b->now_ms * SIPC_NS_PER_MS);
        check_sender(b, busy);
    }
}

/* ---- the receiver ---- */

static void check_ack(const struct model_ack *ack, const struct sipc_pdu *pdu)
{
    bool full = (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) != 0;

    FUZZ_CHECK_RULE(SIPC_RULE_ACK_1, ack->there, "no ack where the model has none");
    FUZZ_CHECK_RULE(SIPC_RULE_ACK_1, pdu->window_id == ack->window_id, "the ack's window");
    FUZZ_CHECK_RULE(ack->error == 250 || pdu->error_code == 250   ? SIPC_RULE_GRP_1
                    : ack->error == 254 || pdu->error_code == 254 ? SIPC_RULE_RCV_11
                                                                  : SIPC_RULE_ACK_3,
                    pdu->error_code == ack->error, "the error");
    FUZZ_CHECK_RULE(SIPC_RULE_ACK_2, full == ack->full, "whether the window is full");
    FUZZ_CHECK_RULE(SIPC_RULE_ACK_1a, pdu->seq_nr == (int32_t)ack->seq_nr, "the ack's seq_nr");
    FUZZ_CHECK_RULE(SIPC_RULE_ACK_2a, !full || pdu->max_window_size == MODEL_WINDOW,
                    "the receiver's size");
}

static void drain_receiver(struct both *b, const struct model_ack *ack, bool delivers,
                           const uint8_t *data, uint32_t data_size)
{
    struct fuzz_out out;
    struct sipc_pdu pdu;
    bool acked = false, delivered = false;

    while (b->driver->next_out(b->self, &out)) {
        if (out.kind == JUDGE_TX) {
            FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, sipc_pdu_decode(out.bytes, &pdu) == SIPC_DISCARD_NONE,
                            "it can be decoded");
            FUZZ_CHECK_RULE(SIPC_RULE_ACK_1, !acked, "one ack");
            check_ack(ack, &pdu);
            acked = true;
        } else if (out.kind == JUDGE_DELIVER) {
            FUZZ_CHECK_RULE(SIPC_RULE_RCV_9, delivers && !delivered, "no group but the model's");
            FUZZ_CHECK_RULE(SIPC_RULE_RCV_8,
                            out.bytes.size == data_size &&
                                (data_size == 0 || memcmp(out.bytes.data, data, data_size) == 0),
                            "its data");
            delivered = true;
        }
    }
    FUZZ_CHECK_RULE(SIPC_RULE_RCV_8, delivered == delivers, "the group is handed over");
    FUZZ_CHECK_RULE(SIPC_RULE_ACK_1, acked == ack->there, "the ack comes");
}

static void give(struct both *b, const struct sfz_record *record, int64_t id)
{
    static uint8_t bytes[FUZZ_PDU_MAX], data[2 * MODEL_GROUP];
    struct sfz_record pdu = {.who = RECEIVING,
                             .opcode = SIPC_DATA,
                             .flags = (uint8_t)(record->flags & 15),
                             .seq_nr = record->seq_nr % (MODEL_WINDOW + 2),
                             .size = record->size % (MODEL_GROUP + 2),
                             .from = record->from};
    struct model_pdu known = {.window_id = id,
                              .seq_nr = pdu.seq_nr,
                              .first = (pdu.flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) != 0,
                              .last = (pdu.flags & SIPC_OPT_LAST_IN_WINDOW) != 0,
                              .last_of_group = (pdu.flags & SIPC_OPT_LAST_IN_WINDOW_GROUP) != 0,
                              .size = pdu.size,
                              .from = pdu.from};
    uint32_t data_size = 0;
    bool delivers;

    if (id < 0)
        return;
    b->ours = id;
    size_t size = fuzz_pdu_build(&pdu, id, bytes);
    struct model_ack ack = model_receive(&b->receiver, &known, &delivers, data, &data_size);
    b->driver->receive(b->self, MODEL_PEER, (struct sipc_span){bytes, size});
    drain_receiver(b, &ack, delivers, data, data_size);
}

static int64_t id_of(const struct both *b, const struct sfz_record *record)
{
    if (record->anchor == SFZ_FROM_0)
        return record->id % 300;
    return record->anchor == SFZ_FROM_HIGHEST ? MODEL_HIGHEST + record->id % 300
                                              : b->ours + record->id % 300;
}

/* ---- the whole ---- */

static bool begin(struct both *b, const struct sfz_input *input)
{
    int64_t settings[SFZ_SETTING_COUNT];
    const uint8_t *receiving = sfz_session_id(RECEIVING), *sending = sfz_session_id(SENDING);
    /* An input that begins with a high id is one near the highest. */
    bool high = input->count > 0 && input->records[0].anchor == SFZ_FROM_HIGHEST;
    struct sipc_preset preset = {.next_window_id = 0,
                                 .acked_window_id = -1,
                                 .min_window_id = MODEL_HIGHEST - 150,
                                 .processed = true};
    struct model_ack none = {.there = false};
    struct fuzz_message opener = {.kind = JUDGE_SEND_UNRELIABLE,
                                  .peer = MODEL_PEER,
                                  .session = receiving,
                                  .operation = 1,
                                  .skip = true};
    struct fuzz_out out;

    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        settings[i] = sfz_setting_info((enum sfz_setting)i)->usual;
    settings[SFZ_OPEN_TIMEOUT] = 0;
    if (!b->driver->reset(b->self, settings) || !b->driver->open(b->self, MODEL_PEER, receiving, 0))
        return false;
    while (b->driver->next_out(b->self, &out))
        ;
    model_receiver_begin(&b->receiver);
    if (high) {
        if (!b->driver->preset(b->self, MODEL_PEER, receiving, &preset))
            return false;
        b->receiver.min = preset.min_window_id;
        b->receiver.processed = true;
        b->ours = preset.min_window_id;
    }
    b->operations = 1;
    b->driver->begin(b->self, &opener); /* with skip: opened from here on */
    while (b->driver->next_out(b->self, &out))
        ;
    if (!b->driver->open(b->self, MODEL_PEER, sending, 0))
        return false;
    while (b->driver->next_out(b->self, &out))
        ;
    b->sender = (struct model_sender){.id = -1, .acked = -1, .window = MODEL_WINDOW};
    (void)none;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfz_input input;
    static struct both b;

    session_decode(data, size, target_ops, &input);
    memset(&b, 0, sizeof b);
    b.driver = target_driver(&b.self);
    if (!begin(&b, &input))
        return 0;
    for (size_t i = 0; i < input.count; i++) {
        const struct sfz_record *record = &input.records[i];
        if (record->op == SFZ_SEND)
            do_send(&b, record);
        else if (record->op == SFZ_WAIT)
            do_wait(&b, record);
        else if (record->op == SFZ_PDU && record->opcode == SIPC_DATA_ACK)
            do_ack(&b, record);
        else if (record->op == SFZ_PDU)
            give(&b, record, id_of(&b, record));
    }
    target_note(b.driver->hash(b.self));
    return 0;
}
