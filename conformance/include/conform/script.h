/* The .sx language (script/SX.md): a script as a tree, its parser, printer and expansion.
 *
 * Everything a script holds lives in the script and dies with sx_script_free. Offsets, counts and
 * arrays are plain; lists are arrays with a count. Any bytes may be parsed: errors are told,
 * nothing crashes or hangs.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SCRIPT_H
#define CONFORM_SCRIPT_H

#include <stdio.h>

#include "sipc/pdu.h"

/* Limits of SX.md. Counts that depend on variables are the runner's to watch. */
enum sx_limit {
    SX_SCRIPT_BYTES_MAX = 1 << 20,
    SX_LINE_BYTES_MAX = 4096,
    SX_STEPS_MAX = 20000,         /* written in one script */
    SX_REPEAT_STEPS_MAX = 100000, /* run by all `repeat` blocks of a case together */
    SX_CASES_MAX = 1024,
    SX_COMBINATIONS_MAX = 10000,   /* of parameters' values, that `cover` chooses from */
    SX_COVER_MAX = 4,
    SX_VARIABLES_MAX = 64,        /* parameters and bound names */
    SX_BLOCK_DEPTH_MAX = 8,
    SX_EXPR_PARTS_MAX = 64,       /* numbers, names, operators and parentheses of one expression */
    SX_DATA_BYTES_MAX = 16 << 20, /* of one DATA, written out */
    SX_ERRORS_MAX = 20,
};

/* ---- values ---- */

enum sx_expr_op {
    SX_CONST,
    SX_VAR,           /* $name */
    SX_ADD, SX_SUB, SX_MUL, SX_DIV, SX_MOD, /* a, b */
    SX_NEG,           /* a */
    SX_SIZE_OF_DATA,  /* size(DATA): data */
    SX_SIZE_OF_LABEL, /* size(#label): name */
    SX_OPCODE_OF_LABEL,
};
struct sx_expr {
    enum sx_expr_op op;
    int64_t value;
    const char *name;
    const struct sx_expr *a, *b;
    const struct sx_data *data;
};

enum sx_data_kind {
    SX_DATA_NONE,    /* not written: empty */
    SX_DATA_ANY,     /* * */
    SX_DATA_LITERAL, /* "text" or hex: */
    SX_DATA_PATTERN, /* bytes(size[, from]) */
    SX_DATA_VAR,     /* $name of a text parameter */
};
struct sx_data {
    enum sx_data_kind kind;
    bool hex; /* how a literal was written, for the printer */
    struct sipc_span literal;
    const struct sx_expr *size, *from;
    const char *name;
};

/* A number in a PDU pattern. */
enum sx_field_kind { SX_FIELD_ABSENT, SX_FIELD_ANY, SX_FIELD_EXPR, SX_FIELD_BIND };
struct sx_field {
    enum sx_field_kind kind;
    const struct sx_expr *expr; /* SX_FIELD_EXPR; a lone $name is SX_FIELD_BIND in <- and == lines:
                                   it binds where unbound, else compares */
    const char *name;           /* SX_FIELD_BIND */
};

struct sx_option {
    uint32_t id;            /* enum sipc_option_id; 0: `name` */
    struct sipc_span name;  /* id 0 */
    bool optional;          /* NAME? or NAME?=V */
    bool text;              /* the value is `data`, else `value` */
    struct sx_field value;  /* booleans: 1/0; ANY for =*; ABSENT for a bare NAME? */
    struct sx_data data;
};

enum sx_tamper_kind { SX_TAMPER_LENGTH, SX_TAMPER_PREFIX, SX_TAMPER_TRUNCATE, SX_TAMPER_APPEND,
                      SX_TAMPER_BYTE };
struct sx_tamper { /* in `value` and `index`, $length is the PDU's length before this tampering */
    enum sx_tamper_kind kind;
    const struct sx_expr *index, *value;
    struct sipc_span bytes;
};

enum sx_pdu_kind {
    SX_PDU_FIELDS,
    SX_PDU_LABEL, /* #label: exactly those bytes */
    SX_PDU_RAW,   /* raw DATA */
};
struct sx_pdu {
    enum sx_pdu_kind kind;
    const char *ref;            /* SX_PDU_LABEL */
    const struct sx_expr *opcode;
    struct sx_field window_id, seq_nr;
    const char *session;        /* NULL: S */
    const char *peer;           /* NULL: P */
    const uint8_t *session_id;  /* 32 bytes, or NULL */
    const struct sx_option *options;
    size_t option_count;
    bool options_open;          /* a lone * */
    bool options_raw;           /* options hex:... */
    struct sipc_span raw_options;
    struct sx_data data;        /* also of SX_PDU_RAW */
    const struct sx_tamper *tampers;
    size_t tamper_count;
    const char *label;          /* #label it is given, or NULL */
};

