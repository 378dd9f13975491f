/* The lines of setup and test, each a row of a table: its word, its function, its kind. A new kind
 * of step is a new row. Here a step also says which capabilities of the SUT it implies.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

/* ---- items ---- */

static bool step_name(struct sx__parser *parser, const char **name, const char *what)
{
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, what);
    }
    *name = parser->token.name;
    sx__advance(parser);
    return true;
}

static bool step_expr(struct sx__parser *parser, const struct sx_expr **expr)
{
    *expr = sx__parse_expr(parser, false);
    return *expr != NULL;
}

static bool step_session(struct sx__parser *parser, struct sx_step *step)
{
    return step_name(parser, &step->session, "a session's name");
}

static bool step_peer(struct sx__parser *parser, struct sx_step *step)
{
    return step_name(parser, &step->peer, "a peer's name");
}

static bool step_as(struct sx__parser *parser, struct sx_step *step)
{
    parser->label_column = parser->token.start;
    return step_name(parser, &step->label, "a label for the operation");
}

static bool step_label(struct sx__parser *parser, struct sx_step *step)
{
    step->label = parser->token.name;
    if (!sx__use_label(parser, step->label, parser->token.start, step->kind == SX_DO_SENT)) {
        return false;
    }
    sx__advance(parser);
    return true;
}

static bool step_data(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_data(parser, &step->data, step->kind == SX_DELIVER);
}

static bool step_attributes(struct sx__parser *parser, struct sx_step *step)
{
    struct sx__option_list list;
    if (!sx__parse_options(parser, &list, step->kind == SX_DELIVER)) {
        return false;
    }
    step->attributes = list.options;
    step->attribute_count = list.count;
    step->attributes_open = list.open;
    if (list.count > 0) {
        sx__need(parser, "attributes");
    }
    return true;
}

static bool step_skip(struct sx__parser *parser, struct sx_step *step)
{
    step->skip = true;
    sx__need(parser, "skip");
    return true;
}

static bool step_processed(struct sx__parser *parser, struct sx_step *step)
{
    (void)parser;
    step->processed = true;
    return true;
}

static bool step_code(struct sx__parser *parser, struct sx_step *step)
{
    bool pattern = step->kind == SX_RESULT || step->kind == SX_STATE;
    return sx__parse_field(parser, &step->code, pattern, "code");
}

static bool step_next(struct sx__parser *parser, struct sx_step *step)
{
    return step_expr(parser, &step->next);
}

static bool step_acked(struct sx__parser *parser, struct sx_step *step)
{
    return step_expr(parser, &step->acked);
}

static bool step_min(struct sx__parser *parser, struct sx_step *step)
{
    return step_expr(parser, &step->min);
}

static bool step_idle_timeout(struct sx__parser *parser, struct sx_step *step)
{
    int64_t value;
    if (!step_expr(parser, &step->idle_timeout_ms)) {
        return false;
    }
    if (!sx__constant(step->idle_timeout_ms, &value) || value > 0) {
        sx__need(parser, "idle_timeout");
    }
    return true;
}

static bool step_grace(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->time, true);
}

static bool step_within(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->within, false);
}

static bool step_after(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->after, false);
}

static const struct sx__item item_session = {SX__ITEM_KEY, "session", step_session, 0, 0};
static const struct sx__item item_peer = {SX__ITEM_KEY, "peer", step_peer, 0, 0};
static const struct sx__item item_as = {SX__ITEM_PHRASE, "as", step_as, 0, 1};
static const struct sx__item item_data = {SX__ITEM_DATA, "data", step_data, 0, 1};
static const struct sx__item item_attributes = {SX__ITEM_BRACES, "{...}", step_attributes, 0, 0};
static const struct sx__item item_skip = {SX__ITEM_WORD, "skip", step_skip, 0, 0};
static const struct sx__item item_processed = {SX__ITEM_WORD, "processed", step_processed, 0, 0};
static const struct sx__item item_code = {SX__ITEM_EXPR, "a code", step_code, 0, 0};
static const struct sx__item item_close_code = {SX__ITEM_EXPR, "a code", step_code, 0, 1};
static const struct sx__item item_cause = {SX__ITEM_KEY, "cause", step_code, 0, 0};
static const struct sx__item item_next = {SX__ITEM_KEY, "next", step_next, 0, 1};
static const struct sx__item item_acked = {SX__ITEM_KEY, "acked", step_acked, 0, 0};
static const struct sx__item item_min = {SX__ITEM_KEY, "min", step_min, 0, 0};
static const struct sx__item item_idle = {SX__ITEM_KEY, "idle_timeout", step_idle_timeout, 0, 0};
static const struct sx__item item_grace = {SX__ITEM_KEY, "grace", step_grace, 0, 0};
static const struct sx__item item_within = {SX__ITEM_PHRASE, "within", step_within, 0, 0};
static const struct sx__item item_after = {SX__ITEM_PHRASE, "after", step_after, 0, 0};

