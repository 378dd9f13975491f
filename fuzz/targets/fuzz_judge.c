/* Fuzz target: the judge itself, fed with what no endpoint would do. Oracles: it ends; the same
 * events give the same findings; in how many pieces time is told changes nothing; with its checks
 * off it finds nothing, and what it finds names a rule in whole sentences. And of the language of
 * inputs: what was written is read, and written, the same.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "targets/session.h"

const uint32_t target_ops = ~(OPS(SFZ_NOP) | OPS(SFZ_SET));

enum { FINDINGS = JUDGE_FINDINGS_MAX };

static uint8_t bytes[FUZZ_PDU_MAX];

/* One record as an event: PDUs of side 1 leave the endpoint, those of side 0 come. */
static bool make_event(const struct sfz_record *record, uint64_t serial, struct judge_event *event)
{
    static const struct judge_attribute none[1];

    *event = (struct judge_event){.peer = 1 + sfz_peer(record->who),
                                  .session = sfz_session_id(sfz_session(record->who)),
                                  .operation = 1 + record->kind % 4,
                                  .token = 1 + serial,
                                  .attributes = none,
                                  .size = record->size,
                                  .code = (int32_t)(record->value % 100),
                                  .idle_timeout_ms = record->value > 0 ? 2000 : -1,
                                  .next_id = record->id,
                                  .acked_id = record->id - 1 - record->kind,
                                  .min_id = record->id2,
                                  .skip = (record->flags & SFZ_SKIP) != 0,
                                  .ok = (record->flags & SFZ_FAILED) == 0};
    switch (record->op) {
    case SFZ_PDU:
        event->pdu = (struct sipc_span){bytes, fuzz_pdu_build(record, record->id, bytes)};
        event->kind = sfz_side(record->who) ? JUDGE_TX : JUDGE_RX;
        return true;
    case SFZ_RAW:
        event->pdu = (struct sipc_span){record->raw, record->raw_size};
        event->kind = sfz_side(record->who) ? JUDGE_TX : JUDGE_RX;
        return true;
    case SFZ_OPEN:
        event->kind = JUDGE_OPEN;
        return true;
    case SFZ_PRESET:
        event->kind = JUDGE_PRESET;
        return true;
    case SFZ_SEND:
        event->kind = record->flags & SFZ_UNRELIABLE ? JUDGE_SEND_UNRELIABLE : JUDGE_SEND;
        return true;
    case SFZ_CLOSE:
        event->kind = JUDGE_CLOSE;
        return true;
    case SFZ_DISPOSE:
        event->kind = JUDGE_DISPOSE;
        return true;
    case SFZ_SHUTDOWN:
        event->kind = JUDGE_SHUTDOWN;
        return true;
    case SFZ_SENT:
        event->kind = JUDGE_AFTERMATH;
        event->token = record->kind;
        return true;
    case SFZ_FAULT: /* what the application is told */
        event->kind = record->kind % 3 == 0   ? JUDGE_DELIVER
                      : record->kind % 3 == 1 ? JUDGE_RESULT
                                              : JUDGE_STATE;
        event->data = (struct sipc_span){bytes, record->value % 100};
        event->outcome = (enum judge_outcome)(record->value % 7);
        event->state = (enum judge_state)(record->value % 5);
        event->has_code = record->value % 2 != 0;
        return true;
    case SFZ_REPEAT:
        event->kind = JUDGE_GAP;
        return record->kind % 8 == 0;
    default:
        return false;
    }
}

static struct judge *run(const struct sfz_input *input, const struct judge_config *config,
                         unsigned pieces)
{
    struct judge *judge = judge_new(config);
    struct judge_event event;
    uint64_t now = 0;

    FUZZ_CHECK(judge != NULL, "out of memory");
    for (size_t i = 0; i < input->count; i++) {
        const struct sfz_record *record = &input->records[i];
        if (record->op == SFZ_WAIT) {
            uint64_t step = record->value * SIPC_NS_PER_MS / pieces;
            for (unsigned piece = 0; piece < pieces; piece++) {
                event = (struct judge_event){.kind = JUDGE_TIME, .at_ns = now += step};
                judge_feed(judge, &event);
            }
        } else if (make_event(record, i, &event)) {
            event.at_ns = now;
            judge_feed(judge, &event);
        }
    }
    return judge;
}

static void check_finding(const struct judge_finding *finding)
{
    char text[640];
    const struct judge_check_info *info = judge_check_info(finding->check);

    FUZZ_CHECK(info != NULL && info->rule == finding->rule, "a finding's check is about its rule");
    FUZZ_CHECK(sipc_rule_info(finding->rule) != NULL, "a finding names a rule");
    FUZZ_CHECK(finding->expected[0] != '\0' && finding->found[0] != '\0', "a finding has words");
    FUZZ_CHECK(judge_finding_print(finding, text, sizeof text) > 0, "a finding can be printed");
}

static void compare(const struct judge *a, const struct judge *b)
{
    FUZZ_CHECK(judge_finding_count(a) == judge_finding_count(b), "as many findings");
    for (size_t i = 0; i < FINDINGS && judge_finding(a, i) != NULL; i++)
        FUZZ_CHECK(judge_finding(a, i)->check == judge_finding(b, i)->check, "the same findings");
}

/* What the input came to is written, read back, and written the same; or nothing, without room. */
static void check_language(const struct sfz_input *input, size_t room)
{
    static uint8_t first[(SFZ_RECORDS_MAX + SFZ_SETTING_COUNT) * (SFZ_RAW_MAX + 32)];
    static uint8_t second[sizeof first];
    static struct sfz_input again;

    if (input->count + SFZ_SETTING_COUNT > SFZ_RECORDS_MAX)
        return;
    size_t size = sfz_encode(input, first, sizeof first);
    FUZZ_CHECK(size > 0, "an input is written");
    FUZZ_CHECK(sfz_encode(input, second, room) == (room < size ? 0 : size), "where there is room");
    sfz_decode(first, size, &again);
    FUZZ_CHECK(sfz_encode(&again, second, sizeof second) == size &&
                   memcmp(first, second, size) == 0,
               "what was written is read as the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfz_input input;
    static bool all_off[JUDGE_CHECK_COUNT];
    struct judge_config config;

    session_decode(data, size, target_ops, &input);
    check_language(&input, size % 251);
    judge_config_init(&config);
    if (input.settings[SFZ_MANUAL] != 0) /* some of it is not known */
        judge_config_defaults(&config);
    config.knows = (unsigned)(size % 64);
    config.stream = input.settings[SFZ_STREAM] != 0;
    config.answer_ns = 500 * SIPC_NS_PER_MS;
    struct judge *first = run(&input, &config, 1), *again = run(&input, &config, 1);
    compare(first, again);
    for (size_t i = 0; i < FINDINGS && judge_finding(first, i) != NULL; i++)
        check_finding(judge_finding(first, i));
    judge_free(again);
    memset(all_off, true, sizeof all_off);
    config.off = all_off;
    struct judge *silent = run(&input, &config, 2);
    FUZZ_CHECK(judge_finding_count(silent) == 0, "with its checks off it finds nothing");
    target_note(judge_finding_count(first));
    judge_free(first);
    judge_free(silent);
    return 0;
}
