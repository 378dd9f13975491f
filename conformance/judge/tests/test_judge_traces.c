/* The judge against traces: each check finds what its trace shows, and nothing else does; switched
 * off, it lets that trace escape; traces named clean-... show nothing to blame.
 *
 * A trace is named after the check that must find it: CHECK.sx or CHECK--more.sx.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace.h"

#define TRACES SIPC_SOURCE_DIR "/conformance/judge/tests/traces"

enum { KNOWS_ALL = 63 };

static unsigned troubles;

static void trouble(const char *name, const char *what, const char *more)
{
    print_error("%s: %s%s%s\n", name, what, more != NULL ? ": " : "", more != NULL ? more : "");
    troubles++;
}

static void play(const char *name, const bool *off, unsigned knows, struct trace_result *result)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", TRACES, name);
    trace_play(path, off, knows, result);
    if (result->error != NULL) {
        trouble(name, result->error, result->record.reason);
    }
}

static bool is_clean(const char *name)
{
    return strncmp(name, "clean-", 6) == 0;
}

/* The check a trace is named after; JUDGE_CHECK_COUNT: none. */
static enum judge_check check_of(const char *name)
{
    for (int check = 0; check < JUDGE_CHECK_COUNT; check++) {
        const char *id = judge_check_info((enum judge_check)check)->id;
        size_t size = strlen(id);
        if (strncmp(name, id, size) == 0 &&
            (strcmp(name + size, ".sx") == 0 || strncmp(name + size, "--", 2) == 0)) {
            return (enum judge_check)check;
        }
    }
    return JUDGE_CHECK_COUNT;
}

static void tell(const char *name, const struct trace_result *result)
{
    char text[600];

    for (size_t i = 0; i < result->record.finding_count; i++) {
        const struct judge_finding *finding = &result->record.findings[i];
        judge_finding_print(finding, text, sizeof text);
        print_error("    %s: event %llu: [%s] %s\n", name, (unsigned long long)finding->event,
                    judge_check_info(finding->check)->id, text);
    }
}

static void check_violating(const char *name)
{
    enum judge_check check = check_of(name);
    struct trace_result result;
    bool off[JUDGE_CHECK_COUNT] = {false};
    bool own = true;

    if (check == JUDGE_CHECK_COUNT) {
        trouble(name, "is named after no check", NULL);
        return;
    }
    play(name, NULL, KNOWS_ALL, &result);
    for (size_t i = 0; i < result.record.finding_count; i++) {
        own &= result.record.findings[i].check == check;
    }
    if (result.record.finding_count == 0 || !own) {
        trouble(name, own ? "was not found" : "was found by another check", NULL);
        tell(name, &result);
    } else if (result.script->rules[0] != judge_check_info(check)->rule ||
               result.record.rule != judge_check_info(check)->rule) {
        trouble(name, "blames another rule", NULL);
    }
    trace_clear(&result);
    off[check] = true;
    play(name, off, KNOWS_ALL, &result);
    if (result.record.finding_count > 0) {
        trouble(name, "is found though its check is off", NULL);
        tell(name, &result);
    }
    trace_clear(&result);
}

static void check_silent(const char *name, unsigned knows)
{
    struct trace_result result;

    play(name, NULL, knows, &result);
    if (result.record.finding_count > 0) {
        trouble(name, "is clean, but was blamed", NULL);
        tell(name, &result);
    }
    trace_clear(&result);
}

/* What a check needs and has not, makes it silent: never another one louder. */
static void check_with_less(const char *name)
{
    enum judge_check check = check_of(name);

    for (unsigned without = 1; without <= KNOWS_ALL && check != JUDGE_CHECK_COUNT; without <<= 1) {
        struct trace_result result;
        unsigned knows = KNOWS_ALL & ~without;
        play(name, NULL, knows, &result);
        for (size_t i = 0; i < result.record.finding_count; i++) {
            enum judge_check found = result.record.findings[i].check;
            if ((judge_check_info(found)->needs & ~knows) != 0) {
                trouble(name, "was found by a check that lacks what it needs", NULL);
            }
        }
        trace_clear(&result);
    }
}

static void each_trace(void (*each)(const char *name))
{
    char **names = trace_list(TRACES);

    assert_non_null(names);
    assert_non_null(names[0]);
    troubles = 0;
    for (size_t i = 0; names[i] != NULL; i++) {
        each(names[i]);
        free(names[i]);
    }
    free(names);
    assert_int_equal(troubles, 0);
}

static void each_violating(const char *name)
{
    if (!is_clean(name)) {
        check_violating(name);
    }
}

static void each_clean(const char *name)
{
    if (is_clean(name)) {
        check_silent(name, KNOWS_ALL);
        check_silent(name, 0);
    }
}

static void each_with_less(const char *name)
{
    check_with_less(name);
}

static void test_a_violating_trace_is_found_by_its_check_and_escapes_without_it(void **state)
{
    (void)state;
    each_trace(each_violating);
}

static void test_a_clean_trace_is_not_blamed(void **state)
{
    (void)state;
    each_trace(each_clean);
}

static void test_a_check_without_what_it_needs_is_silent(void **state)
{
    (void)state;
    each_trace(each_with_less);
}

static void test_every_check_has_a_trace(void **state)
{
    char **names = trace_list(TRACES);
    bool has[JUDGE_CHECK_COUNT + 1] = {false};

    (void)state;
    troubles = 0;
    for (size_t i = 0; names[i] != NULL; i++) {
        has[check_of(names[i])] = true;
        free(names[i]);
    }
    free(names);
    for (int check = 0; check < JUDGE_CHECK_COUNT; check++) {
        if (!has[check]) {
            trouble(judge_check_info((enum judge_check)check)->id, "has no trace", NULL);
        }
    }
    assert_int_equal(troubles, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_violating_trace_is_found_by_its_check_and_escapes_without_it),
        cmocka_unit_test(test_a_clean_trace_is_not_blamed),
        cmocka_unit_test(test_a_check_without_what_it_needs_is_silent),
        cmocka_unit_test(test_every_check_has_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
