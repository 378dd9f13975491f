/* Cases that `where` and `cover` choose: what they must have is counted here by brute force.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "script_test.h"

#define HEAD   "sx 1\nid frame\nrules WID-3\nrole sender\n"
#define TAIL   "test\n-> data $a:$b \"\" \n-> data $c:$d\nquiet 1T\n"
#define PARAMS "param a in 0, 1, 2, 3\nparam b in 0, 1, 2\nparam c in 0, 1, 2\nparam d in 0, 1\n"

enum { PARAM_COUNT = 4 };

static int64_t value_of(const struct sx_script *script, size_t index, size_t param)
{
    return sx_case_value(script, index, param)->number;
}

/* How many cases have these values in the parameters that `mask` names. */
static size_t count_with(const struct sx_script *script, unsigned mask, const int64_t *values)
{
    size_t count = 0;
    for (size_t i = 0; i < script->case_count; i++) {
        bool same = true;
        for (size_t p = 0; p < PARAM_COUNT; p++) {
            same = same && ((mask & 1u << p) == 0 || value_of(script, i, p) == values[p]);
        }
        count += same;
    }
    return count;
}

static int bits(unsigned mask)
{
    return __builtin_popcount(mask);
}

static const struct {
    const char *name, *lines;
    int cover;
    size_t case_count, of;
} rows[] = {
    {"all", "", PARAM_COUNT, 72, 72},
    {"pairs", "cover 2\n", 2, 12, 72},
    {"triples", "cover 3\n", 3, 36, 72},
    {"some", "where $a >= $b or $c == 2\nwhere $d == 0 or $a != 3\n", PARAM_COUNT, 51, 51},
    {"pairs of some", "where $a >= $b or $c == 2\nwhere $d == 0 or $a != 3\ncover 2\n", 2, 13, 51},
};

/* Whatever values any `cover` parameters have in some case that is allowed, they have in one that
 * was chosen; and what is chosen is allowed, once each, in order. */
static void
test_script_cover_when_it_chooses_then_all_combinations_of_so_many_are_there(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        char *text, *all_text;
        const char *cover = strstr(rows[r].lines, "cover");
        int where_size = cover != NULL ? (int)(cover - rows[r].lines) : (int)strlen(rows[r].lines);
        assert_true(asprintf(&text, HEAD PARAMS "%s" TAIL, rows[r].lines) > 0);
        assert_true(asprintf(&all_text, HEAD PARAMS "%.*s" TAIL, where_size, rows[r].lines) > 0);
        struct parsed chosen = parse_text(text), all = parse_text(all_text);
        assert_non_null(chosen.script);
        if (chosen.script->case_count != rows[r].case_count ||
            all.script->case_count != rows[r].of) {
            fail_msg("%s: %zu of %zu cases", rows[r].name, chosen.script->case_count,
                     all.script->case_count);
        }
        for (size_t i = 0; i < all.script->case_count; i++) {
            int64_t values[PARAM_COUNT];
            for (size_t p = 0; p < PARAM_COUNT; p++) {
                values[p] = value_of(all.script, i, p);
            }
            for (unsigned mask = 0; mask < 1u << PARAM_COUNT; mask++) {
                if (bits(mask) <= rows[r].cover) {
                    assert_true(count_with(chosen.script, mask, values) > 0);
                }
            }
        }
        int64_t before = -1;
        for (size_t i = 0; i < chosen.script->case_count; i++) {
            int64_t values[PARAM_COUNT], place = 0;
            for (size_t p = 0; p < PARAM_COUNT; p++) {
                values[p] = value_of(chosen.script, i, p);
                place = place * 10 + values[p];
            }
            assert_int_equal(count_with(all.script, (1u << PARAM_COUNT) - 1, values), 1);
            assert_true(place > before);
            before = place;
        }
        parsed_free(&chosen);
        parsed_free(&all);
        free(text);
        free(all_text);
    }
}

/* The names of cases are what people, known-failure files and other runs know them by. */
static void test_script_cover_when_read_then_these_cases_on_every_machine(void **state)
{
    static const char *const names[] = {
        "frame[a=0,b=0,c=0,d=0]", "frame[a=0,b=0,c=1,d=0]", "frame[a=0,b=1,c=1,d=1]",
        "frame[a=0,b=1,c=2,d=0]", "frame[a=0,b=2,c=0,d=1]", "frame[a=0,b=2,c=2,d=0]",
        "frame[a=1,b=0,c=2,d=1]", "frame[a=1,b=1,c=0,d=0]", "frame[a=1,b=2,c=1,d=0]",
    };
    struct parsed parsed =
        parse_text(HEAD "param a in 0, 1\nparam b in 0, 1, 2\nparam c in 0, 1, 2\nparam d in 0, 1\n"
                        "cover 2\n" TAIL);
    char name[64];
    (void)state;
    assert_non_null(parsed.script);
    for (size_t i = 0; i < parsed.script->case_count; i++) {
        sx_case_name(parsed.script, i, name, sizeof(name));
        if (i >= sizeof(names) / sizeof(names[0])) {
            fail_msg("also %s", name);
        }
        assert_string_equal(name, names[i]);
    }
    assert_int_equal(parsed.script->case_count, sizeof(names) / sizeof(names[0]));
    parsed_free(&parsed);
}

static void test_script_where_when_of_words_then_only_those_cases(void **state)
{
    struct parsed parsed =
        parse_text(HEAD "param a in 1, 2\nparam t in x, y, \"a b\"\n"
                        "where $t != x or $a == 2\nwhere $t != \"a b\" or $a < 2\n"
                        "test\n-> data $a:0 $t\nquiet 1T\n");
    static const char *const names[] = {"frame[a=1,t=y]", "frame[a=1,t=a b]", "frame[a=2,t=x]",
                                        "frame[a=2,t=y]"};
    char name[64];
    (void)state;
    assert_non_null(parsed.script);
    assert_int_equal(parsed.script->case_count, 4);
    for (size_t i = 0; i < 4; i++) {
        sx_case_name(parsed.script, i, name, sizeof(name));
        assert_string_equal(name, names[i]);
    }
    parsed_free(&parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_script_cover_when_it_chooses_then_all_combinations_of_so_many_are_there),
        cmocka_unit_test(test_script_cover_when_read_then_these_cases_on_every_machine),
        cmocka_unit_test(test_script_where_when_of_words_then_only_those_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
