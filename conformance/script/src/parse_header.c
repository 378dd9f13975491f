/* The header: one item a line, each a row of a table; and the capabilities a script needs.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- needs ---- */

bool sx__has_need(const struct sx_script *script, const char *capability)
{
    for (size_t i = 0; i < script->need_count; i++) {
        if (strcmp(script->needs[i], capability) == 0) {
            return true;
        }
    }
    return false;
}

/* Keeps the list sorted. */
void sx__need(struct sx__parser *parser, const char *capability)
{
    struct sx_script *script = parser->script;
    if (sx__has_need(script, capability)) {
        return;
    }
    const char **needs = sx__grow(parser->arena, script->needs, script->need_count, sizeof(*needs));
    size_t at = script->need_count++;
    for (; at > 0 && strcmp(needs[at - 1], capability) > 0; at--) {
        needs[at] = needs[at - 1];
    }
    needs[at] = capability;
    script->needs = needs;
}

bool sx__has_word_setting(const struct sx_script *script, const char *name, const char *word)
{
    for (size_t i = 0; i < script->setting_count; i++) {
        const struct sx_setting *setting = &script->settings[i];
        if (strcmp(setting->name, name) == 0) {
            return setting->word != NULL && strcmp(setting->word, word) == 0;
        }
    }
    return false;
}

static size_t header_setting_index(const char *name)
{
    return (size_t)(sx__setting_find(name) - sx__setting_words);
}

bool sx__use_time_unit(struct sx__parser *parser, enum sx_time_unit unit, size_t column)
{
    const char *setting = unit == SX_IDLE_TIMEOUT            ? "idle_timeout_ms"
                          : unit == SX_ENQUIRE_LINK_INTERVAL ? "enquire_link_interval_ms"
                                                             : NULL;
    return setting == NULL || parser->has_setting[header_setting_index(setting)] ||
           sx__fail(parser, column, "%s is off unless the header has 'set %s = ...'",
                    sx__time_unit_words[unit], setting);
}

/* ---- rules ---- */

static bool header_unknown_rule(struct sx__parser *parser, size_t column, const char *word)
{
    const char *ids[SIPC_RULE_COUNT] = {NULL};
    size_t count = 0;
    for (int rule = SIPC_RULE_NONE + 1; rule < SIPC_RULE_COUNT; rule++) {
        ids[count++] = sipc_rule_info((enum sipc_rule)rule)->id;
    }
    ids[count] = NULL;
    const char *nearest = sx__nearest(word, ids);
    if (nearest != NULL) {
        return sx__fail(parser, column, "unknown rule '%.40s', did you mean '%s'?", word, nearest);
    }
    return sx__fail(parser, column, "unknown rule '%.40s'; the rules are in conformance/RULES.md",
                    word);
}

bool sx__parse_rule_word(struct sx__parser *parser, enum sipc_rule *rule)
{
    size_t start = parser->token.start;
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a rule such as WID-3");
    }
    const char *word = sx__raw_word(parser);
    *rule = sipc_rule_find(word);
    return *rule != SIPC_RULE_NONE || header_unknown_rule(parser, start, word);
}

static bool header_rules(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    enum sipc_rule *rules = NULL;
    do {
        size_t start = parser->token.start;
        enum sipc_rule rule;
        if (!sx__parse_rule_word(parser, &rule)) {
            return false;
        }
        for (size_t i = 0; i < script->rule_count; i++) {
            if (rules[i] == rule) {
                return sx__fail(parser, start, "rule %s is given twice", sipc_rule_info(rule)->id);
            }
        }
        rules = sx__grow(parser->arena, rules, script->rule_count, sizeof(*rules));
        rules[script->rule_count++] = rule;
        script->rules = rules;
    } while (parser->token.kind != SX__END);
    return true;
}

/* ---- sx, id, role, needs, allow ---- */

