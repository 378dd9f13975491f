/* Instructions by PDU of one cell. */
#include <inttypes.h>
#include <stdio.h>

#include "measure.h"

enum { COUNT_MESSAGES_BYTES = 1000000, COUNT_MESSAGES_MIN = 100, COUNT_MESSAGES_MAX = 1000 };

bool bench_count_instructions(const struct bench_cell *cell, double *instructions)
{
    char numbers[6][16];
    uint32_t messages = COUNT_MESSAGES_BYTES / cell->message_size;
    struct bench_count count;

    messages = messages < COUNT_MESSAGES_MIN ? COUNT_MESSAGES_MIN : messages;
    messages = messages > COUNT_MESSAGES_MAX ? COUNT_MESSAGES_MAX : messages;
    const uint32_t values[6] = {cell->window,       cell->mtu,      cell->message_size,
                                cell->loss_percent, cell->sessions, messages};
    for (int i = 0; i < 6; i++)
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu32, values[i]);
    const char *const arguments[] = {
        "--json",     "--no-enet", "--repetitions", "1",        "--window", numbers[0],
        "--mtu",      numbers[1],  "--message",     numbers[2], "--loss",   numbers[3],
        "--sessions", numbers[4],  "--messages",    numbers[5], NULL};
    if (!bench_callgrind("engine", "bench_timed_work", arguments, &count)) {
        json_decref(count.report);
        return false;
    }
    json_t *row = json_array_get(json_object_get(count.report, "rows"), 0);
    json_int_t pdus = json_integer_value(json_object_get(row, "pdus"));
    json_decref(count.report);
    *instructions = pdus > 0 ? (double)count.instructions / (double)pdus : 0;
    return pdus > 0;
}