/* A time: the sum of terms, each thousandths of one of the SUT's timeouts. */
enum sx_time_unit { SX_ACK_TIMEOUT, SX_OPEN_TIMEOUT, SX_IDLE_TIMEOUT, SX_ENQUIRE_LINK_INTERVAL,
                    SX_LINGER, SX_TIME_UNIT_COUNT };
struct sx_time_term {
    enum sx_time_unit unit;
    int64_t thousandths; /* may be negative */
};
struct sx_time {
    const struct sx_time_term *terms;
    size_t count; /* 0: not written */
};

/* ---- steps ---- */

enum sx_step_kind {
    SX_SEND,        /* -> pdu */
    SX_EXPECT,      /* <- pdu; optional: maybe */
    SX_ANY,         /* any { blocks[0] } */
    SX_ONE_OF,      /* one_of { blocks } */
    SX_REPEAT,      /* repeat count { blocks[0] } */
    SX_WHEN,        /* when condition { blocks[0] } */
    SX_DELIVER, SX_RESULT, SX_STATE, /* == */
    SX_DO_OPEN, SX_DO_PRESET, SX_DO_SEND, SX_DO_SEND_UNRELIABLE, SX_DO_CLOSE, SX_DO_DISPOSE,
    SX_DO_SHUTDOWN, SX_DO_SENT,
    SX_WAIT, SX_QUIET,
    SX_CHECK, SX_CHECK_DATA, SX_CHECK_SIZE,
    SX_LET,
    SX_EOF,
};
enum sx_compare { SX_EQ, SX_NE, SX_LT, SX_LE, SX_GT, SX_GE };

/* Of two numbers, or of a text parameter and a text. */
struct sx_comparison {
    enum sx_compare compare;          /* of texts SX_EQ or SX_NE */
    const struct sx_expr *left, *right;
    const char *name;                 /* the text parameter; NULL: numbers */
    struct sipc_span text;
};
/* Holds if any of its comparisons does. */
struct sx_condition {
    const struct sx_comparison *any;
    size_t count;
};

struct sx_block {
    const struct sx_step *steps;
    size_t count;
};

struct sx_step {
    enum sx_step_kind kind;
    int line;                      /* 1-based, of the file */
    const char *comment;           /* comment lines above it and behind it, each ended by a newline;
                                      NULL if none */
    const enum sipc_rule *rules;   /* [..] at the end of the line */
    size_t rule_count;
    bool optional;                 /* maybe */
    struct sx_time within, after;  /* expectations */
    struct sx_time time;           /* wait, quiet, shutdown's grace */
    struct sx_pdu pdu;             /* ->, <- */
    const struct sx_block *blocks; /* any, one_of, repeat, when */
    size_t block_count;
    const struct sx_expr *count;   /* repeat */
    struct sx_condition condition; /* when */
    const char *session, *peer;    /* do, ==, eof; NULL: default */
    const char *label;             /* do send/close: as LABEL; == result; do sent; check size */
    struct sx_data data;           /* do send, == deliver, check data */
    const struct sx_option *attributes; /* do send, == deliver */
    size_t attribute_count;
    bool attributes_open;          /* a lone *, or no {} at all in == deliver means none */
    bool skip;                     /* do send */
    bool ok;                       /* do sent */
    bool processed;                /* do preset */
    const char *outcome;           /* == result: a word, or NULL for * */
    const char *state;             /* == state */
    struct sx_field code;          /* == result CODE, == state cause=, do close/dispose */
    const struct sx_expr *next, *acked, *min; /* do preset; NULL: not given */
    const struct sx_expr *idle_timeout_ms;    /* do open */
    const struct sx_expr *left, *right;       /* check, check size (right), let (right) */
    enum sx_compare compare;
    const char *const *labels;     /* check data */
    size_t label_count;
    const char *name;              /* let */
};

/* ---- scripts ---- */

struct sx_setting {
    const char *name;
    const struct sx_expr *value; /* integers; SX_VAR of a text parameter: words; NULL: `word` */
    const char *word;            /* auto, manual, datagram, stream, true, false */
    int line;
};
struct sx_param_value {
    bool text;
    int64_t number;
    struct sipc_span bytes; /* text or word */
};
struct sx_param {
    const char *name;
    const struct sx_param_value *values;
    size_t count;
};
enum sx_role { SX_ROLE_RECEIVER, SX_ROLE_SENDER, SX_ROLE_ENDPOINT };