static bool header_sx(struct sx__parser *parser)
{
    if (parser->token.kind != SX__NUMBER || parser->token.number != 1) {
        return sx__expected(parser, "language version 1");
    }
    sx__advance(parser);
    return true;
}

static bool header_id(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    size_t start = parser->token.start;
    const char *path = script->path, *base = strrchr(path, '/');
    size_t size;

    script->id = sx__raw_word(parser);
    if (script->id[0] == '\0') {
        return sx__expected(parser, "a name of letters, digits, - and _");
    }
    base = base != NULL ? base + 1 : path;
    size = strlen(base);
    if (size > 3 && strcmp(base + size - 3, ".sx") == 0 &&
        (strlen(script->id) != size - 3 || strncmp(script->id, base, size - 3) != 0)) {
        return sx__fail(parser, start, "the id must be the file's name, '%.*s', found '%s'",
                        (int)size - 3, base, script->id);
    }
    return true;
}

static bool header_role(struct sx__parser *parser)
{
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "receiver, sender or endpoint");
    }
    int role = sx__word_index(sx__role_words, parser->token.name);
    if (role < 0) {
        return sx__unknown(parser, parser->token.start, "role", parser->token.name, sx__role_words);
    }
    parser->script->role = (enum sx_role)role;
    sx__advance(parser);
    return true;
}

static bool header_needs(struct sx__parser *parser)
{
    do {
        if (parser->token.kind != SX__NAME) {
            return sx__expected(parser, "a capability");
        }
        int index = sx__word_index(sx__capability_words, parser->token.name);
        if (index < 0) {
            return sx__unknown(parser, parser->token.start, "capability", parser->token.name,
                               sx__capability_words);
        }
        sx__need(parser, sx__capability_words[index]);
        sx__advance(parser);
    } while (parser->token.kind != SX__END);
    return true;
}

/* Any words, each once. */
static bool header_tags(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    do {
        size_t start = parser->token.start;
        if (parser->token.kind != SX__NAME) {
            return sx__expected(parser, "a word");
        }
        const char *tag = parser->token.name;
        const char **tags = sx__grow(parser->arena, script->tags, script->tag_count, sizeof(*tags));
        script->tags = tags;
        for (size_t i = 0; i < script->tag_count; i++) {
            if (strcmp(tags[i], tag) == 0) {
                return sx__fail(parser, start, "tag '%s' is given twice", tag);
            }
        }
        tags[script->tag_count++] = tag;
        sx__advance(parser);
    } while (parser->token.kind != SX__END);
    return true;
}

static bool header_allow(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    int *allow = NULL;
    do {
        if (parser->token.kind != SX__NAME) {
            return sx__expected(parser, "an opcode");
        }
        int index = sx__word_index(sx__opcode_words, parser->token.name);
        if (index < 0) {
            return sx__unknown(parser, parser->token.start, "opcode", parser->token.name,
                               sx__opcode_words);
        }
        allow = sx__grow(parser->arena, allow, script->allow_count, sizeof(*allow));
        allow[script->allow_count++] = index + 1;
        sx__advance(parser);
    } while (parser->token.kind != SX__END);
    script->allow = allow;
    return true;
}

/* ---- set ---- */

/* What a word implies, whichever setting it is of. */
static void header_word_needs(struct sx__parser *parser, const struct sx__setting_word *row,
                              const char *word)
{
    if (strcmp(row->word, "network") == 0) {
        sx__need(parser, word);
    } else if (strcmp(word, "manual") == 0) {
        sx__need(parser, "aftermath");
    }
}

/* $name of a parameter, each value of which must be a word of the setting. */
static bool header_set_param(struct sx__parser *parser, const struct sx__setting_word *row,
                             struct sx_setting *setting)
{
    const struct sx_script *script = parser->script;
    const char *name = parser->token.name;
    size_t start = parser->token.start;

