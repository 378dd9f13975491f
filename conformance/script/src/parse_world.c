/* A statement behind `world` or on a tape, by the rows of world_words.c: its word, its head, its
 * clauses. Names of hosts, links and sessions are known from the lines before.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* ---- numbers ---- */

static bool world_count(struct sx__parser *parser, struct sx_value *value)
{
    if (parser->token.kind != SX__NUMBER && parser->token.kind != SX__VARIABLE &&
        !sx__is_symbol(parser, '(') && !sx__is_symbol(parser, '-')) {
        return sx__expected(parser, "a number");
    }
    value->kind = SX_V_COUNT;
    value->expr = sx__parse_expr(parser, false);
    if (value->expr != NULL && value->expr->op == SX_CONST) {
        value->number = value->expr->value;
        value->expr = NULL;
        return true;
    }
    return value->expr != NULL;
}

/* Any 64 bits. */
static bool world_whole(struct sx__parser *parser, struct sx_value *value)
{
    if (parser->token.kind != SX__NUMBER || parser->token.number_bad) {
        return sx__expected(parser, "a number of 64 bits");
    }
    value->number = (int64_t)parser->token.number;
    sx__advance(parser);
    return true;
}

static bool world_list(struct sx__parser *parser, struct sx_value *value)
{
    uint64_t *list = NULL;

    do {
        if (parser->token.kind != SX__NUMBER || parser->token.number_bad) {
            return sx__expected(parser, "a number");
        }
        list = sx__grow(parser->arena, list, value->list_count, sizeof(*list));
        if (value->list_count > 0 && parser->token.number <= list[value->list_count - 1]) {
            return sx__fail(parser, parser->token.start, "these numbers must grow");
        }
        list[value->list_count++] = parser->token.number;
        sx__advance(parser);
    } while (parser->token.kind == SX__NUMBER);
    value->list = list;
    return true;
}

static bool world_check_range(struct sx__parser *parser, size_t start,
                              const struct sx_field_row *row, const struct sx_value *value)
{
    char error[256];
    int64_t number;

    if ((value->kind & SX_V_NUMBERS) == 0 ||
        (value->expr != NULL && !sx__constant(value->expr, &number))) {
        return true;
    }
    return sx_value_number(value, row, &(struct sx_env){0}, &number, error, sizeof(error)) ||
           sx__fail(parser, start, "%s", error);
}

/* ---- names ---- */

static int64_t world_index(const struct sx_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->at[i], name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

static bool world_unknown(struct sx__parser *parser, size_t start, const char *what,
                          const char *name, const struct sx_names *names)
{
    const char *near[33] = {NULL};

    if (names->count == 0) {
        return sx__fail(parser, start, "unknown %s '%.40s'; no line before declares one", what,
                        name);
    }
    for (size_t i = 0; i < names->count && i < 32; i++) {
        near[i] = names->at[i];
    }
    return sx__unknown(parser, start, what, name, near);
}

static bool world_declare(struct sx__parser *parser, size_t start, const char *what,
                          struct sx_names *names, const char *name)
{
    if (world_index(names, name) >= 0) {
        return sx__fail(parser, start, "%s '%.40s' is declared twice", what, name);
    }
    if (names->count == SX_WORLD_NAMES_MAX) {
        return sx__fail(parser, start, "a world has at most %d of them", SX_WORLD_NAMES_MAX);
    }
    const char **at = sx__grow(parser->arena, names->at, names->count, sizeof(*at));
    at[names->count++] = name;
    names->at = at;
    return true;
}

static const char *world_link_text(struct sx__parser *parser, const char *from, const char *to)
{
    size_t size = strlen(from) + strlen(to) + 1;
    char *name = sx__alloc(parser->arena, size + 1);
    snprintf(name, size + 1, "%s>%s", from, to);
    return name;
}

static bool world_host(struct sx__parser *parser, int64_t *index, const char **name)
{
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a host's name");
    }
    *name = parser->token.name;
    *index = world_index(&parser->world->hosts, *name);
    if (*index < 0) {
        return world_unknown(parser, parser->token.start, "host", *name, &parser->world->hosts);
    }
    sx__advance(parser);
    return true;
}

