/* A PDU as people read it, close to how a script would write it (SX.md). Any bytes: what does not
 * decode is shown as raw bytes with the reason.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "runner.h"

static void print_option(const struct sipc_option *option, FILE *out)
{
    const char *name = sipc_option_spec_name(option->id);
    bool flag;
    int32_t number;

    if (name == NULL) {
        run_print_quoted(option->name, out);
        fputc('=', out);
        run_print_quoted(option->value, out);
        return;
    }
    fputs(name, out);
    if (option->id <= SIPC_OPT_IS_WINDOW_FULL && sipc_option_parse_bool(option->value, &flag)) {
        fputs(flag ? "" : "=false", out);
    } else if (option->id != SIPC_OPT_TRACE_ID && option->id > SIPC_OPT_IS_WINDOW_FULL &&
               sipc_option_parse_int(option->value, &number)) {
        fprintf(out, "=%" PRId32, number);
    } else {
        fputc('=', out);
        run_print_quoted(option->value, out);
    }
}

static void print_raw(struct sipc_span pdu, enum sipc_discard reason, FILE *out)
{
    size_t shown = pdu.size > 2 * RUN_TEXT_BYTES_MAX ? 2 * RUN_TEXT_BYTES_MAX : pdu.size;

    fprintf(out, "raw %zu byte%s (%s)", pdu.size, pdu.size == 1 ? "" : "s",
            sipc_discard_name(reason));
    if (shown > 0) {
        fputs(" hex:", out);
    }
    for (size_t i = 0; i < shown; i++) {
        fprintf(out, "%02x", pdu.data[i]);
    }
    fputs(shown < pdu.size ? "..." : "", out);
}

void run_print_options(struct sipc_span options, FILE *out)
{
    struct sipc_option option;
    const char *before = "{";

    while (sipc_option_next(&options, &option)) {
        fputs(before, out);
        print_option(&option, out);
        before = " ";
    }
    fputs(before[0] == '{' ? "{}" : "}", out);
}

void conform_print_pdu(struct sipc_span pdu, FILE *out)
{
    struct sipc_pdu decoded;
    char opcode[32];
    enum sipc_discard reason = sipc_pdu_decode(pdu, &decoded);

    if (reason != SIPC_DISCARD_NONE) {
        print_raw(pdu, reason, out);
        return;
    }
    fprintf(out, "%s %" PRId64 ":%" PRId32, run_opcode_text(decoded.opcode, opcode, sizeof opcode),
            decoded.window_id, decoded.seq_nr);
    if (decoded.options.size > 0) {
        fputc(' ', out);
        run_print_options(decoded.options, out);
    }
    if (decoded.data.size > 0) {
        fprintf(out, " %zu byte%s ", decoded.data.size, decoded.data.size == 1 ? "" : "s");
        run_print_quoted(decoded.data, out);
    }
}
