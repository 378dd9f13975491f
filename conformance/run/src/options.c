/* Options of a PDU, or attributes of a delivery, against those a line names (SX.md).
 *
 * Order across names is not judged; that of the values of one name is. Known options are compared
 * by what they mean, the last of several counting (OPT-5): a boolean absent is false, an abort code
 * absent or 0 in a close PDU is 1 (ERR-1). Where the script writes a text, the text counts.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* One name: what the line wants of it, and what came. */
struct options_key {
    uint32_t id;
    struct sipc_span name;
    const struct sx_option **wanted;
    size_t wanted_count;
    const struct run_value **came;
    size_t came_count;
};

static bool options_same_name(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static struct sipc_span options_name(const struct sx_option *option)
{
    const char *wire = sipc_option_wire_name(option->id);
    if (wire == NULL) {
        return option->name;
    }
    return (struct sipc_span){(const uint8_t *)wire, strlen(wire)};
}

static bool options_is_boolean(uint32_t id)
{
    return id != 0 && id <= SIPC_OPT_IS_WINDOW_FULL;
}

static bool options_is_integer(uint32_t id)
{
    return id > SIPC_OPT_IS_WINDOW_FULL && id < SIPC_OPT_TRACE_ID;
}

/* ---- values ---- */

/* What a known option means; false if the value is none of its kind. */
static bool options_meaning(uint32_t id, struct sipc_span value, int64_t *out)
{
    bool flag;
    int32_t number;

    if (options_is_boolean(id) && sipc_option_parse_bool(value, &flag)) {
        *out = flag;
        return true;
    }
    if (!options_is_boolean(id) && sipc_option_parse_int(value, &number)) {
        *out = number;
        return true;
    }
    return false;
}

/* What an option means that did not come, or came as 0; false if that says nothing. */
static bool options_absent_meaning(const struct run_values *values, uint32_t id, int64_t *out)
{
    bool one = values->close && id == SIPC_OPT_ABORT_CODE;
    *out = one;
    return one || options_is_boolean(id);
}

static bool options_equal(struct run_match *match, const struct run_values *values,
                          const struct sx_option *option, struct sipc_span value)
{
    int64_t number;

    if (option->text) {
        return run_match_bytes(match, &option->data, value);
    }
    if (option->value.kind == SX_FIELD_ANY || option->value.kind == SX_FIELD_ABSENT) {
        return true;
    }
    if (!options_meaning(option->id, value, &number)) {
        return false;
    }
    if (number == 0) {
        if (option->optional && options_is_boolean(option->id)) {
            return true; /* false is as good as absent */
        }
        options_absent_meaning(values, option->id, &number);
    }
    return run_match_value(match, &option->value, number);
}

/* Whether a line that wants the option is content without it. */
static bool options_missing_ok(struct run_match *match, const struct run_values *values,
                               const struct sx_option *option)
{
    int64_t number;

    if (option->optional) {
        return true;
    }
    if (option->text || option->value.kind == SX_FIELD_ANY ||
        !options_absent_meaning(values, option->id, &number)) {
        return false;
    }
    return run_match_value(match, &option->value, number);
}

/* ---- one name ---- */

static bool options_match_key(struct run_match *match, const struct run_values *values,
                              const struct options_key *key)
{
    size_t came = 0;

    for (size_t i = 0; i < key->wanted_count; i++) {
        if (came < key->came_count &&
            options_equal(match, values, key->wanted[i], key->came[came]->value)) {
            came++;
        } else if (came < key->came_count ? !key->wanted[i]->optional
                                          : !options_missing_ok(match, values, key->wanted[i])) {
            return false;
        }
    }
    return came == key->came_count;
}

static void options_print_value(uint32_t id, struct sipc_span value, FILE *out)
{
    int64_t number;

    if (id == 0 || id >= SIPC_OPT_TRACE_ID || !options_meaning(id, value, &number)) {
        run_print_quoted(value, out);
    } else if (options_is_boolean(id)) {
        fputs(number != 0 ? "true" : "false", out);
    } else {
        fprintf(out, "%" PRId64, number);
    }
}

static void options_print_wanted(struct run_match *match, const struct sx_option *option, FILE *out)
{
    int64_t number;
    struct run_env *env = &match->r->env;

    if (option->text) {
        run_match_print_data(match, &option->data, out);
    } else if (option->value.kind == SX_FIELD_EXPR &&
               run_match_eval(match, option->value.expr, &number)) {
        if (options_is_boolean(option->id)) {
            fputs(number != 0 ? "true" : "false", out);
        } else {
            fprintf(out, "%" PRId64, number);
        }
    } else if (option->value.kind == SX_FIELD_BIND &&
               run_env_number(env, option->value.name, &number)) {
        fprintf(out, "%" PRId64, number);
    } else {
        fputs("any value", out);
    }
    fputs(option->optional ? " or absent" : "", out);
}

static char *options_field(const struct run_values *values, uint32_t id, struct sipc_span name)
{
    const char *kind = values->delivery ? "attribute" : "option";
    const char *word = sipc_option_spec_name(id);

    if (word != NULL) {
        return run_printf("%s %s", kind, word);
    }
    char *quoted = run_quoted(name);
    char *field = run_printf("%s %s", kind, quoted);
    free(quoted);
    return field;
}

static void options_differ(struct run_match *match, const struct run_values *values,
                           const struct options_key *key)
{
    struct run_text expected, actual;

    FILE *out = run_text_begin(&expected);
    for (size_t i = 0; i < key->wanted_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        options_print_wanted(match, key->wanted[i], out);
    }
    fputs(key->wanted_count == 0 ? "absent" : "", out);
    char *expected_text = run_text_end(&expected);

    out = run_text_begin(&actual);
    for (size_t i = 0; i < key->came_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        options_print_value(key->id, key->came[i]->value, out);
    }
    fputs(key->came_count == 0 ? "absent" : "", out);
    run_diff_add(&match->diffs, options_field(values, key->id, key->name), expected_text,
                 run_text_end(&actual));
}

/* ---- the lists ---- */

/* Gathers all of one name. Of a known option that repeats only the last counts, unless the line
 * itself names it more than once. */
static void options_gather(struct options_key *key, const struct sx_option *options, size_t count,
                           const struct run_values *values)
{
    key->wanted_count = key->came_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (options_same_name(options_name(&options[i]), key->name)) {
            key->wanted[key->wanted_count++] = &options[i];
        }
    }
    for (size_t i = 0; i < values->count; i++) {
        if (options_same_name(values->items[i].name, key->name)) {
            bool last_counts = options_is_boolean(key->id) || options_is_integer(key->id);
            if (last_counts && key->wanted_count <= 1 && key->came_count == 1) {
                key->came_count = 0;
            }
            key->came[key->came_count++] = &values->items[i];
        }
    }
}

