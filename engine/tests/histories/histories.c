/* Recorded histories: for each profile and seed, the hash of everything that two endpoints did over
 * a bad link (tests/world.h). The same on every machine, compiler and optimisation level, and over
 * time: what changes a hash changes what the engine does.
 *
 *     engine_histories                     prints them
 *     engine_histories FILE                compares them with the recorded ones
 *     engine_histories trace PROFILE SEED  one history event by event, to find where two differ
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../world.h"

enum { SEEDS = 8, STEPS = 2000, LINE_SIZE_MAX = 128 };

/* Runs a history; false where an invariant of the engine broke. */
static bool history_run(const struct world_profile *profile, uint64_t seed, bool trace, char *line)
{
    struct world *world = world_new(profile, seed);
    const char *broken = NULL;

    if (world == NULL) {
        fprintf(stderr, "engine_histories: no memory for %s %" PRIu64 "\n", profile->name, seed);
        return false;
    }
    for (int i = 0; i < STEPS && broken == NULL; i++) {
        struct world_event event;
        uint64_t actions;
        broken = world_step(world, &event, &actions);
        if (trace)
            printf("%d t=%" PRIu64 " side=%d event=%d actions=%016" PRIx64 "\n", i, event.now,
                   event.side, (int)event.kind, actions);
    }
    snprintf(line, LINE_SIZE_MAX, "%s %" PRIu64 " %016" PRIx64 " %016" PRIx64 "\n", profile->name,
             seed, world_trace(world), world_state(world));
    world_free(world);
    if (broken != NULL)
        fprintf(stderr, "engine_histories: %s %" PRIu64 ": invariant broken: %s\n", profile->name,
                seed, broken);
    return broken == NULL;
}

static int trace_one(const char *name, const char *seed_text)
{
    char line[LINE_SIZE_MAX];
    char *end;
    uint64_t seed = strtoull(seed_text, &end, 10);

    for (int i = 0; i < world_profile_count && *end == '\0'; i++)
        if (strcmp(world_profiles[i].name, name) == 0) {
            bool whole = history_run(&world_profiles[i], seed, true, line);
            fputs(line, stdout);
            return whole ? 0 : 1;
        }
    fprintf(stderr, "engine_histories: no such history: %s %s\n", name, seed_text);
    return 2;
}

/* All of them, printed or, where `recorded` is open, compared with its lines. */
static int run_all(FILE *recorded)
{
    char found[LINE_SIZE_MAX], expected[LINE_SIZE_MAX];
    int different = 0;

    for (int i = 0; i < world_profile_count; i++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            if (!history_run(&world_profiles[i], seed, false, found))
                return 1;
            if (recorded == NULL) {
                fputs(found, stdout);
                continue;
            }
            if (fgets(expected, sizeof expected, recorded) == NULL)
                strcpy(expected, "no more lines\n");
            if (strcmp(expected, found) != 0 && ++different <= 5)
                fprintf(stderr, "expected %sfound    %s", expected, found);
        }
    if (recorded != NULL && fgets(expected, sizeof expected, recorded) != NULL) {
        fprintf(stderr, "not run: %s", expected);
        different++;
    }
    if (different == 0)
        return 0;
    fprintf(stderr,
            "engine_histories: %d histories went another way; if that is meant, record them "
            "anew: engine_histories > engine/tests/histories/recorded.txt\n",
            different);
    return 1;
}

int main(int argc, char **argv)
{
    FILE *recorded = NULL;
    int status;

    if (argc == 4 && strcmp(argv[1], "trace") == 0)
        return trace_one(argv[2], argv[3]);
    if (argc > 2) {
        fprintf(stderr, "usage: engine_histories [FILE | trace PROFILE SEED]\n");
        return 2;
    }
    if (argc == 2 && (recorded = fopen(argv[1], "r")) == NULL) {
        perror(argv[1]);
        return 2;
    }
    status = run_all(recorded);
    if (recorded != NULL)
        fclose(recorded);
    return status;
}