    if (!sx__use_text(parser, name, start)) {
        return false;
    }
    for (size_t i = 0; i < script->param_count; i++) {
        const struct sx_param *param = &script->params[i];
        for (size_t k = 0; strcmp(param->name, name) == 0 && k < param->count; k++) {
            struct sipc_span bytes = param->values[k].bytes;
            if (!param->values[k].text) { /* its line was wrong, which was told */
                return false;
            }
            const char *word = (const char *)bytes.data; /* with a zero byte behind it */
            int index = sx__word_index(row->values, word);
            if (index < 0 || strlen(word) != bytes.size) {
                return sx__unknown(parser, start, "value", word, row->values);
            }
            header_word_needs(parser, row, row->values[index]);
        }
    }
    struct sx_expr *value = sx__alloc(parser->arena, sizeof(*value));
    *value = (struct sx_expr){.op = SX_VAR, .name = name};
    setting->value = value;
    sx__advance(parser);
    return true;
}

static bool header_set_word(struct sx__parser *parser, const struct sx__setting_word *row,
                            struct sx_setting *setting)
{
    if (parser->token.kind == SX__VARIABLE) {
        return header_set_param(parser, row, setting);
    }
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, row->type == SX__BOOLEAN ? "true or false" : "a word");
    }
    if (sx__word_index(row->values, parser->token.name) < 0) {
        return sx__unknown(parser, parser->token.start, "value", parser->token.name, row->values);
    }
    setting->word = parser->token.name;
    header_word_needs(parser, row, setting->word);
    sx__advance(parser);
    return true;
}

static bool header_set_value(struct sx__parser *parser, const struct sx__setting_word *row,
                             struct sx_setting *setting)
{
    int64_t value = 1;

    if (row->type == SX__INTEGER) {
        setting->value = sx__parse_expr(parser, true);
        if (setting->value == NULL) {
            return false;
        }
    } else if (!header_set_word(parser, row, setting)) {
        return false;
    }
    bool off = row->off_at_zero && sx__constant(setting->value, &value) && value <= 0;
    if (row->need != NULL && !off) {
        sx__need(parser, row->need);
    }
    return true;
}

static bool header_set(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    size_t start = parser->token.start;
    const char *words[32] = {NULL};

    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a setting");
    }
    const char *name = parser->token.name;
    const struct sx__setting_word *row = sx__setting_find(name);
    if (row == NULL) {
        for (size_t i = 0; sx__setting_words[i].word != NULL; i++) {
            words[i] = sx__setting_words[i].word;
        }
        return sx__unknown(parser, start, "setting", name, words);
    }
    size_t index = header_setting_index(name);
    if (parser->has_setting[index]) {
        return sx__fail(parser, start, "setting '%s' is given twice", name);
    }
    if (parser->used_setting[index]) {
        return sx__fail(parser, start, "'set %s' must come before the line that uses $%s", name,
                        name);
    }
    sx__advance(parser);
    if (!sx__take_symbol(parser, '=')) {
        return sx__expected(parser, "'='");
    }
    parser->has_setting[index] = true;
    script->needs_control = true;
    struct sx_setting *settings =
        sx__grow(parser->arena, script->settings, script->setting_count, sizeof(*settings));
    settings[script->setting_count] =
        (struct sx_setting){.name = row->word, .line = (int)parser->line + 1};
    script->settings = settings;
    return header_set_value(parser, row, &settings[script->setting_count++]);
}

/* ---- param ---- */

static bool header_param_value(struct sx__parser *parser, struct sx_param_value *value)
{
    const struct sx__token *token = &parser->token;
    char error[128];

    *value = (struct sx_param_value){0};
    if (token->kind == SX__STRING || token->kind == SX__HEX) {
        value->text = true;
        value->bytes = token->bytes;
        sx__advance(parser);
        return true;
    }
    if (token->kind == SX__NAME && sx__behind(parser) != '(') {
        value->text = true;
        value->bytes = sx__bytes(parser->arena, (const uint8_t *)token->name, strlen(token->name));
        sx__advance(parser);
        return true;
    }
    if (token->kind == SX__END) {
        return sx__expected(parser, "a value");
    }
    size_t start = token->start;
    const struct sx_expr *expr = sx__parse_expr(parser, true);
    if (expr == NULL) {
        return false;
    }
    if (!sx_eval(expr, &(struct sx_env){0}, &value->number, error, sizeof(error))) {
        return sx__fail(parser, start, "a parameter's values are constants: %s", error);
    }
    return true;
}

