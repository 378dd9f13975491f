/* See targets.h. Those that no test replays, the canary and the empty one, are left out.
 * SPDX-License-Identifier: MIT */
#include "tool/targets.h"

#include <string.h>

static const struct fuzz_target targets[] = {
    {"fuzz_session", FUZZ_OF_ENDPOINT}, {"fuzz_receiver", FUZZ_OF_ENDPOINT},
    {"fuzz_sender", FUZZ_OF_ENDPOINT},  {"fuzz_pair", FUZZ_OF_PAIR},
    {"fuzz_model", FUZZ_RECORDS},       {"fuzz_meta", FUZZ_RECORDS},
    {"fuzz_judge", FUZZ_RECORDS},       {"fuzz_pdu_decode", FUZZ_PDU},
    {"fuzz_pdu_build", FUZZ_BYTES},     {"fuzz_options", FUZZ_BYTES},
    {"fuzz_window_ids", FUZZ_BYTES},    {"fuzz_script", FUZZ_BYTES},
    {"fuzz_scenario", FUZZ_BYTES},      {"fuzz_capture", FUZZ_BYTES},
    {"fuzz_api", FUZZ_BYTES},           {"fuzz_messages", FUZZ_BYTES},
    {"fuzz_settings", FUZZ_BYTES},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

const struct fuzz_target *fuzz_target_find(const char *name)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    fputs("--target: expected one of ", stderr);
    fuzz_target_names(false, stderr);
    fprintf(stderr, "; found %s\n", name);
    return NULL;
}

void fuzz_target_names(bool told, FILE *out)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (!told || targets[i].inputs < FUZZ_RECORDS)
            fprintf(out, "%s%s", i > 0 ? ", " : "", targets[i].name);
}