/* a>b; `both`: or a<>b. */
static bool world_pair(struct sx__parser *parser, struct sx_value *value, bool both)
{
    const char *from, *to;
    size_t start = parser->token.start;

    if (!world_host(parser, &value->number, &from)) {
        return false;
    }
    value->both = both && sx__take_symbol(parser, '<');
    if (!sx__take_symbol(parser, '>')) {
        return sx__expected(parser, both ? "'>' or '<>'" : "'>'");
    }
    if (!world_host(parser, &value->other, &to)) {
        return false;
    }
    if (value->number == value->other) {
        return sx__fail(parser, start, "two different hosts are needed here");
    }
    value->name = world_link_text(parser, from, to);
    return true;
}

static bool world_new_link(struct sx__parser *parser, struct sx_value *value)
{
    size_t start = parser->token.start;
    struct sx_names *links = &parser->world->links;

    value->other = -1;
    if (parser->token.kind == SX__NAME && sx__behind(parser) != '>' && sx__behind(parser) != '<') {
        value->name = parser->token.name;
        sx__advance(parser);
        return world_declare(parser, start, "link", links, value->name);
    }
    if (!world_pair(parser, value, true)) {
        return false;
    }
    const char *from = parser->world->hosts.at[value->number];
    const char *to = parser->world->hosts.at[value->other];
    return world_declare(parser, start, "link", links, value->name) &&
           (!value->both ||
            world_declare(parser, start, "link", links, world_link_text(parser, to, from)));
}

/* A link by its name, or where `kinds` has it a host. */
static bool world_link(struct sx__parser *parser, struct sx_value *value, unsigned kinds)
{
    size_t start = parser->token.start;

    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, kinds & SX_V_HOST ? "a host or a link" : "a link's name");
    }
    value->kind = SX_V_LINK;
    value->name = parser->token.name;
    bool pair = sx__behind(parser) == '>';
    if (!pair && (kinds & SX_V_HOST) != 0 && world_index(&parser->world->links, value->name) < 0) {
        value->kind = SX_V_HOST;
        return world_host(parser, &value->number, &value->name);
    }
    sx__advance(parser);
    if (pair) {
        sx__advance(parser);
        if (parser->token.kind != SX__NAME) {
            return sx__expected(parser, "a host's name");
        }
        value->name = world_link_text(parser, value->name, parser->token.name);
        sx__advance(parser);
    }
    value->number = world_index(&parser->world->links, value->name);
    return value->number >= 0 ||
           world_unknown(parser, start, "link", value->name, &parser->world->links);
}

static bool world_session(struct sx__parser *parser, struct sx_value *value)
{
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a session's name");
    }
    value->name = parser->token.name;
    value->number = world_index(&parser->world->sessions, value->name);
    if (value->number < 0) {
        return world_unknown(parser, parser->token.start, "session", value->name,
                             &parser->world->sessions);
    }
    bool place = sx__behind(parser) == '[';
    sx__advance(parser);
    if (!place) {
        return true;
    }
    sx__advance(parser);
    value->place = sx__parse_expr(parser, true);
    return value->place != NULL && sx__want_symbol(parser, ']', "']'");
}

static bool world_new_name(struct sx__parser *parser, struct sx_value *value, const char *what,
                           struct sx_names *names)
{
    size_t start = parser->token.start;
    char expected[64];

    if (parser->token.kind != SX__NAME) {
        snprintf(expected, sizeof(expected), "a name for the %s", what);
        return sx__expected(parser, expected);
    }
    value->name = parser->token.name;
    sx__advance(parser);
    return world_declare(parser, start, what, names, value->name);
}

/* ---- PDUs ---- */

static bool world_key_part(struct sx__parser *parser, bool pattern, int64_t max, int64_t *out)
{
    if (pattern && sx__take_symbol(parser, '*')) {
        *out = -1;
        return true;
    }
    if (parser->token.kind != SX__NUMBER || parser->token.number_bad ||
        parser->token.number > (uint64_t)max) {
        return sx__expected(parser, pattern ? "a number or *" : "a number");
    }
    *out = (int64_t)parser->token.number;
    sx__advance(parser);
    return true;
}

