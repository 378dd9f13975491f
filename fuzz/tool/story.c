/* See story.h. The text is made line by line, then goes through the project's parser and printer:
 * what that refuses is no script, and PDUs are built again from it and compared.
 *
 * An input is played until telling it again changes nothing: window ids become numbers, waits
 * multiples of T that are not cut in two, and what did nothing is gone.
 * SPDX-License-Identifier: MIT */
#include "tool/story.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conform/script.h"

enum { LINES_MAX = 8192, TURNS_MAX = 4, SETTLE_MAX = 64 };

static const char *const sessions[SFZ_SESSIONS] = {"S", "S1", "S2", "S3"};
static const char *const peers[SFZ_PEERS] = {"P", "P1", "P2"};

struct story {
    FILE *out; /* NULL: only `canonical` is made */
    const struct sfz_input *input;
    struct sfz_input *canonical;
    uint8_t (*raw)[SFZ_RAW_MAX];
    unsigned transmissions;
    size_t outs_since; /* the last record */
    bool whole;        /* every record could be said */
    fuzz_story_pdu *pdu;
    void *ctx;
};

/* ---- pieces of lines ---- */

static void say_hex(struct sipc_span bytes, FILE *out)
{
    fputs("hex:", out);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%02x", bytes.data[i]);
}

