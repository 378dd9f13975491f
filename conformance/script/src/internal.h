/* What the files of the .sx language share and nobody else sees: arena, lexer, errors, vocabulary,
 * names in scope, and the parser's state.
 *
 * A parse function returns false (or NULL) after it has told the error. One error a line: what
 * fails on a line after its first error is silent, so callers need not ask who told.
 * SPDX-License-Identifier: MIT */
#ifndef SX_INTERNAL_H
#define SX_INTERNAL_H

#include "conform/world.h"
#include "sipc/rules.h"

/* ---- arena.c: memory that dies with the script; aborts when the system has none left ---- */

struct sx__arena;
struct sx__arena *sx__arena_new(void);
void sx__arena_free(struct sx__arena *arena);
void *sx__alloc(struct sx__arena *arena, size_t size); /* zeroed */
const char *sx__string(struct sx__arena *arena, const char *text, size_t size);
struct sipc_span sx__bytes(struct sx__arena *arena, const uint8_t *bytes, size_t size);
/* Room for one more element behind `count` ones; returns the array, moved or not. */
void *sx__grow(struct sx__arena *arena, const void *array, size_t count, size_t element_size);

/* A text that grows; malloc'ed. */
struct sx__text {
    char *data;
    size_t size, capacity;
};
void sx__text_add(struct sx__text *text, const char *data, size_t size);
void sx__text_clear(struct sx__text *text);

/* ---- words.c: the vocabulary. Lists end with NULL. ---- */

extern const char *const sx__opcode_words[]; /* index + 1 is the opcode */
extern const char *const sx__role_words[];   /* index is enum sx_role */
extern const char *const sx__capability_words[];
extern const char *const sx__state_words[];
extern const char *const sx__outcome_words[];
extern const char *const sx__time_unit_words[]; /* index is enum sx_time_unit */
extern const char *const sx__compare_words[];   /* index is enum sx_compare */
extern const char *const sx__tamper_words[];    /* index is enum sx_tamper_kind */

enum sx__value_type { SX__BOOLEAN, SX__INTEGER, SX__TEXT, SX__WORD };
struct sx__option_word {
    const char *word;
    uint32_t id;
    enum sx__value_type type;
};
extern const struct sx__option_word sx__option_words[]; /* ends with word NULL */
const char *sx__option_word(uint32_t id);

struct sx__setting_word {
    const char *word;
    enum sx__value_type type;
    const char *const *values; /* SX__WORD */
    const char *need;          /* capability it implies, or NULL */
    bool off_at_zero;          /* implies nothing where it is a constant <= 0 */
};
extern const struct sx__setting_word sx__setting_words[]; /* ends with word NULL */
const struct sx__setting_word *sx__setting_find(const char *name);

/* The index of `word` in `list`, -1 if it is not there. */
int sx__word_index(const char *const *list, const char *word);

/* ---- lexer.c ---- */

enum sx__token_kind {
    SX__END, /* of the line */
    SX__NAME,
    SX__NUMBER,
    SX__STRING,
    SX__HEX,      /* hex:00ff */
    SX__VARIABLE, /* $name */
    SX__LABEL,    /* #name */
    SX__SYMBOL,
    SX__BAD, /* told */
};
enum sx__symbol {                /* others: the character */
                  SX__OUT = 256, /* -> */
                  SX__IN,        /* <- */
                  SX__EQ,
                  SX__NE,
                  SX__LE,
                  SX__GE,
};
struct sx__token {
    enum sx__token_kind kind;
    size_t start, end; /* offsets in the line */
    bool spaced;       /* a blank before it */
    int symbol;
    uint64_t number;
    bool number_bad;        /* SX__NUMBER: over 64 bits, or 0x without digits */
    const char *name;       /* SX__NAME, SX__VARIABLE, SX__LABEL */
    struct sipc_span bytes; /* SX__STRING, SX__HEX */
};

/* ---- names.c: what variables, labels and operations a line may speak of ---- */

enum sx__name_space { SX__VARIABLES, SX__LABELS, SX__OPERATIONS, SX__TAINTED };
enum sx__name_sight {
    SX__VISIBLE,
    SX__SIBLING,     /* of another line of the same `any` */
    SX__ALTERNATIVE, /* of another block of the same `one_of` */
};
struct sx__name {
    enum sx__name_space space;
    enum sx__name_sight sight;
    const char *name;
    size_t line, column; /* where it is bound */
    bool used;
    bool param;
    bool text;             /* variable: text parameter */
    bool from_sut;         /* label: of a PDU that came */
    bool maybe;            /* bound in a `when`: another may bind it too */
    struct sx__name *next; /* same bucket */
};
enum { SX__NAME_BUCKETS = 256 };
struct sx__names {
    struct sx__name **all; /* in order of binding */
    size_t count;
    size_t variable_count;
    struct sx__name *buckets[SX__NAME_BUCKETS];
};