/* OPCODE WINDOW_ID:SEQ_NR, raw; or *. */
static bool world_key(struct sx__parser *parser, struct sx_value *value, bool pattern)
{
    struct sx_key_value *key = &value->key;
    bool any = pattern && sx__is_symbol(parser, '*');

    key->window_id = key->seq_nr = pattern ? -1 : 0;
    key->opcode = any ? -1 : 0;
    if (any || sx__is_word(parser, "raw")) {
        sx__advance(parser);
        if (!any || parser->token.kind == SX__END ||
            !(sx__is_symbol(parser, '*') || parser->token.kind == SX__NUMBER)) {
            return true;
        }
    } else {
        if (parser->token.kind != SX__NAME) {
            return sx__expected(parser, "an opcode or 'raw'");
        }
        int index = sx__word_index(sx__opcode_words, parser->token.name);
        if (index < 0) {
            return sx__unknown(parser, parser->token.start, "opcode", parser->token.name,
                               sx__opcode_words);
        }
        key->opcode = index + 1;
        sx__advance(parser);
    }
    return world_key_part(parser, pattern, INT64_MAX, &key->window_id) &&
           sx__want_symbol(parser, ':', "':' and a seq_nr") &&
           world_key_part(parser, pattern, INT32_MAX, &key->seq_nr);
}

static bool world_pdu(struct sx__parser *parser, struct sx_value *value, bool answer)
{
    struct sx_step *step = sx__alloc(parser->arena, sizeof(*step));
    size_t start = parser->token.start;

    *step = (struct sx_step){.kind = SX_SEND};
    parser->in_answer = answer;
    bool good = sx__parse_pdu_out(parser, step);
    parser->in_answer = false;
    if (!good) {
        return false;
    }
    if (step->pdu.kind == SX_PDU_LABEL || step->pdu.label != NULL || step->pdu.peer != NULL) {
        return sx__fail(parser, start, "a PDU of a scripted host has no #label and no peer=");
    }
    value->pdu = &step->pdu;
    return true;
}

/* ---- fields ---- */

static bool world_word(struct sx__parser *parser, const struct sx_field_row *row,
                       struct sx_value *value)
{
    struct sx__text all = {0};

    if (parser->token.kind == SX__NAME) {
        value->number = sx__word_index(row->words, parser->token.name);
        if (value->number < 0) {
            return sx__unknown(parser, parser->token.start, "word", parser->token.name, row->words);
        }
        sx__advance(parser);
        return true;
    }
    for (size_t i = 0; row->words[i] != NULL; i++) {
        sx__text_add(&all, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        sx__text_add(&all, row->words[i], strlen(row->words[i]));
    }
    sx__text_add(&all, "", 1);
    sx__expected(parser, all.data);
    sx__text_clear(&all);
    return false;
}

static bool world_compare(struct sx__parser *parser, struct sx_value *value)
{
    static const int symbols[] = {SX__EQ, SX__NE, '<', SX__LE, '>', SX__GE};
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (sx__take_symbol(parser, symbols[i])) {
            value->number = (int64_t)i;
            return true;
        }
    }
    return sx__expected(parser, "one of == != < <= > >=");
}

static bool world_rule(struct sx__parser *parser, struct sx_value *value)
{
    enum sipc_rule rule;
    if (!sx__parse_rule_word(parser, &rule)) {
        return false;
    }
    value->number = rule;
    return true;
}

static bool world_id(struct sx__parser *parser, struct sx_value *value)
{
    value->name = sx__raw_word(parser);
    return value->name[0] != '\0' || sx__expected(parser, "a name of letters, digits, - and _");
}

static bool world_text(struct sx__parser *parser, struct sx_value *value)
{
    if (parser->token.kind != SX__STRING) {
        return sx__expected(parser, "a \"text\"");
    }
    value->bytes = parser->token.bytes;
    if (memchr(value->bytes.data, '\0', value->bytes.size) != NULL) {
        return sx__fail(parser, parser->token.start, "a zero byte has no place here");
    }
    sx__advance(parser);
    return true;
}

static bool world_data(struct sx__parser *parser, struct sx_value *value)
{
    struct sx_data *data = sx__alloc(parser->arena, sizeof(*data));
    value->data = data;
    return sx__parse_data(parser, data, false);
}

static bool world_options(struct sx__parser *parser, struct sx_value *value)
{
    struct sx__option_list list;
    if (!sx__take_symbol(parser, '{')) {
        return sx__expected(parser, "'{'");
    }
    if (!sx__parse_options(parser, &list, false)) {
        return false;
    }
    value->options = list.options;
    value->option_count = list.count;
    return true;
}