/* An option nobody named: allowed where the line is open, or if it says nothing. */
static bool options_unnamed_ok(struct run_match *match, const struct run_values *values,
                               const struct options_key *key)
{
    int64_t number, silent = 0;

    if (values->delivery && (key->id & SIPC_OPT_FRAMING) != 0) {
        match->framing = true;
        return true;
    }
    if (!options_is_boolean(key->id) && !options_is_integer(key->id)) {
        return false;
    }
    options_absent_meaning(values, key->id, &silent);
    return options_meaning(key->id, key->came[0]->value, &number) &&
           (number == 0 || number == silent);
}

static bool options_first_of_name(const struct run_values *values, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (options_same_name(values->items[i].name, values->items[index].name)) {
            return false;
        }
    }
    return true;
}

static void options_match_named(struct run_match *match, const struct sx_option *options,
                                size_t count, const struct run_values *values,
                                struct options_key *key)
{
    for (size_t i = 0; i < count; i++) {
        key->name = options_name(&options[i]);
        key->id = options[i].id != 0 ? options[i].id : sipc_option_find(key->name);
        options_gather(key, options, count, values);
        if (key->wanted[0] == &options[i] && !options_match_key(match, values, key)) {
            options_differ(match, values, key);
        }
    }
}

void run_match_options(struct run_match *match, const struct sx_option *options, size_t count,
                       bool open, const struct run_values *values)
{
    struct options_key key = {
        .wanted = calloc(count + 1, sizeof(struct sx_option *)),
        .came = calloc(values->count + 1, sizeof(struct run_value *)),
    };
    SIPC_ASSERT(key.wanted != NULL && key.came != NULL);

    options_match_named(match, options, count, values, &key);
    for (size_t i = 0; i < values->count; i++) {
        key.id = values->items[i].id;
        key.name = values->items[i].name;
        if (open || !options_first_of_name(values, i)) {
            continue;
        }
        options_gather(&key, options, count, values);
        if (key.wanted_count == 0 && !options_unnamed_ok(match, values, &key)) {
            options_differ(match, values, &key);
        }
    }
    free(key.wanted);
    free(key.came);
}

void run_values_add(struct run_values *values, struct sipc_span name, struct sipc_span value)
{
    values->items =
        run_grow(values->items, values->count, &values->capacity, sizeof *values->items);
    values->items[values->count++] = (struct run_value){sipc_option_find(name), name, value};
}