/* ---- the parser ---- */

struct sx__parser {
    struct sx__arena *arena;
    struct sx_script *script;
    FILE *errors;
    size_t error_count;
    size_t line, next_line; /* index of the current line, and of the one to read next */
    bool has_item[16];      /* header items read, by their row */
    bool line_failed;
    const char *text; /* the current line */
    struct sx__token token;
    struct sx__text comments; /* read and not yet given to a step */
    struct sx__names names;
    size_t step_count;
    size_t repeat_depth;
    size_t expr_depth, expr_parts;
    bool loose;                             /* blanks do not end an expression */
    bool in_tamper;                         /* $length is known */
    bool in_answer;                         /* * takes the id of what is answered */
    bool has_setting[64], used_setting[64]; /* by index in sx__setting_words */
    size_t label_column;                    /* of the line's label or operation */
    size_t cases_line, cases_column;        /* what decided last how many cases there are */
    struct sx_world *world;                 /* of a script with `world`, or a tape */
    bool has_statement[32];                 /* by row */
};

/* Lexer: reads the next token of the line; from `offset` anew; the raw word at the current token (a
 * run of letters, digits, - and _), which is then passed. */
void sx__advance(struct sx__parser *parser);
void sx__lex_from(struct sx__parser *parser, size_t offset);
const char *sx__raw_word(struct sx__parser *parser);
bool sx__is_symbol(const struct sx__parser *parser, int symbol);
bool sx__is_word(const struct sx__parser *parser, const char *word);
/* The character right behind the current token. */
char sx__behind(const struct sx__parser *parser);
/* Takes the current token if it is this, else false, untold. */
bool sx__take_symbol(struct sx__parser *parser, int symbol);
/* The same of what must stand there; false: told that `what` was expected. */
bool sx__want_symbol(struct sx__parser *parser, int symbol, const char *what);
bool sx__want_end(struct sx__parser *parser);

/* tell.c. All return false. Columns are offsets in the line. */
bool sx__fail(struct sx__parser *parser, size_t column, const char *format, ...) SIPC_PRINTF(3, 4);
bool sx__fail_line(struct sx__parser *parser, size_t line, size_t column, const char *format, ...)
    SIPC_PRINTF(4, 5);
bool sx__expected(struct sx__parser *parser, const char *what); /* "expected WHAT, found ..." */
/* "unknown KIND 'word', did you mean 'x'?" or what there is. */
bool sx__unknown(struct sx__parser *parser, size_t column, const char *kind, const char *word,
                 const char *const *list);
/* The word of `list` that `word` may be a slip of, NULL if none. */
const char *sx__nearest(const char *word, const char *const *list);

/* names.c */
struct sx__name *sx__bind(struct sx__parser *parser, enum sx__name_space space, const char *name,
                          size_t column);
bool sx__let(struct sx__parser *parser, const char *name, size_t column);
/* A variable that `<-` and `==` bind or compare with. */
bool sx__bind_or_use(struct sx__parser *parser, const char *name, size_t column);
bool sx__use_number(struct sx__parser *parser, const char *name, size_t column);
bool sx__use_text(struct sx__parser *parser, const char *name, size_t column);
bool sx__is_text_variable(struct sx__parser *parser, const char *name);
bool sx__use_label(struct sx__parser *parser, const char *name, size_t column, bool from_sut);
bool sx__use_operation(struct sx__parser *parser, const char *name, size_t column);
void sx__taint_line(struct sx__parser *parser);
void sx__set_sight(struct sx__parser *parser, size_t from, enum sx__name_sight sight);
void sx__set_maybe(struct sx__parser *parser, size_t from);
void sx__tell_unused(struct sx__parser *parser);
/* Whether `name` may be that of a parameter or variable. */
bool sx__check_free_name(struct sx__parser *parser, const char *name, size_t column);