/* Whether what stands there can be an optional field without a word. */
static bool world_can_start(const struct sx__parser *parser, const struct sx_field_row *row)
{
    switch (row->kinds) {
    case SX_V_OPTIONS:
        return sx__is_symbol(parser, '{');
    case SX_V_WORD:
    case SX_V_RULE:
        return parser->token.kind == SX__NAME;
    default:
        return false;
    }
}

/* A field from behind its word. */
static bool world_field_value(struct sx__parser *parser, const struct sx_field_row *row,
                              struct sx_value *value)
{
    unsigned kinds = row->kinds;

    value->kind = (enum sx_value_kind)(kinds & (0 - kinds)); /* the lowest */
    switch (kinds) {
    case SX_V_COUNT:
        return world_count(parser, value);
    case SX_V_WHOLE:
    case SX_V_HEX:
        return world_whole(parser, value);
    case SX_V_LIST:
        return world_list(parser, value);
    case SX_V_WORD:
        return world_word(parser, row, value);
    case SX_V_FLAG:
        return true;
    case SX_V_COMPARE:
        return world_compare(parser, value);
    case SX_V_RULE:
        return world_rule(parser, value);
    case SX_V_ID:
        return world_id(parser, value);
    case SX_V_TEXT:
        return world_text(parser, value);
    case SX_V_OPTIONS:
        return world_options(parser, value);
    case SX_V_PDU:
    case SX_V_ANSWER:
        return world_pdu(parser, value, kinds == SX_V_ANSWER);
    case SX_V_KEY:
    case SX_V_PATTERN:
        return world_key(parser, value, kinds == SX_V_PATTERN);
    case SX_V_HOST:
        return world_host(parser, &value->number, &value->name);
    case SX_V_LINK:
    case SX_V_HOST | SX_V_LINK:
        return world_link(parser, value, kinds);
    case SX_V_SESSION:
        return world_session(parser, value);
    case SX_V_PAIR:
        return world_pair(parser, value, false);
    case SX_V_NEW_HOST:
        return world_new_name(parser, value, "host", &parser->world->hosts);
    case SX_V_NEW_LINK:
        return world_new_link(parser, value);
    case SX_V_NEW_SESSION:
        return world_new_name(parser, value, "session", &parser->world->sessions);
    default:
        break;
    }
    if ((kinds & SX_V_DATA) != 0 && sx__at_data(parser)) {
        value->kind = SX_V_DATA;
        return world_data(parser, value);
    }
    return sx__parse_quantity(parser, row, value);
}

static bool world_field(struct sx__parser *parser, const struct sx_field_row *row,
                        struct sx_value *value)
{
    size_t start = parser->token.start;

    if (value->given) {
        return sx__fail(parser, start, "'%s' is given twice",
                        row->word != NULL ? row->word : "this");
    }
    if (row->word != NULL) {
        if (!sx__is_word(parser, row->word)) {
            char what[64];
            snprintf(what, sizeof(what), "'%s'", row->word);
            return sx__expected(parser, what);
        }
        sx__advance(parser);
    }
    start = parser->token.start;
    value->given = true;
    return world_field_value(parser, row, value) && world_check_range(parser, start, row, value);
}

/* The fields of a clause: first those that must be there, in their order, then the others in any.
 */
static bool world_fields(struct sx__parser *parser, struct sx_clause *clause)
{
    const struct sx_field_row *rows = clause->row->fields;
    size_t count = 0, i;

    while (rows[count].kinds != 0) {
        count++;
    }
    clause->values = sx__alloc(parser->arena, (count + 1) * sizeof(*clause->values));
    for (i = 0; i < count && !rows[i].optional; i++) {
        if (!world_field(parser, &rows[i], &clause->values[i])) {
            return false;
        }
    }
    for (size_t first = i; i < count; i++) {
        bool here = rows[i].word != NULL ? sx__is_word(parser, rows[i].word)
                                         : world_can_start(parser, &rows[i]);
        if (!here) {
            continue;
        }
        if (!world_field(parser, &rows[i], &clause->values[i])) {
            return false;
        }
        i = first - 1; /* from the first again */
    }
    return true;
}

