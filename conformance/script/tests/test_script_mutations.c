/* Any bytes: good scripts, damaged at random (with a fixed seed), never crash the parser; what
 * still parses prints to a fixed point and evaluates without harm. SPDX-License-Identifier: MIT */
#include "script_test.h"

#define DATA_DIR SIPC_SOURCE_DIR "/conformance/script/tests/data/"

enum { ROUNDS = 20000, TEXT_MAX = 32768 };

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state >> 11) % limit;
}

static const char *const pieces[] = {
    "\n",
    " ",
    "\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "*",
    "?",
    "=",
    "$n",
    "$i",
    "$length",
    "#a",
    "#in",
    "->",
    "<-",
    "==",
    "9E15",
    "0x",
    "-",
    "hex:",
    "hex:00",
    "bytes(5)",
    "size(#a)",
    "opcode(#a)",
    "any {",
    "one_of {",
    "or",
    "repeat 2 {",
    "when $x == a or 1 < 2 {",
    "where $x == 1\n",
    "cover 2\n",
    "maybe",
    "within 1T",
    "after 0.5T",
    "tamper",
    "truncate=",
    "session=",
    "peer=Q",
    "[WID-3]",
    "quiet 1T\n",
    "test\n",
    "setup\n",
    "set ",
    "param x in 1, 2\n",
    "\\xff",
    "\xff",
    "\xc3\xbc",
    "# ",
    "check ",
    "let k = ",
    "do send ",
    "as m",
    "==",
    "1*linger",
    "99999999999999999999",
};

static size_t replace(char *text, size_t size, size_t at, size_t cut, const char *piece,
                      size_t piece_size)
{
    cut = cut < size - at ? cut : size - at;
    if (size - cut + piece_size > TEXT_MAX) {
        return size;
    }
    memmove(text + at + piece_size, text + at + cut, size - at - cut);
    memcpy(text + at, piece, piece_size);
    return size - cut + piece_size;
}

static size_t line_size(const char *text, size_t size, size_t at)
{
    const char *newline = memchr(text + at, '\n', size - at);
    return newline != NULL ? (size_t)(newline - (text + at)) + 1 : size - at;
}

/* One damage: a byte, a piece in or out, a line doubled, swapped away or cut off. */
static size_t mutate(char *text, size_t size)
{
    char copy[TEXT_MAX];
    size_t at = random_below(size), other = random_below(size);
    const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];

    switch (random_below(6)) {
    case 0:
        text[at] = (char)random_below(256);
        return size;
    case 1:
        return replace(text, size, at, random_below(4), "", 0);
    case 2:
        return replace(text, size, at, 0, piece, strlen(piece));
    case 3:
        return replace(text, size, at, random_below(8), piece, strlen(piece));
    case 4: { /* a line (or its end) from elsewhere */
        size_t bytes = line_size(text, size, other);
        memcpy(copy, text + other, bytes);
        return replace(text, size, at, random_below(2) * line_size(text, size, at), copy, bytes);
    }
    default: /* a line that says the same thing again, at the start of a line */
        at += line_size(text, size, at);
        other += line_size(text, size, other);
        if (at >= size || other >= size) {
            return size;
        }
        memcpy(copy, text + other, line_size(text, size, other));
        return replace(text, size, at, 0, copy, line_size(text, size, other));
    }
}

/* Everything one can ask of a script without a SUT. */
static void use(const struct sx_script *script)
{
    char name[256], error[128];
    assert_prints_the_same(script);
    for (size_t i = 0; i < script->case_count; i++) {
        sx_case_name(script, i, name, sizeof(name));
        assert_true(strlen(name) < sizeof(name));
    }
    for (size_t i = 0; i < script->test.count; i++) {
        const struct sx_step *step = &script->test.steps[i];
        const uint64_t units[SX_TIME_UNIT_COUNT] = {1000, 10, 10, 10, UINT64_MAX};
        struct sx_env env = {0};
        uint8_t *bytes = NULL;
        size_t size;
        int64_t value;
        uint64_t ns;
        if (step->right != NULL) {
            sx_eval(step->right, &env, &value, error, sizeof(error));
        }
        if (sx_data_materialise(&step->pdu.data, &env, &bytes, &size, error, sizeof(error))) {
            free(bytes);
        }
        sx_time_eval(&step->time, units, &ns, error, sizeof(error));
    }
}

static void run_seed(const char *path, size_t *good, size_t *bad)
{
    size_t seed_size, size;
    char *seed = read_text(path, &seed_size);
    char *text = malloc(TEXT_MAX);
    FILE *nowhere = fopen("/dev/null", "w");
    assert_true(seed_size < TEXT_MAX);

    for (size_t round = 0; round < ROUNDS; round++) {
        memcpy(text, seed, seed_size);
        size = seed_size;
        for (size_t i = random_below(3) + 1; i > 0 && size > 0; i--) {
            size = mutate(text, size);
        }
        size_t errors;
        struct sx_script *script = sx_parse("seed.txt", text, size, nowhere, &errors);
        assert_int_equal(script == NULL, errors > 0);
        if (script != NULL) {
            use(script);
            (*good)++;
        } else {
            (*bad)++;
        }
        sx_script_free(script);
    }
    fclose(nowhere);
    free(text);
    free(seed);
}

static void test_script_mutation_when_it_parses_or_not_then_nothing_breaks(void **state)
{
    size_t good = 0, bad = 0;
    (void)state;
    run_seed(DATA_DIR "tour.sx", &good, &bad);
    run_seed(DATA_DIR "receiver.sx", &good, &bad);
    assert_true(good > ROUNDS / 10 && bad > ROUNDS / 10); /* both ways were taken */
}

static void test_script_noise_when_parsed_then_it_is_refused(void **state)
{
    char text[512];
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t size = random_below(sizeof(text)), errors;
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)random_below(round % 2 == 0 ? 256 : 128);
        }
        assert_null(sx_parse("noise", text, size, NULL, &errors));
        assert_true(errors > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_mutation_when_it_parses_or_not_then_nothing_breaks),
        cmocka_unit_test(test_script_noise_when_parsed_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