static bool header_same_value(const struct sx_param_value *a, const struct sx_param_value *b)
{
    return a->text ? a->bytes.size == b->bytes.size &&
                         memcmp(a->bytes.data, b->bytes.data, a->bytes.size) == 0
                   : a->number == b->number;
}

static bool header_param_values(struct sx__parser *parser, struct sx_param *param)
{
    struct sx_param_value *values = NULL;
    do {
        size_t start = parser->token.start;
        if (param->count == SX_CASES_MAX) {
            return sx__fail(parser, start, "a script has at most %d cases", SX_CASES_MAX);
        }
        values = sx__grow(parser->arena, values, param->count, sizeof(*values));
        struct sx_param_value *value = &values[param->count];
        if (!header_param_value(parser, value)) {
            return false;
        }
        if (value->text != values[0].text) {
            return sx__fail(parser, start, "values of a parameter are all numbers or all texts");
        }
        for (size_t i = 0; i < param->count; i++) {
            if (header_same_value(&values[i], value)) {
                return sx__fail(parser, start, "this value is given twice");
            }
        }
        param->count++;
    } while (sx__take_symbol(parser, ','));
    param->values = values;
    return true;
}

static void header_counts_cases(struct sx__parser *parser, size_t column)
{
    parser->cases_line = parser->line;
    parser->cases_column = column;
}

static bool header_param(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    size_t start = parser->token.start;
    struct sx_param param = {0};

    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a parameter's name");
    }
    param.name = parser->token.name;
    for (size_t i = 0; i < script->param_count; i++) {
        if (strcmp(script->params[i].name, param.name) == 0) {
            return sx__fail(parser, start, "parameter '%s' is given twice", param.name);
        }
    }
    if (!sx__check_free_name(parser, param.name, start)) {
        return false;
    }
    sx__advance(parser);
    if (!sx__is_word(parser, "in")) {
        return sx__expected(parser, "'in'");
    }
    sx__advance(parser);
    if (!header_param_values(parser, &param)) {
        return false;
    }
    header_counts_cases(parser, start);
    struct sx_param *params =
        sx__grow(parser->arena, script->params, script->param_count, sizeof(param));
    params[script->param_count++] = param;
    script->params = params;
    struct sx__name *name = sx__bind(parser, SX__VARIABLES, param.name, start);
    if (name == NULL) {
        return false;
    }
    name->param = true;
    name->text = param.values[0].text;
    return true;
}

/* ---- where, cover ---- */

static bool header_where(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    struct sx_condition *wheres =
        sx__grow(parser->arena, script->wheres, script->where_count, sizeof(*wheres));
    script->wheres = wheres;
    wheres[script->where_count] = (struct sx_condition){0};
    header_counts_cases(parser, parser->token.start);
    return sx__parse_condition(parser, &wheres[script->where_count++]);
}

static bool header_cover(struct sx__parser *parser)
{
    const struct sx__token *token = &parser->token;
    if (token->kind != SX__NUMBER || token->number < 2 || token->number > SX_COVER_MAX) {
        return sx__expected(parser, "how many parameters meet in all their values, 2 to 4");
    }
    parser->script->cover = (int)token->number;
    header_counts_cases(parser, token->start);
    sx__advance(parser);
    return true;
}