/* ---- statements ---- */

static const struct sx_clause_row *world_clause_row(struct sx__parser *parser,
                                                    const struct sx_statement_row *statement)
{
    const char *words[64] = {NULL};
    size_t count = 0;

    for (const struct sx_clause_row *row = statement->clauses; row->word != NULL; row++) {
        bool arrow = strcmp(row->word, "->") == 0 && sx__is_symbol(parser, SX__OUT);
        if (arrow || sx__is_word(parser, row->word)) {
            return row;
        }
        words[count++] = row->word;
    }
    if (parser->token.kind == SX__NAME) {
        sx__unknown(parser, parser->token.start, "word", parser->token.name, words);
    } else {
        char what[80];
        snprintf(what, sizeof(what), "a word that '%s' may have, or the end of the line",
                 statement->word);
        sx__expected(parser, what);
    }
    return NULL;
}

static bool world_clause(struct sx__parser *parser, struct sx_statement *statement)
{
    size_t start = parser->token.start;
    const struct sx_clause_row *row = world_clause_row(parser, statement->row);

    if (row == NULL) {
        return false;
    }
    for (size_t i = 0; i < statement->clause_count && !row->many; i++) {
        if (statement->clauses[i].row == row) {
            return sx__fail(parser, start, "'%s' is given twice", row->word);
        }
    }
    struct sx_clause *clauses =
        sx__grow(parser->arena, statement->clauses, statement->clause_count, sizeof(*clauses));
    struct sx_clause *clause = &clauses[statement->clause_count++];
    *clause = (struct sx_clause){.row = row};
    statement->clauses = clauses;
    sx__advance(parser);
    return world_fields(parser, clause);
}

static const struct sx_statement_row *world_statement_row(struct sx__parser *parser,
                                                          enum sx_statement_place place)
{
    const char *words[32] = {NULL};
    size_t count = 0;

    for (const struct sx_statement_row *row = sx_statement_rows; row->word != NULL; row++) {
        if ((row->places & place) == 0) {
            continue;
        }
        if (sx__is_word(parser, row->word)) {
            return row;
        }
        words[count++] = row->word;
    }
    if (parser->token.kind == SX__NAME) {
        sx__unknown(parser, parser->token.start, "statement", parser->token.name, words);
    } else {
        sx__expected(parser, "a statement (host, link, at, ...)");
    }
    return NULL;
}

/* What verbs a subject has: those of hosts and those of links. */
static bool world_fits_subject(struct sx__parser *parser, const struct sx_statement *statement)
{
    if (statement->row->kind != SX_S_AT) {
        return true;
    }
    const struct sx_value *subject = &statement->head.values[1];
    int key = statement->clauses[0].row->key;
    bool of_link = key >= SX_K_DOWN && key <= SX_K_FAULTS;
    if (of_link == (subject->kind == SX_V_LINK)) {
        return true;
    }
    return sx__fail(parser, 0, "'%s' is done to %s, '%.40s' is a %s",
                    statement->clauses[0].row->word, of_link ? "links" : "hosts", subject->name,
                    of_link ? "host" : "link");
}

bool sx__parse_statement(struct sx__parser *parser, struct sx_statement *statement,
                         enum sx_statement_place place)
{
    *statement = (struct sx_statement){.line = (int)parser->line + 1};
    statement->row = world_statement_row(parser, place);
    if (statement->row == NULL) {
        return false;
    }
    size_t index = (size_t)(statement->row - sx_statement_rows);
    if (parser->has_statement[index] && !statement->row->many) {
        return sx__fail(parser, parser->token.start, "'%s' is given twice", statement->row->word);
    }
    parser->has_statement[index] = true;
    sx__advance(parser);
    statement->head.row = &statement->row->head;
    if (!world_fields(parser, &statement->head)) {
        return false;
    }
    while (statement->row->clauses != NULL && parser->token.kind != SX__END &&
           (!statement->row->one || statement->clause_count == 0)) {
        if (!world_clause(parser, statement)) {
            return false;
        }
    }
    if (statement->row->one && statement->clause_count == 0) {
        return world_clause_row(parser, statement->row) != NULL;
    }
    return sx__want_end(parser) && world_fits_subject(parser, statement);
}
