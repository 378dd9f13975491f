/* Lines of a case (case_sx.h): times in thousandths of T, sessions and peers by name, own window
 * ids by the variables that the SUT's PDUs bind. */
#include "case_lines.h"

#include <inttypes.h>
#include <string.h>

enum { PATTERN = 251 };

/* ---- names ---- */

sipc_time case_grid(const struct case_writer *w)
{
    return w->config.ack_timeout_ns / 1000;
}

size_t case_session(struct case_writer *w, const uint8_t *id)
{
    for (size_t i = 0; i < w->session_count; i++)
        if (memcmp(w->sessions[i], id, SIPC_SESSION_ID_SIZE) == 0)
            return i;
    if (w->session_count == CASE_NAMES_MAX) {
        w->overflows = true;
        return 0;
    }
    memcpy(w->sessions[w->session_count], id, SIPC_SESSION_ID_SIZE);
    return w->session_count++;
}

size_t case_peer(struct case_writer *w, sipc_peer peer)
{
    for (size_t i = 0; i < w->peer_count; i++)
        if (w->peers[i] == peer)
            return i;
    if (w->peer_count == CASE_NAMES_MAX) {
        w->overflows = true;
        return 0;
    }
    w->peers[w->peer_count] = peer;
    return w->peer_count++;
}

/* The first of a kind is the default, and not named. */
static void lines_name(struct case_writer *w, const char *word, char letter, size_t place)
{
    if (place > 0)
        fprintf(w->out, " %s=%c%zu", word, letter, place + 1);
}

static void lines_session(struct case_writer *w, const uint8_t *id)
{
    lines_name(w, "session", 'S', case_session(w, id));
}

/* The place of an own window id; CASE_IDS_MAX: not seen yet. */
static size_t lines_id(const struct case_writer *w, int64_t id)
{
    for (size_t i = w->id_count; i > 0; i--)
        if (w->ids[i - 1] == id)
            return i - 1;
    return CASE_IDS_MAX;
}

static size_t lines_new_id(struct case_writer *w, int64_t id)
{
    if (w->id_count == CASE_IDS_MAX) {
        w->overflows = true;
        return 0;
    }
    w->ids[w->id_count] = id;
    return w->id_count++;
}

/* ---- times ---- */

static void lines_time(const struct case_writer *w, sipc_time time)
{
    uint64_t thousandths = time / case_grid(w);

    fprintf(w->out, "%" PRIu64 ".%03" PRIu64 "T", thousandths / 1000, thousandths % 1000);
}

void case_line_wait(struct case_writer *w, sipc_time until)
{
    if (until <= w->told_ns)
        return;
    if (w->out != NULL) {
        fputs("wait ", w->out);
        lines_time(w, until - w->told_ns);
        fputc('\n', w->out);
    }
    w->told_ns = until;
}

/* ---- bytes ---- */

static void lines_hex(struct sipc_span bytes, FILE *out)
{
    fputs("hex:", out);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%02x", bytes.data[i]);
}

static void lines_data(struct sipc_span data, FILE *out)
{
    size_t i = 1;

    while (i < data.size && data.data[i] == (data.data[0] + i) % PATTERN)
        i++;
    if (data.size == 0)
        return;
    fputc(' ', out);
    if (data.data[0] < PATTERN && i == data.size)
        fprintf(out, "bytes(%zu, %d)", data.size, data.data[0]);
    else
        lines_hex(data, out);
}

static void lines_text(struct sipc_span text, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~' || text.data[i] == '"' || text.data[i] == '\\')
            fprintf(out, "\\x%02X", text.data[i]);
        else
            fputc(text.data[i], out);
    fputc('"', out);
}

/* ---- options ---- */

static void lines_options(const struct sipc_pdu *pdu, bool expected, FILE *out)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;

    fputs(" {", out);
    for (uint32_t bit = 1; bit <= SIPC_OPT_IS_WINDOW_FULL; bit <<= 1)
        if (pdu->flags & bit)
            fprintf(out, "%s ", sipc_option_spec_name(bit));
    if (pdu->max_window_size > 0 && expected)
        fputs("max_window_size=* ", out);
    else if (pdu->max_window_size > 0)
        fprintf(out, "max_window_size=%" PRId32 " ", pdu->max_window_size);
    if (pdu->error_code != 0)
        fprintf(out, "error_code=%" PRId32 " ", pdu->error_code);
    if (pdu->opcode == SIPC_CLOSE && pdu->abort_code != SIPC_ABORT_NORMAL)
        fprintf(out, "abort_code=%" PRId32 " ", pdu->abort_code);
    if (pdu->idle_timeout_ms != 0)
        fprintf(out, "idle_timeout=%" PRId32 " ", pdu->idle_timeout_ms);
    while (sipc_option_next(&rest, &option))
        if ((option.id & SIPC_OPT_FRAMING) == 0 && option.id != SIPC_OPT_ERROR_CODE &&
            option.id != SIPC_OPT_ABORT_CODE && option.id != SIPC_OPT_IDLE_TIMEOUT) {
            if (option.id == SIPC_OPT_TRACE_ID)
                fputs("trace_id", out);
            else
                lines_text(option.name, out);
            fputc('=', out);
            lines_text(option.value, out);
            fputc(' ', out);
        }
    fputc('}', out);
}