/* When all parameters are known. */
static void header_choose_cases(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    char error[128];

    if (parser->error_count > 0) {
        return;
    }
    if (script->cover > 0 && script->param_count <= (size_t)script->cover) {
        sx__fail_line(parser, parser->cases_line, parser->cases_column,
                      "%zu parameters: 'cover %d' leaves nothing out of fewer than %d",
                      script->param_count, script->cover, script->cover + 1);
    } else if (!sx__choose_cases(script, parser->arena, error, sizeof(error))) {
        sx__fail_line(parser, parser->cases_line, parser->cases_column, "%s", error);
    }
}

/* ---- the table ---- */

enum {
    HEADER_SX,
    HEADER_ID,
    HEADER_RULES,
    HEADER_ROLE,
    HEADER_NEEDS,
    HEADER_SET,
    HEADER_PARAM,
    HEADER_WHERE,
    HEADER_COVER,
    HEADER_ALLOW,
    HEADER_TAGS
};

static const struct header_item {
    const char *word;
    bool (*parse)(struct sx__parser *parser);
    bool many;
} header_items[] = {
    {"sx", header_sx, false},       {"id", header_id, false},      {"rules", header_rules, false},
    {"role", header_role, false},   {"needs", header_needs, true}, {"set", header_set, true},
    {"param", header_param, true},  {"where", header_where, true}, {"cover", header_cover, false},
    {"allow", header_allow, false}, {"tags", header_tags, false},
};
enum { HEADER_ITEM_COUNT = sizeof(header_items) / sizeof(header_items[0]) };

static bool header_unknown(struct sx__parser *parser)
{
    const char *words[HEADER_ITEM_COUNT + 4] = {NULL};
    for (size_t i = 0; i < HEADER_ITEM_COUNT; i++) {
        words[i] = header_items[i].word;
    }
    words[HEADER_ITEM_COUNT] = "setup";
    words[HEADER_ITEM_COUNT + 1] = "test";
    words[HEADER_ITEM_COUNT + 2] = "world";
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a header item, 'setup', 'test' or 'world'");
    }
    for (size_t i = 0; sx__step_words[i].word != NULL; i++) {
        if (sx__is_word(parser, sx__step_words[i].word)) {
            return sx__fail(parser, parser->token.start,
                            "'%s' is a step: 'setup' or 'test' must come before it",
                            parser->token.name);
        }
    }
    return sx__unknown(parser, parser->token.start, "header item", parser->token.name, words);
}

bool sx__parse_header_line(struct sx__parser *parser)
{
    for (size_t i = 0; i < HEADER_ITEM_COUNT; i++) {
        const struct header_item *item = &header_items[i];
        if (!sx__is_word(parser, item->word)) {
            continue;
        }
        bool first = parser->has_item[HEADER_SX] || i == HEADER_SX;
        bool again = parser->has_item[i] && !item->many;
        size_t start = parser->token.start;
        parser->has_item[i] = true;
        if (again) {
            return sx__fail(parser, start, "'%s' is given twice", item->word);
        }
        if (!first) {
            parser->has_item[HEADER_SX] = true; /* told once */
            return sx__fail(parser, start, "expected 'sx 1' as the first item, found '%s'",
                            item->word);
        }
        sx__advance(parser);
        return item->parse(parser) && sx__want_end(parser);
    }
    return header_unknown(parser);
}

void sx__check_header(struct sx__parser *parser)
{
    static const size_t of_cases[] = {HEADER_ROLE, HEADER_NEEDS, HEADER_SET, HEADER_ALLOW};
    size_t required = parser->world != NULL ? HEADER_ID : HEADER_ROLE;

    for (size_t i = 0; i < sizeof(of_cases) / sizeof(of_cases[0]) && parser->world != NULL; i++) {
        if (parser->has_item[of_cases[i]]) {
            sx__fail_line(parser, parser->line, 0, "a script with 'world' has no '%s'",
                          header_items[of_cases[i]].word);
        }
    }
    for (size_t i = 0; i <= required; i++) {
        if (!parser->has_item[i]) {
            sx__fail_line(parser, parser->line, 0, "the header has no '%s'", header_items[i].word);
        }
    }
    header_choose_cases(parser);
}