static void say_text(struct sipc_span text, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 32 || c > 126)
            fprintf(out, "\\x%02X", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

/* Data as the shortest thing that is true of it; "" where there is none. */
static void say_data(struct sipc_span data, FILE *out)
{
    unsigned from = data.size > 0 ? data.data[0] : 0;
    size_t same = 0;

    while (same < data.size && data.data[same] == (from + same) % 251)
        same++;
    if (data.size > 0 && same == data.size && from < 251)
        fprintf(out, " bytes(%zu, %u)", data.size, from);
    else if (data.size > 1024)
        fputs(" *", out);
    else if (data.size > 0) {
        fputc(' ', out);
        say_hex(data, out);
    }
}

static void say_who(unsigned who, FILE *out)
{
    if (sfz_session(who) != 0)
        fprintf(out, " session=%s", sessions[sfz_session(who)]);
    if (sfz_peer(who) != 0)
        fprintf(out, " peer=%s", peers[sfz_peer(who)]);
}

static void say_session(unsigned who, FILE *out)
{
    say_who(sfz_session(who), out);
}

static void say_opcode(unsigned opcode, FILE *out)
{
    const char *name = sipc_opcode_name((int)opcode);

    if (name != NULL)
        fputs(name, out);
    else
        fprintf(out, "opcode(%u)", opcode);
}

/* Options as they travel; `expected`: in a line that compares. */
static void say_options(struct sipc_span options, bool expected, FILE *out)
{
    struct sipc_option option;
    const char *before = " {";
    int32_t number;
    bool flag;

    while (sipc_option_next(&options, &option)) {
        const char *name = sipc_option_spec_name(option.id);
        fputs(before, out);
        before = " ";
        if (name == NULL)
            say_text(option.name, out);
        else
            fputs(name, out);
        bool boolean = option.id != 0 && option.id <= SIPC_OPT_IS_WINDOW_FULL;
        bool usual = option.value.size == 4 && memcmp(option.value.data, "True", 4) == 0;
        if (boolean && (expected ? sipc_option_parse_bool(option.value, &flag) : usual)) {
            fputs(usual || flag ? "" : "=false", out);
        } else if (option.id > SIPC_OPT_IS_WINDOW_FULL && option.id < SIPC_OPT_TRACE_ID &&
                   sipc_option_parse_int(option.value, &number)) {
            fprintf(out, "=%" PRId32, number);
        } else {
            fputc('=', out);
            say_text(option.value, out);
        }
    }
    if (before[1] == '\0')
        fputc('}', out);
}

static void say_attributes(struct sfz_record record, FILE *out)
{
    struct judge_attribute list[4];
    size_t count = fuzz_attributes((enum sfz_attributes)record.kind, list);

    for (size_t i = 0; i < count; i++) {
        const char *name = sipc_option_spec_name(sipc_option_find(list[i].name));
        fputs(i == 0 ? " {" : " ", out);
        if (name != NULL)
            fputs(name, out);
        else
            say_text(list[i].name, out);
        fputc('=', out);
        say_text(list[i].value, out);
    }
    fputs(count > 0 ? "}" : "", out);
}

/* ---- PDUs in ---- */

static void say_fields(const struct sfz_record *record, FILE *out)
{
    uint8_t bytes[512];
    size_t size = fuzz_pdu_options(record, bytes, sizeof bytes);
    static const char *const tampers[SFZ_FORM_COUNT] = {
        [SFZ_WRONG_LENGTH] = " tamper length=$length+1",
        [SFZ_WRONG_PREFIX] = " tamper prefix",
        [SFZ_CUT] = " tamper truncate=$length-1",
        [SFZ_EXTENDED] = " tamper append=hex:00",
    };

    fputs("-> ", out);
    say_opcode(record->opcode, out);
    fprintf(out, " %" PRId64 ":%u", record->id, record->seq_nr);
    say_who(record->who, out);
    if (record->form == SFZ_OPTIONS_CUT && size > 0) {
        fputs(" options ", out);
        say_hex((struct sipc_span){bytes, size - 1}, out);
    } else {
        say_options((struct sipc_span){bytes, size}, false, out);
    }
    size_t data = fuzz_pdu_data_size(record, size);
    if (data > 0)
        fprintf(out, " bytes(%zu, %u)", data, record->from);
    fputs(tampers[record->form] != NULL ? tampers[record->form] : "", out);
    fputc('\n', out);
}

/* Where the options of raw bytes end, if the session's prefix stands behind them; 0: nowhere. */
static size_t raw_options_end(const struct sfz_record *record, const uint8_t *id)
{
    size_t at = SIPC_PDU_HEAD_SIZE;

    while (at + 10 <= record->raw_size) {
        const uint8_t *option = record->raw + at;
        size_t length = (size_t)(option[0] << 8 | option[1]);
        if (length == 0)
            return memcmp(option + 2, id, 8) == 0 ? at : 0;
        at += 4 + length;
    }
    return 0;
}

static uint64_t raw_number(const uint8_t *bytes, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Bytes that are a PDU of the session but for what its options say, or its length. */
static void say_raw_options(const struct sfz_record *record, int session, size_t end, FILE *out)
{
    const uint8_t *raw = record->raw;
    unsigned length = (unsigned)raw_number(raw, 2);
    struct sipc_span data = {raw + end + 10, record->raw_size - end - 10};

    say_opcode(raw[46], out);
    fprintf(out, " %" PRId64 ":%" PRId32, (int64_t)raw_number(raw + 34, 8),
            (int32_t)raw_number(raw + 42, 4));
    say_who((record->who & ~3u) | (unsigned)session, out);
    if (end > SIPC_PDU_HEAD_SIZE) {
        fputs(" options ", out);
        say_hex((struct sipc_span){raw + SIPC_PDU_HEAD_SIZE, end - SIPC_PDU_HEAD_SIZE}, out);
    }
    if (data.size > 0) {
        fputc(' ', out);
        say_hex(data, out);
    }
    if (length != record->raw_size)
        fprintf(out, " tamper length=%u", length);
}

/* Any bytes. Those that begin as a PDU of one of the sessions does are told as one that was
 * tampered with, as the session has another id wherever the script runs. */
static void say_raw(const struct sfz_record *record, FILE *out)
{
    int session = record->raw_size >= 34 ? fuzz_session_of(record->raw + 2) : -1;
    size_t end = session < 0 ? 0 : raw_options_end(record, sfz_session_id((unsigned)session));

    fputs("-> ", out);
    if (end > 0) {
        say_raw_options(record, session, end, out);
    } else if (session < 0) {
        fputs("raw ", out);
        if (record->raw_size == 0)
            fputs("\"\"", out);
        else
            say_hex((struct sipc_span){record->raw, record->raw_size}, out);
        say_who(record->who & ~3u, out);
    } else {
        unsigned length = (unsigned)(record->raw[0] << 8 | record->raw[1]);
        fputs("data 0:0", out);
        say_who((record->who & ~3u) | (unsigned)session, out);
        fprintf(out, " tamper length=%u tamper truncate=34", length);
        if (record->raw_size > 34) {
            fputs(" tamper append=", out);
            say_hex((struct sipc_span){record->raw + 34, record->raw_size - 34u}, out);
        }
    }
    fputc('\n', out);
}

/* ---- commands and time ---- */

static void say_thousandths(uint64_t thousandths, FILE *out)
{
    fprintf(out, "%" PRIu64 ".%03" PRIu64, thousandths / 1000, thousandths % 1000);
}

static void say_wait(const struct sfz_record *record, FILE *out)
{
    static const char *const units[SFZ_UNIT_COUNT] = {"T", "*open_timeout", "*idle_timeout",
                                                      "*enquire_link_interval", "*linger"};

    fputs("wait ", out);
    say_thousandths(record->value, out);
    fputs(units[record->kind], out);
    fputs(record->flags == SFZ_BEFORE   ? " - 0.001T"
          : record->flags == SFZ_BEHIND ? " + 0.001T"
                                        : "",
          out);
    fputc('\n', out);
}

static void say_send(const struct sfz_record *record, uint64_t operation, FILE *out)
{
    fputs(record->flags & SFZ_UNRELIABLE ? "do send_unreliable" : "do send", out);
    if (record->size > 0)
        fprintf(out, " bytes(%u, %u)", record->size, record->from);
    else
        fputs(" \"\"", out);
    fprintf(out, " as m%" PRIu64, operation);
    fputs(record->flags & SFZ_SKIP ? " skip" : "", out);
    say_session(record->who, out);
    say_attributes(*record, out);
    fputc('\n', out);
}

static void say_preset(const struct sfz_record *record, FILE *out)
{
    int64_t acked = record->id - 1 - record->kind;

    fputs("do preset", out);
    say_session(record->who, out);
    fprintf(out, " next=%" PRId64 " acked=%" PRId64, record->id, acked < -1 ? -1 : acked);
    if ((record->flags & SFZ_NO_MIN) == 0)
        fprintf(out, " min=%" PRId64, record->id2);
    fputs(record->flags & SFZ_PROCESSED ? " processed\n" : "\n", out);
}

static void say_command(const struct story *story, const struct sfz_record *record,
                        uint64_t operation)
{
    FILE *out = story->out;
    int64_t t_ms = story->input->settings[SFZ_ACK_TIMEOUT];

    switch (record->op) {
    case SFZ_OPEN:
        fputs("do open", out);
        say_who(record->who, out);
        if (record->value > 0)
            fprintf(out, " idle_timeout=%" PRIu32, record->value);
        fputc('\n', out);
        break;
    case SFZ_CLOSE:
        fprintf(out, "do close %" PRIu32 " as m%" PRIu64, record->value, operation);
        say_session(record->who, out);
        fputc('\n', out);
        break;
    case SFZ_DISPOSE:
        fprintf(out, "do dispose -%" PRIu32, record->value);
        say_session(record->who, out);
        fputc('\n', out);
        break;
    case SFZ_SHUTDOWN:
        fputs("do shutdown", out);
        if (record->value > 0) {
            fputs(" grace=", out);
            say_thousandths(record->value * UINT64_C(1000) / (uint64_t)t_ms, out);
            fputc('T', out);
        }
        fputc('\n', out);
        break;
    default:
        break;
    }
}

/* ---- what a record comes to ---- */

/* A wait in T, joined with the one before it. False: it is part of that now. */
static bool keep_wait(struct story *story, struct sfz_record *record)
{
    struct sfz_input *kept = story->canonical;
    uint64_t t = (uint64_t)story->input->settings[SFZ_ACK_TIMEOUT];
    uint64_t total =
        record->value * sfz_unit_ms(story->input->settings, (enum sfz_unit)record->kind);

    total += record->flags == SFZ_BEHIND ? t : 0;
    total -= record->flags == SFZ_BEFORE ? (total > t ? t : total) : 0;
    if (total % t != 0 || total / t > SFZ_WAIT_MAX)
        return true;
    *record = (struct sfz_record){.op = SFZ_WAIT, .value = (uint32_t)(total / t)};
    if (kept->count == 0)
        return true;
    struct sfz_record *last = &kept->records[kept->count - 1];
    if (last->op != SFZ_WAIT || last->kind != SFZ_T || last->flags != 0 ||
        last->value + record->value > SFZ_WAIT_MAX)
        return true;
    last->value += record->value;
    return false;
}

static void keep(struct story *story, const struct sfz_record *record, struct sipc_span bytes)
{
    struct sfz_input *kept = story->canonical;
    struct sfz_record copy = *record;

    if (copy.op == SFZ_RAW) { /* as fields, if they say the same */
        copy = (struct sfz_record){.who = record->who};
        if (!fuzz_pdu_record(bytes, false, &copy)) {
            story->whole = false;
            return;
        }
    }
    if (copy.op == SFZ_WAIT && !keep_wait(story, &copy))
        return;
    if (kept->count == SFZ_RECORDS_MAX) {
        story->whole = false;
        return;
    }
    if (copy.op == SFZ_RAW) {
        memcpy(story->raw[kept->count], bytes.data, bytes.size);
        copy.raw = story->raw[kept->count];
    }
    kept->records[kept->count++] = copy;
}

static void story_record(struct story *story, uint64_t now_ns, const struct sfz_record *record,
                         uint64_t operation, struct sipc_span bytes)
{
    story->outs_since = 0;
    if (story->canonical != NULL)
        keep(story, record, bytes);
    if (bytes.data != NULL && story->pdu != NULL)
        story->pdu(story->ctx, false, 1 + sfz_peer(record->who), now_ns, bytes);
    if (story->out == NULL)
        return;
    switch (record->op) {
    case SFZ_PDU:
        say_fields(record, story->out);
        break;
    case SFZ_RAW:
        say_raw(record, story->out);
        break;
    case SFZ_WAIT:
        say_wait(record, story->out);
        break;
    case SFZ_SEND:
        say_send(record, operation, story->out);
        break;
    case SFZ_PRESET:
        say_preset(record, story->out);
        break;
    case SFZ_SENT:
        break; /* said by story_sent, which knows the label */
    default:
        say_command(story, record, operation);
        break;
    }
}

/* ---- what comes out ---- */

static void say_tx(struct story *story, const struct fuzz_out *out)
{
    struct sipc_pdu pdu;
    FILE *file = story->out;
    const bool manual = story->input->settings[SFZ_MANUAL] != 0;

    story->transmissions++;
    if (sipc_pdu_decode(out->bytes, &pdu) != SIPC_DISCARD_NONE) {
        fputs("<- raw ", file);
        say_hex(out->bytes, file);
    } else {
        int session = fuzz_session_of(pdu.session_id);
        fputs("<- ", file);
        say_opcode(pdu.opcode, file);
        fprintf(file, " %" PRId64 ":%" PRId32, pdu.window_id, pdu.seq_nr);
        say_who(session < 0 ? 0 : (unsigned)session, file);
        if (session < 0) {
            fputs(" session_id=", file);
            for (size_t i = 0; i < SIPC_SESSION_ID_SIZE; i++)
                fprintf(file, "%02x", pdu.session_id[i]);
        }
        if (out->peer > 1 && out->peer <= SFZ_PEERS)
            fprintf(file, " peer=%s", peers[out->peer - 1]);
        say_options(pdu.options, true, file);
        say_data(pdu.data, file);
    }
    if (manual)
        fprintf(file, " #t%u", story->transmissions);
    fputc('\n', file);
}

static void story_out(struct story *story, uint64_t now_ns, const struct fuzz_out *out)
{
    static const char *const outcomes[] = {"ok",      "timeout",  "peer_error", "network_error",
                                           "refused", "not_sent", "closed"};
    int session = fuzz_session_of(out->session);

    story->outs_since += out->kind != JUDGE_GAP && out->kind != JUDGE_STATE;
    if (out->kind == JUDGE_TX && story->pdu != NULL)
        story->pdu(story->ctx, true, out->peer, now_ns, out->bytes);
    if (story->out == NULL)
        return;
    if (out->kind == JUDGE_TX) {
        say_tx(story, out);
    } else if (out->kind == JUDGE_DELIVER) {
        fputs("== deliver", story->out);
        if (out->bytes.size == 0)
            fputs(" \"\"", story->out);
        say_data(out->bytes, story->out);
        say_session(session < 0 ? 0 : (unsigned)session, story->out);
        fputs(out->attribute_count > 0 ? " {*}\n" : "\n", story->out);
    } else if (out->kind == JUDGE_RESULT && out->outcome <= JUDGE_OUTCOME_CLOSED) {
        fprintf(story->out, "== result m%" PRIu64 " %s", out->operation, outcomes[out->outcome]);
        if (out->outcome == JUDGE_OUTCOME_REFUSED || !out->has_code)
            fputc('\n', story->out);
        else
            fprintf(story->out, " %" PRId32 "\n", out->code);
    }
}

/* ---- aftermaths: which label ---- */

struct waiting {
    unsigned numbers[32];
    size_t count;
};

/* Labels follow from the text: the transmissions that wait, oldest first, as play.c keeps them. */
struct labels {
    struct story story;
    struct waiting waiting;
};

static void labels_record(void *ctx, uint64_t now_ns, const struct sfz_record *record,
                          uint64_t operation, struct sipc_span bytes)
{
    struct labels *labels = ctx;
    struct waiting *w = &labels->waiting;

    story_record(&labels->story, now_ns, record, operation, bytes);
    if (record->op != SFZ_SENT || record->kind >= w->count)
        return;
    if (labels->story.out != NULL)
        fprintf(labels->story.out, "do sent #t%u %s\n", w->numbers[record->kind],
                record->flags & SFZ_FAILED ? "failed" : "ok");
    w->count--;
    memmove(&w->numbers[record->kind], &w->numbers[record->kind + 1],
            (w->count - record->kind) * sizeof w->numbers[0]);
}

static void labels_out(void *ctx, uint64_t now_ns, const struct fuzz_out *out)
{
    struct labels *labels = ctx;
    struct waiting *w = &labels->waiting;

    if (labels->story.out == NULL && out->kind == JUDGE_TX)
        labels->story.transmissions++;
    story_out(&labels->story, now_ns, out);
    if (out->kind == JUDGE_TX && labels->story.input->settings[SFZ_MANUAL] != 0 &&
        w->count < sizeof w->numbers / sizeof w->numbers[0])
        w->numbers[w->count++] = labels->story.transmissions;
}

/* ---- the whole ---- */

static void say_header(const struct sfz_input *input, const char *id,
                       const struct fuzz_played *seen, FILE *out)
{
    const struct sipc_rule_info *info =
        sipc_rule_info(seen->finding.found ? seen->finding.rule : seen->exercised);

    fputs("# An input of a fuzz target.\n", out);
    if (seen->finding.found)
        fprintf(out, "# %s\n", seen->finding.text);
    fprintf(out, "sx 1\nid %s\nrules %s\nrole endpoint\n", id, info != NULL ? info->id : "STM-7");
    for (int i = 0; i < SFZ_SETTING_COUNT; i++) {
        const struct sfz_setting_info *setting = sfz_setting_info((enum sfz_setting)i);
        if (input->settings[i] == setting->protocol)
            continue;
        if (setting->words[0] != NULL)
            fprintf(out, "set %s = %s\n", setting->name, setting->words[input->settings[i]]);
        else
            fprintf(out, "set %s = %" PRId64 "\n", setting->name, input->settings[i]);
    }
    fputs("test\n", out);
}

static bool print_parsed(const char *id, const char *text, size_t size, FILE *out, FILE *errors)
{
    size_t count;
    struct sx_script *script = sx_parse(id, text, size, errors, &count);

    if (script == NULL)
        return false;
    sx_print(script, out);
    sx_script_free(script);
    return true;
}

static void play(struct labels *labels, const struct fuzz_driver *driver, void *self,
                 const struct sfz_input *input, struct fuzz_played *played)
{
    struct fuzz_tap tap = {labels_record, labels_out, labels};
    struct fuzz_play_options options = {.advisories = driver == &fuzz_engine_driver, .tap = &tap};

    labels->story.input = input;
    labels->waiting.count = 0;
    labels->story.transmissions = 0;
    fuzz_play(driver, self, input, &options, played);
}

/* Ends the input with a wait in which nothing comes, as a script ends in silence. */
static bool settle(const struct fuzz_driver *driver, void *self, struct sfz_input *input)
{
    struct labels labels = {0};
    struct fuzz_played played;

    for (int i = 0; i < SETTLE_MAX && input->count < SFZ_RECORDS_MAX; i++) {
        input->records[input->count] = (struct sfz_record){.op = SFZ_WAIT, .value = 1};
        input->count++;
        play(&labels, driver, self, input, &played);
        if (labels.story.outs_since == 0) {
            input->count--;
            return true;
        }
    }
    return false;
}

bool fuzz_story_print(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
                      const char *id, FILE *out, FILE *errors, struct sfz_input *canonical,
                      struct fuzz_played *played, fuzz_story_pdu *pdu, void *ctx)
{
    static struct sfz_input turns[2];
    static uint8_t raws[2][SFZ_RECORDS_MAX][SFZ_RAW_MAX];
    struct labels labels = {.story = {.whole = true}};
    char *text = NULL;
    size_t size = 0;

    turns[0] = *input;
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        struct sfz_input *to = &turns[(turn + 1) % 2];
        *to = *input;
        to->count = 0;
        labels.story.canonical = to;
        labels.story.raw = raws[(turn + 1) % 2];
        play(&labels, driver, self, &turns[turn % 2], played);
        if (turn == 0 && !played->finding.found && !settle(driver, self, to)) {
            fputs("it does not come to rest\n", errors);
            return false;
        }
    }
    if (played->refused || !labels.story.whole) {
        fputs(played->refused ? "its settings are refused\n" : "it is too long to be told\n",
              errors);
        return false;
    }
    *canonical = turns[TURNS_MAX % 2];
    labels.story = (struct story){.pdu = pdu, .ctx = ctx, .out = open_memstream(&text, &size)};
    SIPC_ASSERT(labels.story.out != NULL);
    say_header(canonical, id, played, labels.story.out);
    play(&labels, driver, self, canonical, played);
    fputs("quiet 0.001T\n", labels.story.out);
    fclose(labels.story.out);
    bool printed = print_parsed(id, text, size, out, errors);
    free(text);
    return printed;
}