/* Whether the braces of a PDU that is sent say all its options say. */
static bool lines_options_are_plain(const struct sipc_pdu *pdu)
{
    const uint32_t flags = SIPC_OPT_IS_WINDOW_FULL * 2 - 1;
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    uint32_t seen = 0;

    while (sipc_option_next(&rest, &option)) {
        if (option.id == 0 || (option.id & seen) != 0 || (option.id & flags & ~pdu->flags) != 0)
            return false;
        seen |= option.id;
    }
    return (seen &
            ~(flags | SIPC_OPT_MAX_WINDOW_SIZE | SIPC_OPT_ERROR_CODE | SIPC_OPT_ABORT_CODE)) == 0 &&
           ((seen & SIPC_OPT_MAX_WINDOW_SIZE) == 0 || pdu->max_window_size > 0) &&
           ((seen & SIPC_OPT_ERROR_CODE) == 0 || pdu->error_code != 0) &&
           ((seen & SIPC_OPT_ABORT_CODE) == 0 || pdu->opcode == SIPC_CLOSE);
}

static void lines_attributes(struct sipc_span attributes, FILE *out)
{
    struct sipc_span name, value;

    if (attributes.size == 0)
        return;
    fputs(" {", out);
    while (sipc_attribute_next(&attributes, &name, &value)) {
        if (sipc_option_find(name) == SIPC_OPT_TRACE_ID)
            fputs("trace_id", out);
        else
            lines_text(name, out);
        fputc('=', out);
        lines_text(value, out);
        fputc(' ', out);
    }
    fputc('}', out);
}

/* ---- PDUs ---- */

/* Whose window ids a PDU bears: of the SUT its own are in what it sends, and in acks of that. */
static bool lines_bears_own_id(const struct sipc_pdu *pdu, bool expected)
{
    return expected ? pdu->opcode == SIPC_DATA || pdu->opcode == SIPC_CLOSE
                    : pdu->opcode == SIPC_DATA_ACK || pdu->opcode == SIPC_CLOSE_ACK;
}

/* Returns the place of the own window id that this binds; CASE_IDS_MAX: none. */
static size_t lines_window_id(struct case_writer *w, const struct sipc_pdu *pdu, bool expected)
{
    size_t id =
        lines_bears_own_id(pdu, expected) ? lines_id(w, pdu->window_id) : (size_t)CASE_IDS_MAX;

    if (id == CASE_IDS_MAX && expected && lines_bears_own_id(pdu, expected))
        id = lines_new_id(w, pdu->window_id);
    bool binds = expected && id < CASE_IDS_MAX && id >= w->told_ids;
    if (w->out != NULL && id < CASE_IDS_MAX && (binds || id < w->told_ids))
        fprintf(w->out, "$w%zu", id);
    else if (w->out != NULL)
        fprintf(w->out, "%" PRId64, pdu->window_id);
    if (binds)
        w->told_ids = id + 1;
    return binds ? id : (size_t)CASE_IDS_MAX;
}

static void lines_pdu(struct case_writer *w, const struct case_entry *entry, bool expected,
                      size_t *binds)
{
    struct sipc_pdu pdu;
    size_t peer = case_peer(w, entry->peer);

    *binds = CASE_IDS_MAX;
    if (sipc_pdu_decode(entry->bytes, &pdu) != SIPC_DISCARD_NONE) {
        if (w->out != NULL) {
            fputs("raw ", w->out);
            lines_hex(entry->bytes, w->out);
            lines_name(w, "peer", 'P', peer);
        }
        return;
    }
    if (w->out != NULL)
        fprintf(w->out, "%s ", sipc_opcode_name(pdu.opcode));
    *binds = lines_window_id(w, &pdu, expected);
    size_t session = case_session(w, pdu.session_id);
    if (w->out == NULL)
        return;
    fprintf(w->out, ":%" PRId32, pdu.seq_nr);
    lines_name(w, "session", 'S', session);
    lines_name(w, "peer", 'P', peer);
    if (!expected && !lines_options_are_plain(&pdu)) {
        fputs(" options ", w->out);
        lines_hex(pdu.options, w->out);
    } else {
        lines_options(&pdu, expected, w->out);
    }
    lines_data(pdu.data, w->out);
}

/* ---- what comes to the SUT ---- */

