/* What a failed assertion comes to where the driver has no sipc_panic of its own: the program stops
 * there (base.h).
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* sigaction, siglongjmp */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sipc/endpoint.h"

static sigjmp_buf stopped;

static void on_trap(int number)
{
    siglongjmp(stopped, number);
}

static void test_panic_when_an_assertion_fails_then_the_program_stops(void **state)
{
    static const int traps[] = {SIGILL, SIGTRAP, SIGABRT}; /* which one, the processor decides */
    struct sigaction action = {.sa_handler = on_trap};
    struct sigaction before[3];

    (void)state;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sigaction(traps[i], &action, &before[i]), 0);
    if (sigsetjmp(stopped, 1) == 0) {
        (void)sipc_outcome_name((enum sipc_outcome)99);
        fail_msg("an assertion failed, and the program went on");
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(sigaction(traps[i], &before[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panic_when_an_assertion_fails_then_the_program_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