struct sx_script {
    const char *path;  /* as given to the parser */
    const char *id;
    const char *story; /* the comment before the header, newlines kept; "" if none */
    enum sx_role role;
    const enum sipc_rule *rules;
    size_t rule_count;
    const char *const *needs; /* written ones and those that steps and settings imply, sorted */
    size_t need_count;
    const char *const *tags; /* words to select cases by, as written */
    size_t tag_count;
    bool needs_control; /* has do, == or set lines: a bare live peer cannot be tested with it */
    const struct sx_setting *settings;
    size_t setting_count;
    const struct sx_param *params;
    size_t param_count;
    const struct sx_condition *wheres; /* what holds in every case */
    size_t where_count;
    int cover;                   /* any so many parameters meet in all their values; 0: all do */
    const uint16_t *rows;        /* param_count indices of values a case; NULL: all combinations */
    const int *allow; /* opcodes */
    size_t allow_count;
    struct sx_block setup, test;
    struct sx_world *world;      /* a scenario (conform/world.h), without role and steps; or NULL */
    size_t case_count;           /* at least 1 */
    const char *const *lines;    /* source lines, for messages */
    size_t line_count;
    void *memory;                /* private */
};

/* Parses `text`. Errors go to `errors` (may be NULL) in the form of SX.md; their number is
 * returned in *error_count (may be NULL). NULL on any error. */
struct sx_script *sx_parse(const char *path, const char *text, size_t size, FILE *errors,
                           size_t *error_count);
/* Reads and parses a file; also tells why a file cannot be read. */
struct sx_script *sx_parse_file(const char *path, FILE *errors, size_t *error_count);
void sx_script_free(struct sx_script *script);

/* Prints the script in canonical form: parsing that gives a script that prints the same. */
void sx_print(const struct sx_script *script, FILE *out);
/* Prints one step as one line without indentation or newline ("-> data 0:0 {skip}"); of a block its
 * first line. */
void sx_print_step(const struct sx_step *step, FILE *out);

/* ---- evaluation ---- */

/* What names stand for while a script runs. Each returns false where it does not know the name;
 * one that is NULL knows none. Parameters, settings, $i and $length are the runner's to give,
 * like bound variables; what is returned must live until the call that asked returns. */
struct sx_env {
    void *ctx;
    bool (*number)(void *ctx, const char *name, int64_t *out);
    bool (*text)(void *ctx, const char *name, struct sipc_span *out); /* text and word parameters */
    bool (*pdu)(void *ctx, const char *label, struct sipc_span *out); /* bytes of #label */
};

/* The value of `expr` in int64 arithmetic; / and % truncate toward zero, as in C. false: `error`
 * (never NULL, `error_size` > 0) says why in one sentence without a stop: overflow, division by
 * zero, an unbound variable, an unknown label. */
bool sx_eval(const struct sx_expr *expr, const struct sx_env *env, int64_t *out, char *error,
             size_t error_size);

/* Whether `left` compares so with `right`; whether `condition` holds. The latter fails like
 * sx_eval. */
bool sx_compares(enum sx_compare compare, int64_t left, int64_t right);
bool sx_holds(const struct sx_condition *condition, const struct sx_env *env, bool *out,
              char *error, size_t error_size);

/* The length of `data`, and its bytes: *out is malloc'ed and the caller's, not NULL even if
 * empty. SX_DATA_NONE is empty; SX_DATA_ANY, a negative size and more than SX_DATA_BYTES_MAX are
 * errors. */
bool sx_data_size(const struct sx_data *data, const struct sx_env *env, size_t *size, char *error,
                  size_t error_size);
bool sx_data_materialise(const struct sx_data *data, const struct sx_env *env, uint8_t **out,
                         size_t *size, char *error, size_t error_size);

/* `time` in nanoseconds, each unit being `unit_ns[unit]` long. false: less than 0 or out of
 * range. */
bool sx_time_eval(const struct sx_time *time, const uint64_t unit_ns[SX_TIME_UNIT_COUNT],
                  uint64_t *out_ns, char *error, size_t error_size);

/* The bytes of a PDU to send, malloc'ed; not of a #label. `session_id` is what its session= stands
 * for, not looked at where the PDU says it outright or is raw. In tampering $length is known. */
bool sx_build_pdu(const struct sx_pdu *pdu, const struct sx_env *env, const uint8_t *session_id,
                  uint8_t **out, size_t *size, char *error, size_t error_size);
/* Name and value (malloc'ed) of an option as it travels. */
bool sx_build_option(const struct sx_option *option, const struct sx_env *env,
                     struct sipc_span *name, uint8_t **value, size_t *size, char *error,
                     size_t error_size);

/* ---- names and cases ---- */

/* Writes the full name of case `index` ("id[a=1,b=x]") into `out`, cut to `size`. */
void sx_case_name(const struct sx_script *script, size_t index, char *out, size_t size);
/* Value of parameter `param` (index into params) in case `index`. */
const struct sx_param_value *sx_case_value(const struct sx_script *script, size_t index,
                                           size_t param);

#endif