static void lines_open(struct case_writer *w, const struct case_entry *entry)
{
    const struct sipc_preset *ids = w->history->preset;
    const uint64_t ms = SIPC_NS_PER_MS;

    fputs("do open", w->out);
    lines_session(w, entry->session_id);
    lines_name(w, "peer", 'P', case_peer(w, entry->peer));
    if (entry->idle_timeout_ns != INT64_MIN)
        fprintf(w->out, " idle_timeout=%" PRId64, entry->idle_timeout_ns / (int64_t)ms);
    fputc('\n', w->out);
    if (ids == NULL || case_session(w, entry->session_id) > 0)
        return;
    fprintf(w->out, "do preset next=%" PRId64, ids->next_window_id);
    if (ids->acked_window_id >= 0)
        fprintf(w->out, " acked=%" PRId64, ids->acked_window_id);
    if (ids->min_window_id >= 0)
        fprintf(w->out, " min=%" PRId64 "%s", ids->min_window_id,
                ids->processed ? " processed" : "");
    fputc('\n', w->out);
}

static void lines_command(struct case_writer *w, const struct case_entry *entry)
{
    switch (entry->command) {
    case SIMNET_COMMAND_OPEN:
        lines_open(w, entry);
        return;
    case SIMNET_COMMAND_SHUTDOWN:
        fputs("do shutdown grace=", w->out);
        lines_time(w, entry->grace_ns);
        fputc('\n', w->out);
        return;
    case SIMNET_COMMAND_DISPOSE:
        fprintf(w->out, "do dispose %" PRId32, entry->code);
        break;
    case SIMNET_COMMAND_CLOSE:
        fprintf(w->out, "do close %" PRId32 " as m%" PRIu64, entry->code, entry->number);
        break;
    case SIMNET_COMMAND_SEND:
    case SIMNET_COMMAND_SEND_UNRELIABLE:
        fprintf(w->out, "do %s",
                entry->command == SIMNET_COMMAND_SEND ? "send" : "send_unreliable");
        lines_data(entry->bytes, w->out);
        if (entry->bytes.size == 0)
            fputs(" \"\"", w->out);
        fprintf(w->out, " as m%" PRIu64 "%s", entry->number, entry->skip ? " skip" : "");
        lines_attributes(entry->attributes, w->out);
        break;
    }
    lines_session(w, entry->session_id);
    fputc('\n', w->out);
}

void case_line_told(struct case_writer *w, uint64_t number, bool ok)
{
    if (w->out != NULL)
        fprintf(w->out, "do sent #t%" PRIu64 " %s\n", number, ok ? "ok" : "failed");
}

void case_line_cause(struct case_writer *w, const struct case_entry *entry)
{
    size_t binds;

    if (entry->what == CASE_RECEIVES) {
        if (w->out != NULL)
            fputs("-> ", w->out);
        lines_pdu(w, entry, false, &binds);
        if (w->out != NULL)
            fputc('\n', w->out);
    } else if (entry->what == CASE_TOLD) {
        case_line_told(w, entry->number, entry->ok);
    } else if (w->out != NULL) {
        lines_command(w, entry);
    } else if (entry->session_id != NULL) {
        case_session(w, entry->session_id);
        case_peer(w, entry->peer);
    }
}

/* ---- what it is to do ---- */

/* A window id seen for the first time: greater than those before, or the first, or wrapped. */
static void lines_check_id(const struct case_writer *w, size_t id)
{
    if (id == 0)
        fprintf(w->out, "check $w0 <= $window_id_max [WID-2]\n");
    else
        fprintf(w->out, "check $w%zu %c $w%zu [WID-9]\n", id,
                w->ids[id] > w->ids[id - 1] ? '>' : '<', id - 1);
}

static void lines_transmit(struct case_writer *w, const struct case_entry *effect)
{
    size_t binds;

    if (w->out != NULL)
        fputs("<- ", w->out);
    lines_pdu(w, effect, true, &binds);
    if (w->out == NULL)
        return;
    if (effect->number > 0 && w->manual)
        fprintf(w->out, " #t%" PRIu64, effect->number);
    fputc('\n', w->out);
    if (binds < CASE_IDS_MAX)
        lines_check_id(w, binds);
}

void case_line_expect(struct case_writer *w, const struct case_entry *effect)
{
    if (effect->what == CASE_TRANSMITS) {
        lines_transmit(w, effect);
    } else if (w->out == NULL) {
        return;
    } else if (effect->what == CASE_DELIVERS) {
        fputs("== deliver", w->out);
        lines_data(effect->bytes, w->out);
        if (effect->bytes.size == 0)
            fputs(" \"\"", w->out);
        lines_session(w, effect->session_id);
        lines_attributes(effect->attributes, w->out);
        fputc('\n', w->out);
    } else {
        fprintf(w->out, "== result m%" PRIu64 " %s", effect->number,
                effect->refused ? "refused *" : sipc_outcome_name(effect->outcome));
        if (effect->code != 0)
            fprintf(w->out, " %" PRId32, effect->code);
        fputc('\n', w->out);
    }
}
