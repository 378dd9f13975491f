/* The way to a failure, gone once more with somebody listening. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- telling ---- */

struct simnet_explore_entry *explore_trace_add(struct explorer *x, enum simnet_explore_what what,
                                               uint32_t side)
{
    struct trace *trace = x->trace;

    if (trace == NULL)
        return NULL;
    if (trace->count == trace->capacity) {
        trace->capacity = 2 * trace->capacity + 64;
        trace->entries = explore_allocate(trace->entries, trace->capacity * sizeof *trace->entries);
    }
    struct simnet_explore_entry *entry = &trace->entries[trace->count++];
    memset(entry, 0, sizeof *entry);
    entry->what = what;
    entry->side = side;
    entry->at_ns = trace->now;
    return entry;
}

/* The span's data is where its bytes are among the trace's; NULL entry: nothing. */
void explore_trace_bytes(struct explorer *x, struct simnet_explore_entry *entry,
                         struct sipc_span bytes)
{
    if (entry == NULL)
        return;
    uint8_t *copy = explore_buffer_grow(&x->trace->bytes, bytes.size + 1);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    entry->pdu.size = bytes.size;
    entry->pdu.data = (const uint8_t *)(uintptr_t)(1 + (size_t)(copy - x->trace->bytes.bytes));
}

static size_t trace_path(const struct visited *visited, uint32_t node, uint32_t **actions)
{
    size_t count = 0;

    for (uint32_t at = node; at != 0; at = visited->nodes[at].parent)
        count++;
    *actions = explore_allocate(NULL, (count + 1) * sizeof **actions);
    for (size_t i = count; i > 0; i--) {
        (*actions)[i - 1] = visited->nodes[node].action;
        node = visited->nodes[node].parent;
    }
    return count;
}

void explore_trace_tell(struct explorer *x, uint32_t node)
{
    struct trace trace = {0};
    struct simnet_explore_failure failure = x->result->failure;
    uint32_t *actions;
    size_t count = trace_path(&x->visited, node, &actions);

    x->trace = &trace;
    x->broken = false;
    x->wire_limit = WIRE_MAX;
    explore_step_begin(x);
    for (size_t i = 0; i < count + x->tail_count; i++) {
        explore_state_adopt(x);
        enum step step = explore_step_do(x, i < count ? actions[i] : x->tail[i - count]);
        SIPC_ASSERT(step == STEP_DONE);
    }
    x->result->failure = failure;
    x->result->steps = (uint32_t)(count + x->tail_count);
    for (size_t i = 0; i < trace.count; i++)
        if (trace.entries[i].pdu.data != NULL)
            trace.entries[i].pdu.data =
                trace.bytes.bytes + (uintptr_t)trace.entries[i].pdu.data - 1;
    x->result->entries = trace.entries;
    x->result->entry_count = trace.count;
    x->result->memory_of_entries = trace.bytes.bytes;
    x->trace = NULL;
    free(actions);
}

void simnet_explore_result_free(struct simnet_explore_result *result)
{
    free((void *)(uintptr_t)result->entries);
    free(result->memory_of_entries);
    memset(result, 0, sizeof *result);
}

/* ---- names ---- */

const char *simnet_explore_what_name(enum simnet_explore_what what)
{
    static const char *const names[] = {"gets",
                                        "gets, and there is a copy of",
                                        "gets from nowhere",
                                        "never gets",
                                        "is woken",
                                        "opens the session",
                                        "is told to",
                                        "is told it was sent",
                                        "is told it was not sent",
                                        "crashes",
                                        "sends",
                                        "hands over",
                                        "ends",
                                        "session is",
                                        "discards"};

    SIPC_ASSERT((unsigned)what < sizeof names / sizeof names[0]);
    return names[what];
}

const char *simnet_explore_end_name(enum simnet_explore_end end)
{
    static const char *const names[] = {"exhausted", "broken", "depth", "states", "memory"};

    SIPC_ASSERT((unsigned)end < sizeof names / sizeof names[0]);
    return names[end];
}

const char *simnet_explore_stand_name(unsigned stand)
{
    SIPC_ASSERT(stand < SIMNET_EXPLORE_STANDS);
    return stand == 0 ? "none" : sipc_state_name((enum sipc_state)(stand - 1));
}

