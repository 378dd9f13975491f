/* The figures as a Markdown table, or as JSON. */
#include <stdio.h>

#include "measure.h"

/* Why there is nothing beside the engine; NULL if there is. */
static const char *report_without_enet(const struct bench_plan *plan)
{
    if (bench_enet == NULL)
        return "built without ENet; on Debian: apt-get install libenet-dev, then configure and "
               "build again";
    return plan->enet ? NULL : "left out (--no-enet)";
}

void bench_print_head(const struct bench_plan *plan)
{
    const char *without_enet = report_without_enet(plan);

    bench_print_machine();
    printf(". CPU time of one thread for both ends and the link;\n");
    printf("median [min..max] of %u repetitions", plan->repetitions);
    if (without_enet != NULL)
        printf(".\nENet: %s.\n", without_enet);
    else
        printf(", engine and ENet in turn; the ratio is each repetition's own.\n");
    if (bench_build_is_slow())
        printf("This build is not optimised, or has sanitizers: its times mean nothing.\n");
    printf("\n| window | MTU | message B | loss | sessions | ns/PDU | PDUs/message | messages/s | "
           "MB/s | instructions/PDU | ENet messages/s | ratio |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
}

void bench_print_row(const struct bench_row *row)
{
    const struct bench_cell *cell = &row->cell;
    const struct bench_figures *engine = &row->engine;

    printf("| %u | %u | %u | %u %% | %u | %.0f [%.0f..%.0f] | %.2f | %.0f | %.0f |", cell->window,
           cell->mtu, cell->message_size, cell->loss_percent, cell->sessions, engine->pdu_ns.median,
           engine->pdu_ns.min, engine->pdu_ns.max, engine->pdus_by_message,
           engine->messages_s.median, engine->megabytes_s);
    if (row->instructions > 0)
        printf(" %.0f |", row->instructions);
    else
        printf(" - |");
    if (row->has_enet)
        printf(" %.0f | %.2f [%.2f..%.2f] |\n", row->enet.messages_s.median, row->ratio.median,
               row->ratio.min, row->ratio.max);
    else
        printf(" - | - |\n");
    fflush(stdout);
}

void bench_print_memory(const struct bench_memory *m)
{
    printf("\nMemory by session: %.0f B, and buffers as configured: %.0f B for each PDU of the\n"
           "window, %.0f B for each byte of a window group, %.0f B for each byte of attributes,\n"
           "%.0f B for each place of the fire-and-forget queue; %.0f B in all with the defaults,\n"
           "of which %.0f B are in memory while the session is idle and has received nothing.\n",
           m->session, m->window_position, m->group_byte, m->attribute_byte, m->unreliable_entry,
           m->session_default, m->resident_idle);
}

/* ---- JSON ---- */

static json_t *report_json_figures(const struct bench_figures *figures)
{
    return json_pack("{s:o, s:o, s:f, s:f}", "ns_per_pdu", bench_json_stat(&figures->pdu_ns),
                     "messages_per_s", bench_json_stat(&figures->messages_s), "megabytes_per_s",
                     figures->megabytes_s, "pdus_per_message", figures->pdus_by_message);
}

json_t *bench_json_row(const struct bench_row *row)
{
    const struct bench_cell *cell = &row->cell;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "window",
                     (json_int_t)cell->window, "mtu", (json_int_t)cell->mtu, "message_bytes",
                     (json_int_t)cell->message_size, "loss_percent", (json_int_t)cell->loss_percent,
                     "sessions", (json_int_t)cell->sessions, "messages", (json_int_t)row->messages,
                     "pdus", (json_int_t)row->pdus, "engine", report_json_figures(&row->engine),
                     "enet", row->has_enet ? report_json_figures(&row->enet) : json_null(), "ratio",
                     row->has_enet ? bench_json_stat(&row->ratio) : json_null(),
                     "instructions_per_pdu",
                     row->instructions > 0 ? json_real(row->instructions) : json_null());
}

json_t *bench_json(const struct bench_plan *plan, json_t *rows, const struct bench_memory *memory)
{
    const char *without_enet = report_without_enet(plan);
    char processor[128];

    bench_processor(processor, sizeof processor);
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:o, s:O, s:{s:f, s:f, s:f, s:f, s:f, s:f, s:f}}", "processor",
        processor, "build", bench_build(), "times_mean_nothing", (int)bench_build_is_slow(),
        "repetitions", (json_int_t)plan->repetitions, "enet_left_out",
        without_enet != NULL ? json_string(without_enet) : json_null(), "rows", rows, "memory",
        "session_bytes", memory->session, "bytes_per_window_pdu", memory->window_position,
        "bytes_per_group_byte", memory->group_byte, "bytes_per_attribute_byte",
        memory->attribute_byte, "bytes_per_unreliable_entry", memory->unreliable_entry,
        "session_bytes_by_default", memory->session_default, "resident_idle_bytes",
        memory->resident_idle);
}