static const struct sx__item *const no_items[] = {NULL};
static const struct sx__item *const open_items[] = {&item_session, &item_peer, &item_idle, NULL};
static const struct sx__item *const preset_items[] = {&item_session, &item_next,      &item_acked,
                                                      &item_min,     &item_processed, NULL};
static const struct sx__item *const send_items[] = {&item_data,    &item_as,         &item_skip,
                                                    &item_session, &item_attributes, NULL};
static const struct sx__item *const close_items[] = {&item_close_code, &item_as, &item_session,
                                                     NULL};
static const struct sx__item *const dispose_items[] = {&item_code, &item_session, NULL};
static const struct sx__item *const shutdown_items[] = {&item_grace, NULL};
static const struct sx__item *const deliver_items[] = {
    &item_data, &item_session, &item_attributes, &item_within, &item_after, NULL};
static const struct sx__item *const result_items[] = {&item_code, &item_within, &item_after, NULL};
static const struct sx__item *const state_items[] = {&item_session, &item_cause, &item_within,
                                                     &item_after, NULL};
static const struct sx__item *const eof_items[] = {&item_peer, &item_within, &item_after, NULL};

/* ---- do ---- */

static bool do_open(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_items(parser, step, open_items);
}

static bool do_preset(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, "preset");
    return sx__parse_items(parser, step, preset_items);
}

static bool do_send(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, step->kind == SX_DO_SEND ? "send" : "send_unreliable");
    return sx__parse_items(parser, step, send_items) &&
           sx__bind(parser, SX__OPERATIONS, step->label, parser->label_column) != NULL;
}

/* Code 1 is a gracious close; a parameter stands for each of its values. */
static void do_close_needs(struct sx__parser *parser, const struct sx_expr *code)
{
    const struct sx_script *script = parser->script;
    int64_t value;

    if (sx__constant(code, &value)) {
        sx__need(parser, value == 1 ? "close" : "force_close");
        return;
    }
    for (size_t i = 0; code->op == SX_VAR && i < script->param_count; i++) {
        const struct sx_param *param = &script->params[i];
        if (strcmp(param->name, code->name) == 0) {
            for (size_t k = 0; k < param->count; k++) {
                sx__need(parser, param->values[k].number == 1 ? "close" : "force_close");
            }
            return;
        }
    }
    sx__need(parser, "close");
    sx__need(parser, "force_close");
}

static bool do_close(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    int64_t value;

    if (!sx__parse_items(parser, step, close_items)) {
        return false;
    }
    if (sx__constant(step->code.expr, &value) && (value < 1 || value > 99)) {
        return sx__fail(parser, start, "a close code is 1..99");
    }
    do_close_needs(parser, step->code.expr);
    return sx__bind(parser, SX__OPERATIONS, step->label, parser->label_column) != NULL;
}

static bool do_dispose(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, "dispose");
    return sx__parse_items(parser, step, dispose_items);
}

static bool do_shutdown(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, "shutdown");
    return sx__parse_items(parser, step, shutdown_items);
}

static bool do_sent(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, "aftermath");
    if (!sx__has_word_setting(parser->script, "aftermath", "manual")) {
        return sx__fail(parser, parser->token.start,
                        "'do sent' needs 'set aftermath = manual' in the header");
    }
    if (parser->token.kind != SX__LABEL) {
        return sx__expected(parser, "the #label of a PDU of the SUT");
    }
    if (!step_label(parser, step)) {
        return false;
    }
    step->ok = sx__is_word(parser, "ok");
    if (!step->ok && !sx__is_word(parser, "failed")) {
        return sx__expected(parser, "'ok' or 'failed'");
    }
    sx__advance(parser);
    return sx__parse_items(parser, step, no_items);
}