const char *simnet_explore_event_name(unsigned event)
{
    static const char *const names[SIMNET_EXPLORE_EVENTS] = {
        "data",      "data_ack",     "close",
        "close_ack", "enquire_link", "enquire_link_ack",
        "deadline",  "do send",      "do send_unreliable",
        "do close",  "sent",         "not sent",
        "crash",     "drop",         "inject"};

    SIPC_ASSERT(event < SIMNET_EXPLORE_EVENTS);
    return names[event];
}

/* ---- entries as text ---- */

static void trace_print_options(const struct sipc_pdu *pdu, FILE *out)
{
    const char *before = " {";

    for (uint32_t bit = 1; bit <= SIPC_OPT_IS_WINDOW_FULL; bit <<= 1)
        if (pdu->flags & bit) {
            fprintf(out, "%s%s", before, sipc_option_spec_name(bit));
            before = " ";
        }
    if (pdu->error_code != 0) {
        fprintf(out, "%serror_code=%" PRId32, before, pdu->error_code);
        before = " ";
    }
    if (pdu->opcode == SIPC_CLOSE) {
        fprintf(out, "%sabort_code=%" PRId32, before, pdu->abort_code);
        before = " ";
    }
    if (before[1] == '\0')
        fputc('}', out);
}

static void trace_print_pdu(struct sipc_span bytes, FILE *out)
{
    struct sipc_pdu pdu;

    if (sipc_pdu_decode(bytes, &pdu) != SIPC_DISCARD_NONE) {
        fprintf(out, " %zu bytes that are no PDU", bytes.size);
        return;
    }
    fprintf(out, " %s %" PRId64 ":%" PRId32, sipc_opcode_name(pdu.opcode), pdu.window_id,
            pdu.seq_nr);
    trace_print_options(&pdu, out);
    if (pdu.data.size > 0)
        fprintf(out, " %zu B", pdu.data.size);
}

static void trace_print_operation(const struct simnet_explore_entry *entry, FILE *out)
{
    static const char *const names[] = {"send", "send_unreliable", "close"};

    fprintf(out, " %s #%" PRIu64, names[entry->operation], entry->number);
    if (entry->what != SIMNET_EXPLORE_COMMANDS)
        fprintf(out, " %s", sipc_outcome_name(entry->outcome));
    else if (entry->operation != SIPC_OP_CLOSE)
        fprintf(out, " %" PRIu32 " B%s", entry->size, entry->skip ? " skip" : "");
    if (entry->code != 0)
        fprintf(out, " %" PRId32, entry->code);
}

void simnet_explore_print(const struct simnet_explore_entry *entry, FILE *out)
{
    bool effect = entry->what >= SIMNET_EXPLORE_TRANSMITS;
    uint64_t ms = entry->at_ns / SIPC_NS_PER_MS;

    fprintf(out, "%4" PRIu64 ".%03" PRIu64 " s  %s%c %s", ms / 1000, ms % 1000,
            effect ? "    " : "", "AB"[entry->side], simnet_explore_what_name(entry->what));
    switch (entry->what) {
    case SIMNET_EXPLORE_DELIVERS:
    case SIMNET_EXPLORE_DUPLICATES:
    case SIMNET_EXPLORE_INJECTS:
    case SIMNET_EXPLORE_DROPS:
    case SIMNET_EXPLORE_TRANSMITS:
        trace_print_pdu(entry->pdu, out);
        break;
    case SIMNET_EXPLORE_COMMANDS:
    case SIMNET_EXPLORE_ENDS:
        trace_print_operation(entry, out);
        break;
    case SIMNET_EXPLORE_HANDS_OVER:
        fprintf(out, " %zu B", entry->pdu.size);
        break;
    case SIMNET_EXPLORE_ENTERS:
        fprintf(out, " %s", sipc_state_name(entry->state));
        if (entry->code != 0)
            fprintf(out, " (%" PRId32 ")", entry->code);
        break;
    case SIMNET_EXPLORE_DISCARDS:
        fprintf(out, " (%s)", sipc_discard_name(entry->discard));
        break;
    default:
        break;
    }
}
