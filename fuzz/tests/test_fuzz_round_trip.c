/* An input told as a script, of which an input is made: the same comes of both, whatever the script
 * spells otherwise. Over a share of the corpora, and of all with SIPC_FUZZ_ALL in the environment.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "play/play.h"
#include "tool/story.h"

enum { SHARE = 16, SIZE_MAX_HERE = 1 << 20, UNSAYABLE_MAX = 5 };

static struct {
    size_t inputs, alike, empty, unsayable;
} counted;
static char folder[] = "/tmp/sipc-round-trip-XXXXXX";

static bool read_input(const char *path, struct sfz_input *input)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    sfz_decode(bytes, size, input);
    return true;
}

static void play(void *engine, const struct sfz_input *input, struct fuzz_played *played)
{
    const struct fuzz_play_options options = {.advisories = true};

    fuzz_play(&fuzz_engine_driver, engine, input, &options, played);
}

/* Writes it as NAME.sx; false: it cannot be told. What it comes to is left in `canonical`. */
static bool tell(void *engine, const struct sfz_input *input, const char *path,
                 struct sfz_input *canonical, FILE *errors)
{
    struct fuzz_played played;
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    bool told = fuzz_story_print(&fuzz_engine_driver, engine, input, "told", out, errors, canonical,
                                 &played, NULL, NULL);
    assert_int_equal(fclose(out), 0);
    return told;
}

/* Nothing but waits, which no script can show. */
static bool is_empty(const struct sfz_input *input)
{
    for (size_t i = 0; i < input->count; i++)
        if (input->records[i].op != SFZ_WAIT)
            return false;
    return true;
}

static void round_trip(void *engine, const char *path, FILE *errors)
{
    static struct sfz_input input, canonical;
    static struct fuzz_seed seed;
    struct fuzz_played before, after;
    char script[64];

    read_input(path, &input);
    play(engine, &input, &before);
    snprintf(script, sizeof script, "%s/told.sx", folder);
    if (before.refused || !tell(engine, &input, script, &canonical, errors))
        return;
    counted.inputs++;
    if (is_empty(&canonical)) {
        counted.empty++;
        return;
    }
    if (!fuzz_story_seed(script, 0, &seed, errors)) {
        counted.unsayable++; /* it has more waits than inputs have, or damage beyond a raw PDU */
        return;
    }
    play(engine, &canonical, &before); /* where a deadline is at the end, it is in the script */
    play(engine, &seed.input, &after);
    if (after.trace == before.trace && after.outs == before.outs)
        counted.alike++;
    else
        fprintf(stderr, "%s: of the script something else comes\n", path);
}

static void over_corpus(const char *name)
{
    char path[1024];
    struct dirent **entries;
    struct fuzz_engine *engine = fuzz_engine_new(&simnet_explore_engine);
    FILE *errors = fopen("/dev/null", "w");

    snprintf(path, sizeof path, FUZZ_CORPUS "/%s", name);
    int count = scandir(path, &entries, NULL, alphasort);
    assert_true(count > 0 && errors != NULL);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && (getenv("SIPC_FUZZ_ALL") != NULL || i % SHARE == 0)) {
            snprintf(path, sizeof path, FUZZ_CORPUS "/%s/%s", name, entries[i]->d_name);
            round_trip(engine, path, errors);
        }
        free(entries[i]);
    }
    free(entries);
    fclose(errors);
    fuzz_engine_free(engine);
}

static void
test_an_input_when_told_as_a_script_and_made_of_it_then_the_same_comes_of_it(void **state)
{
    char script[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    over_corpus("fuzz_session");
    over_corpus("fuzz_receiver");
    over_corpus("fuzz_sender");
    snprintf(script, sizeof script, "%s/told.sx", folder);
    unlink(script);
    rmdir(folder);
    printf("%zu inputs told: %zu alike, %zu in which nothing happens, %zu that no input can say\n",
           counted.inputs, counted.alike, counted.empty, counted.unsayable);
    assert_int_equal(counted.alike + counted.empty + counted.unsayable, counted.inputs);
    assert_true(counted.unsayable <= UNSAYABLE_MAX);
    assert_true(counted.alike > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_an_input_when_told_as_a_script_and_made_of_it_then_the_same_comes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