static const struct sx__step_word do_words[] = {
    {"open", do_open, SX_DO_OPEN, false},
    {"preset", do_preset, SX_DO_PRESET, false},
    {"send", do_send, SX_DO_SEND, false},
    {"send_unreliable", do_send, SX_DO_SEND_UNRELIABLE, false},
    {"close", do_close, SX_DO_CLOSE, false},
    {"dispose", do_dispose, SX_DO_DISPOSE, false},
    {"shutdown", do_shutdown, SX_DO_SHUTDOWN, false},
    {"sent", do_sent, SX_DO_SENT, false},
    {NULL, NULL, SX_DO_OPEN, false},
};

/* ---- == ---- */

static bool event_deliver(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_items(parser, step, deliver_items);
}

static bool event_result(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    if (!step_name(parser, &step->label, "the label of an operation") ||
        !sx__use_operation(parser, step->label, start)) {
        return false;
    }
    if (!sx__take_symbol(parser, '*')) {
        start = parser->token.start;
        if (!step_name(parser, &step->outcome, "an outcome or *")) {
            return false;
        }
        if (sx__word_index(sx__outcome_words, step->outcome) < 0) {
            return sx__unknown(parser, start, "outcome", step->outcome, sx__outcome_words);
        }
    }
    return sx__parse_items(parser, step, result_items);
}

static bool event_state(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    sx__need(parser, "state");
    if (!step_name(parser, &step->state, "a state")) {
        return false;
    }
    if (sx__word_index(sx__state_words, step->state) < 0) {
        return sx__unknown(parser, start, "state", step->state, sx__state_words);
    }
    return sx__parse_items(parser, step, state_items);
}

static const struct sx__step_word event_words[] = {
    {"deliver", event_deliver, SX_DELIVER, false},
    {"result", event_result, SX_RESULT, false},
    {"state", event_state, SX_STATE, false},
    {NULL, NULL, SX_DELIVER, false},
};

/* ---- lines ---- */

/* The second word of `do` and `==`. */
static bool step_second_word(struct sx__parser *parser, struct sx_step *step,
                             const struct sx__step_word *rows, const char *kind, const char *what)
{
    const char *words[16] = {NULL};
    size_t start = parser->token.start;
    const char *word = NULL;

    parser->script->needs_control = true;
    if (!step_name(parser, &word, what)) {
        return false;
    }
    for (size_t i = 0; rows[i].word != NULL; i++) {
        words[i] = rows[i].word;
        if (strcmp(rows[i].word, word) == 0) {
            step->kind = rows[i].kind;
            return rows[i].parse(parser, step);
        }
    }
    return sx__unknown(parser, start, kind, word, words);
}

static bool step_do(struct sx__parser *parser, struct sx_step *step)
{
    return step_second_word(parser, step, do_words, "command", "a command (open, send, ...)");
}

static bool step_event(struct sx__parser *parser, struct sx_step *step)
{
    return step_second_word(parser, step, event_words, "event", "deliver, result or state");
}

static bool step_maybe(struct sx__parser *parser, struct sx_step *step)
{
    step->optional = true;
    if (!sx__take_symbol(parser, SX__IN)) {
        return sx__expected(parser, "'<-'");
    }
    return sx__parse_pdu_in(parser, step);
}

static bool step_brace(struct sx__parser *parser, struct sx_step *step)
{
    (void)step;
    if (!sx__take_symbol(parser, '{')) {
        return sx__expected(parser, "'{'");
    }
    return sx__want_end(parser);
}

static bool step_repeat(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    int64_t count;

    step->count = sx__parse_expr(parser, true);
    if (step->count == NULL) {
        return false;
    }
    if (sx__constant(step->count, &count) && (count < 1 || count > SX_REPEAT_STEPS_MAX)) {
        return sx__fail(parser, start, "repeat 1..%d times", SX_REPEAT_STEPS_MAX);
    }
    return step_brace(parser, step);
}

static bool step_when(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_condition(parser, &step->condition) && step_brace(parser, step);
}

static bool step_time(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->time, false) && sx__parse_items(parser, step, no_items);
}

