/* Counter-examples as scripts: each line of one, and that it is parsed again.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/script.h"
#include "explore_sx.h"

/* The counter-example of a world, which is broken, as a script. */
static char *script_of(const struct simnet_explore_world *world, uint32_t steps)
{
    struct simnet_explore_options options = {0};
    struct simnet_explore_result result;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_null(simnet_explore_world_check(world));
    simnet_explore(world, &options, &result);
    assert_int_equal(result.end, SIMNET_EXPLORE_BROKEN);
    assert_int_equal(result.steps, steps);
    assert_true(explore_sx_print(world, &result, "made", out));
    fclose(out);
    simnet_explore_result_free(&result);
    return text;
}

/* The shipping engine breaks END-3 where copies outlive the linger: nothing parts it from the
 * reference, so the script tells all that came about and ends where nothing more may. */
static void test_sx_when_the_engine_is_the_reference_then_all_of_its_way(void **state)
{
    static const char expected[] = "test\n"
                                   "-> data 0:0 {first_in_window_group last_in_window "
                                   "last_in_window_group skip} bytes(8, 67)\n"
                                   "== deliver bytes(8, 67)\n"
                                   "<- data_ack 0:0 {is_window_full max_window_size=*}\n"
                                   "-> close 1:0\n"
                                   "<- close_ack 1:0 {is_window_full}\n"
                                   "wait 4T\n"
                                   "-> data 0:0 {first_in_window_group last_in_window "
                                   "last_in_window_group skip} bytes(8, 67)\n"
                                   "quiet 0.5T\n";
    struct simnet_explore_world world = *simnet_explore_world_find("late-copy");

    (void)state;
    world.life_ns = 4 * world.settings.ack_timeout_ns;
    char *text = script_of(&world, 8);
    if (strstr(text, expected) == NULL)
        fail_msg("found:\n%s", text);
    assert_non_null(strstr(text, "rules   RCV-9 WIRE-1\nrole    receiver\n"));
    struct sx_script *script = sx_parse("made.sx", text, strlen(text), NULL, NULL);
    assert_non_null(script);
    sx_script_free(script);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sx_when_the_engine_is_the_reference_then_all_of_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