/* parse_value.c. `pattern`: in <- and == lines, where * and binding are allowed. */
const struct sx_expr *sx__parse_expr(struct sx__parser *parser, bool loose);
bool sx__parse_data(struct sx__parser *parser, struct sx_data *data, bool pattern);
bool sx__at_data(const struct sx__parser *parser);
bool sx__parse_time(struct sx__parser *parser, struct sx_time *time, bool zero_allowed);
/* idle_timeout and enquire_link_interval are off unless the header sets them. */
bool sx__use_time_unit(struct sx__parser *parser, enum sx_time_unit unit, size_t column);
bool sx__parse_field(struct sx__parser *parser, struct sx_field *field, bool pattern,
                     const char *what);
/* Whether `expr` has the same value whatever the names stand for. */
bool sx__constant(const struct sx_expr *expr, int64_t *value);

/* parse_condition.c: COMPARISON or COMPARISON ...; the comparison of numbers in `check` too */
bool sx__parse_condition(struct sx__parser *parser, struct sx_condition *condition);
bool sx__parse_compare(struct sx__parser *parser, enum sx_compare *compare);

/* parse_options.c: `{...}` */
struct sx__option_list {
    const struct sx_option *options;
    size_t count;
    bool open;
};
bool sx__parse_options(struct sx__parser *parser, struct sx__option_list *list, bool pattern);

/* parse_items.c: the parts of a line that may come in any order */
enum sx__item_class {
    SX__ITEM_WORD,   /* skip */
    SX__ITEM_KEY,    /* session= */
    SX__ITEM_PHRASE, /* as LABEL */
    SX__ITEM_BRACES, /* {...} */
    SX__ITEM_DATA,
    SX__ITEM_LABEL, /* #label */
    SX__ITEM_EXPR,
};
struct sx__item {
    enum sx__item_class class;
    const char *word; /* as people read it: "session", "{...}", "DATA" */
    bool (*parse)(struct sx__parser *parser, struct sx_step *step); /* from behind the word and = */
    bool many;
    bool required;
};
/* Parses what `items` (ending with NULL) allow, up to the end of the line or `[`. */
bool sx__parse_items(struct sx__parser *parser, struct sx_step *step,
                     const struct sx__item *const *items);

/* parse_pdu.c: what follows -> and <- */
bool sx__parse_pdu_out(struct sx__parser *parser, struct sx_step *step);
bool sx__parse_pdu_in(struct sx__parser *parser, struct sx_step *step);

/* parse_step.c: a line of setup or test without blocks, up to its rules */
struct sx__step_word {
    const char *word;
    bool (*parse)(struct sx__parser *parser, struct sx_step *step); /* from behind the word */
    enum sx_step_kind kind;
    bool block; /* ends in {, its lines follow */
};
extern const struct sx__step_word sx__step_words[]; /* ends with word NULL */
bool sx__parse_rules(struct sx__parser *parser, struct sx_step *step);

/* parse_world.c: a line behind `world`, or of a tape */
enum { SX_WORLD_NAMES_MAX = 4096 };
bool sx__parse_statement(struct sx__parser *parser, struct sx_statement *statement,
                         enum sx_statement_place place);

/* parse_quantity.c: a number with one of the row's units */
bool sx__parse_quantity(struct sx__parser *parser, const struct sx_field_row *row,
                        struct sx_value *value);

/* parse.c */
void sx__split_lines(struct sx__parser *parser, const char *text, size_t size);

/* cases.c: chooses the cases from the parameters' values. False with *error: too many, or none. */
bool sx__choose_cases(struct sx_script *script, struct sx__arena *arena, char *error,
                      size_t error_size);
/* cover.c: marks in `chosen` the rows (of `param_count` indices each) in which any `cover`
 * parameters have every combination of values that some row has. */
void sx__cover(const struct sx_script *script, const uint16_t *rows, size_t row_count,
               bool *chosen);

/* parse_header.c */
bool sx__parse_header_line(struct sx__parser *parser);
void sx__check_header(struct sx__parser *parser);
void sx__need(struct sx__parser *parser, const char *capability);
bool sx__has_word_setting(const struct sx_script *script, const char *name, const char *word);
bool sx__has_need(const struct sx_script *script, const char *capability);
bool sx__parse_rule_word(struct sx__parser *parser, enum sipc_rule *rule);

/* print.c */
void sx__print_text(struct sipc_span bytes, FILE *out); /* without the quotes */
bool sx__is_name(struct sipc_span bytes);
void sx__print_expr(const struct sx_expr *expr, FILE *out);
void sx__print_condition(const struct sx_condition *condition, FILE *out);
void sx__print_data(const struct sx_data *data, FILE *out);
void sx__print_options(const struct sx_option *options, size_t count, FILE *out);
void sx__print_pdu(const struct sx_pdu *pdu, FILE *out);

#endif