static bool step_let(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    if (!step_name(parser, &step->name, "a variable's name (without $)") ||
        !sx__want_symbol(parser, '=', "'='")) {
        return false;
    }
    step->right = sx__parse_expr(parser, true);
    return step->right != NULL && sx__let(parser, step->name, start) &&
           sx__parse_items(parser, step, no_items);
}

static bool step_eof(struct sx__parser *parser, struct sx_step *step)
{
    sx__need(parser, "stream");
    return sx__parse_items(parser, step, eof_items);
}

/* ---- check ---- */

static bool check_data(struct sx__parser *parser, struct sx_step *step)
{
    const char **labels = NULL;
    step->kind = SX_CHECK_DATA;
    while (parser->token.kind == SX__LABEL) {
        labels = sx__grow(parser->arena, labels, step->label_count, sizeof(*labels));
        labels[step->label_count++] = parser->token.name;
        if (!sx__use_label(parser, parser->token.name, parser->token.start, false)) {
            return false;
        }
        sx__advance(parser);
    }
    step->labels = labels;
    if (step->label_count == 0 || !sx__take_symbol(parser, SX__EQ)) {
        return sx__expected(parser, step->label_count == 0 ? "a #label" : "a #label or '=='");
    }
    return sx__parse_data(parser, &step->data, false);
}

static bool check_size(struct sx__parser *parser, struct sx_step *step)
{
    step->kind = SX_CHECK_SIZE;
    if (parser->token.kind != SX__LABEL) {
        return sx__expected(parser, "a #label");
    }
    if (!step_label(parser, step) || !sx__parse_compare(parser, &step->compare)) {
        return false;
    }
    step->right = sx__parse_expr(parser, true);
    return step->right != NULL;
}

static bool step_check(struct sx__parser *parser, struct sx_step *step)
{
    size_t start = parser->token.start;
    int64_t value;
    bool function = sx__behind(parser) == '(';

    if (!function && (sx__is_word(parser, "data") || sx__is_word(parser, "size"))) {
        bool data = sx__is_word(parser, "data");
        sx__advance(parser);
        return (data ? check_data(parser, step) : check_size(parser, step)) &&
               sx__parse_items(parser, step, no_items);
    }
    step->left = sx__parse_expr(parser, true);
    if (step->left == NULL || !sx__parse_compare(parser, &step->compare)) {
        return false;
    }
    step->right = sx__parse_expr(parser, true);
    if (step->right == NULL) {
        return false;
    }
    if (sx__constant(step->left, &value) && sx__constant(step->right, &value)) {
        return sx__fail(parser, start, "this compares constants: it says nothing about the SUT");
    }
    return sx__parse_items(parser, step, no_items);
}

const struct sx__step_word sx__step_words[] = {
    {"->", sx__parse_pdu_out, SX_SEND, false},
    {"<-", sx__parse_pdu_in, SX_EXPECT, false},
    {"maybe", step_maybe, SX_EXPECT, false},
    {"any", step_brace, SX_ANY, true},
    {"one_of", step_brace, SX_ONE_OF, true},
    {"repeat", step_repeat, SX_REPEAT, true},
    {"when", step_when, SX_WHEN, true},
    {"==", step_event, SX_DELIVER, false},
    {"do", step_do, SX_DO_OPEN, false},
    {"wait", step_time, SX_WAIT, false},
    {"quiet", step_time, SX_QUIET, false},
    {"check", step_check, SX_CHECK, false},
    {"let", step_let, SX_LET, false},
    {"eof", step_eof, SX_EOF, false},
    {NULL, NULL, SX_EOF, false},
};

/* ---- [RULES] ---- */

bool sx__parse_rules(struct sx__parser *parser, struct sx_step *step)
{
    enum sipc_rule *rules = NULL;

    if (!sx__take_symbol(parser, '[')) {
        return true;
    }
    do {
        rules = sx__grow(parser->arena, rules, step->rule_count, sizeof(*rules));
        if (!sx__parse_rule_word(parser, &rules[step->rule_count])) {
            return false;
        }
        step->rule_count++;
    } while (!sx__is_symbol(parser, ']') && parser->token.kind != SX__END);
    step->rules = rules;
    return sx__want_symbol(parser, ']', "a rule or ']'");
}
