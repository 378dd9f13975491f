/* The scenarios of the .sx language (script/SX.md, Worlds): the lines behind `world`, and tapes of
 * faults, as a tree of statements, clauses and values. What may be written is one table, by which
 * parser and printer go: a statement is a word, its head, and clauses; a clause is a word and
 * fields. What it all means is not known here.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_WORLD_H
#define CONFORM_WORLD_H

#include "conform/script.h"

enum sx_world_limit {
    SX_FIELDS_MAX = 8,
    SX_SESSION_PLACES_MAX = 1000000,
    SX_TAPE_VERSION = 1,
};

/* ---- what a field may hold: a set of these ---- */

enum sx_value_kind {
    SX_V_COUNT = 1 << 0,   /* a number without unit */
    SX_V_TIME = 1 << 1,    /* ns; ns us ms s min h */
    SX_V_RATE = 1 << 2,    /* bit/s; bit/s kbit/s Mbit/s Gbit/s */
    SX_V_BYTES = 1 << 3,   /* B KB MB GB (thousands) KiB MiB GiB */
    SX_V_PACKETS = 1 << 4, /* packets */
    SX_V_BDP = 1 << 5,     /* thousandths; bdp */
    SX_V_SHARE = 1 << 6,   /* ppm; % ppm */
    SX_V_NUMBERS = SX_V_COUNT | SX_V_TIME | SX_V_RATE | SX_V_BYTES | SX_V_PACKETS | SX_V_BDP |
                   SX_V_SHARE,
    SX_V_WHOLE = 1 << 7,   /* any 64 bits, decimal */
    SX_V_HEX = 1 << 8,     /* any 64 bits, 0x... */
    SX_V_LIST = 1 << 9,    /* one or more numbers */
    SX_V_WORD = 1 << 10,   /* number: its index in `words` */
    SX_V_FLAG = 1 << 11,   /* the field's own word, nothing more */
    SX_V_COMPARE = 1 << 12, /* number: enum sx_compare */
    SX_V_RULE = 1 << 13,   /* number: enum sipc_rule */
    SX_V_ID = 1 << 14,     /* name: letters, digits, - and _ */
    SX_V_TEXT = 1 << 15,   /* bytes: "..." */
    SX_V_DATA = 1 << 16,   /* data */
    SX_V_OPTIONS = 1 << 17, /* {...} */
    SX_V_PDU = 1 << 18,    /* the rest of the line, as behind -> */
    SX_V_KEY = 1 << 19,    /* OPCODE WINDOW_ID:SEQ_NR or raw */
    SX_V_PATTERN = 1 << 20, /* the same, * for any part, or for all */
    SX_V_HOST = 1 << 21,   /* number: index, in order of the lines; so in the two that follow */
    SX_V_LINK = 1 << 22,
    SX_V_SESSION = 1 << 23, /* NAME or NAME[PLACE] */
    SX_V_PAIR = 1 << 24,   /* a>b: number and other: indices of hosts */
    SX_V_NEW_HOST = 1 << 25, /* name */
    SX_V_NEW_LINK = 1 << 26, /* name; or a>b, a<>b */
    SX_V_NEW_SESSION = 1 << 27,
    SX_V_ANSWER = 1 << 28, /* as SX_V_PDU, * for the ids of what is answered: SX_FIELD_ANY */
};

/* A unit of a number. */
struct sx_unit {
    const char *word;
    enum sx_value_kind kind;
    int64_t scale;
};

struct sx_field_row {
    const char *word; /* in front of it; NULL: nothing, it goes by its place */
    unsigned kinds;   /* set of enum sx_value_kind; 0: no more fields */
    bool optional;
    int64_t min, max; /* of numbers, in base units; both 0: 0..INT64_MAX */
    const char *const *words; /* SX_V_WORD; ends with NULL */
};
struct sx_clause_row {
    const char *word; /* NULL: no more clauses */
    int key;          /* enum sx_key */
    bool many;
    struct sx_field_row fields[SX_FIELDS_MAX]; /* ends with one of no kinds */
};
enum sx_statement_place { SX_IN_WORLD = 1, SX_IN_TAPE = 2 };
struct sx_statement_row {
    const char *word; /* NULL: no more statements */
    int kind;         /* enum sx_statement_kind */
    unsigned places;
    bool many;                    /* may be given more than once */
    bool one;                     /* exactly one clause */
    struct sx_clause_row head;    /* its fields stand behind the word */
    const struct sx_clause_row *clauses; /* NULL: none */
};
extern const struct sx_statement_row sx_statement_rows[];
extern const struct sx_unit sx_units[]; /* ends with word NULL */

enum sx_statement_kind {
    SX_S_SEED, SX_S_TIES, SX_S_HEAL, SX_S_UNTIL, SX_S_BUDGET, SX_S_CHANCE, SX_S_DELIVERIES,
    SX_S_HOST, SX_S_LINK, SX_S_ROUTE, SX_S_SESSION, SX_S_TRAFFIC, SX_S_ON, SX_S_AT, SX_S_FAULT,
    SX_S_EXPECT, SX_S_TAPE, SX_S_CASE, SX_S_HASH, SX_S_END,
};
/* Of clauses. Those of one statement stand together. */
enum sx_key {
    SX_K_HEAD,
    /* budget */
    SX_K_EVENTS, SX_K_TIME_MAX, SX_K_MOMENT,
    /* host */
    SX_K_SUT, SX_K_SCRIPTED, SX_K_CLOCK, SX_K_CLOCK_AT, SX_K_HOST_MTU, SX_K_MAX_WINDOW_SIZE,
    SX_K_ACK_TIMEOUT, SX_K_MAX_RETRY_COUNT, SX_K_OPEN_TIMEOUT, SX_K_IDLE_TIMEOUT,
    SX_K_MIN_REMOTE_IDLE_TIMEOUT, SX_K_MAX_REMOTE_IDLE_TIMEOUT, SX_K_ENQUIRE_LINK_INTERVAL,
    SX_K_LINGER, SX_K_ATTRIBUTE_LIMIT, SX_K_MAX_SESSIONS, SX_K_UNRELIABLE_QUEUE, SX_K_ACCEPT,
    SX_K_REQUIRE_FIRST, SX_K_WINDOW_ID_STEP, SX_K_WINDOW_ID_MAX, SX_K_GROUP_BYTES_MAX,
    /* link */
    SX_K_RATE, SX_K_OVERHEAD, SX_K_MTU, SX_K_OPPORTUNITIES, SX_K_TELL_MTU, SX_K_TELL_QUEUE,
    SX_K_TELL_DOWN, SX_K_QUEUE, SX_K_RED, SX_K_CODEL, SX_K_LOST_AT_SENDER, SX_K_LOSS, SX_K_BURSTS,
    SX_K_LOSE_EVERY, SX_K_LOSE_MASK, SX_K_LOSE_NTH, SX_K_LOSE_PDU, SX_K_LOSE_TRACE, SX_K_DUPLICATE,
    SX_K_COPIES_TRACE, SX_K_FLIP, SX_K_TRUNCATE, SX_K_EXTEND, SX_K_CHECKSUM, SX_K_DELAY,
    SX_K_JITTER, SX_K_DELAY_TRACE, SX_K_REORDERS, SX_K_SWAP, SX_K_JUMP,
    /* traffic */
    SX_K_COUNT, SX_K_SIZE, SX_K_START, SX_K_STAGGER, SX_K_OPENS, SX_K_UNRELIABLE, SX_K_SKIP,
    SX_K_GAP, SX_K_AGAIN, SX_K_CLOSE,
    /* on */
    SX_K_ANSWER,
    /* at */
    SX_K_DO_OPEN, SX_K_DO_SEND, SX_K_DO_SEND_UNRELIABLE, SX_K_DO_CLOSE, SX_K_DO_DISPOSE,
    SX_K_DO_SHUTDOWN, SX_K_DO_PDU, SX_K_DOWN, SX_K_UP, SX_K_CLOG, SX_K_UNCLOG, SX_K_TO_RATE,
    SX_K_TO_DELAY, SX_K_FAULTS, SX_K_CRASH, SX_K_RESTART, SX_K_PAUSE, SX_K_RESUME, SX_K_CLOCK_STEP,
    SX_K_CLOCK_DRIFT, SX_K_ADDRESS,
    /* fault */
    SX_K_LOST, SX_K_RED_DROP, SX_K_COPIES, SX_K_FLIPPED, SX_K_TRUNCATED, SX_K_EXTENDED,
    SX_K_DELAYED, SX_K_SWAPPED, SX_K_JUMPED,
    /* expect */
    SX_K_X_END, SX_K_X_FAILS, SX_K_X_BEGUN, SX_K_X_REFUSED, SX_K_X_PENDING, SX_K_X_CRASHED,
    SX_K_X_ENDED, SX_K_X_GROUPS, SX_K_X_BYTES, SX_K_X_GOODPUT, SX_K_X_ENTERED, SX_K_X_DUPLICATED,
    SX_K_X_ARRIVED, SX_K_X_DROPPED, SX_K_X_QUEUE_PEAK, SX_K_X_SOJOURN, SX_K_X_ARRIVED_BYTES,
    SX_K_X_BUSY, SX_K_X_STATE, SX_K_X_TIME, SX_K_X_EVENTS, SX_K_X_UNUSED,
};

/* ---- the tree ---- */

struct sx_key_value { /* SX_V_KEY, SX_V_PATTERN; -1: any */
    int opcode;       /* 0: raw */
    int64_t window_id, seq_nr;
};
struct sx_value {
    bool given;
    enum sx_value_kind kind;
    int64_t number;             /* in base units; see the kinds */
    const struct sx_expr *expr; /* written in parentheses, or a plain expression with names: the
                                   number is its value times the unit's scale; NULL: `number` */
    const struct sx_unit *unit; /* of expr; NULL: none */
    const char *name;           /* as written: hosts, links (a>b too), sessions, ids */
    int64_t other;              /* PAIR, NEW_LINK: the second host; -1: none */
    bool both;                  /* NEW_LINK: a<>b */
    const struct sx_expr *place; /* SESSION; NULL: all */
    struct sx_key_value key;
    struct sipc_span bytes;
    const uint64_t *list;
    size_t list_count;
    const struct sx_data *data;
    const struct sx_pdu *pdu;
    const struct sx_option *options;
    size_t option_count;
};
struct sx_clause {
    const struct sx_clause_row *row;
    struct sx_value *values; /* by field of the row */
};
struct sx_statement {
    const struct sx_statement_row *row;
    int line;
    const char *comment;  /* as of steps */
    struct sx_clause head;
    struct sx_clause *clauses;
    size_t clause_count;
};
struct sx_names {
    const char *const *at;
    size_t count;
};
struct sx_world {
    const struct sx_statement *statements;
    size_t count;
    struct sx_names hosts, links, sessions; /* `a<>b` gives two links, a>b first */
};

/* The value as a number of the field's range. false: `error` says why, in one sentence. */
bool sx_value_number(const struct sx_value *value, const struct sx_field_row *row,
                     const struct sx_env *env, int64_t *out, char *error, size_t error_size);

/* ---- made by programs ---- */

/* An empty script with a world; sx_script_free frees it and what was added. */
struct sx_script *sx_world_new(const char *id, const char *story, const enum sipc_rule *rules,
                               size_t rule_count);
/* Appends; what is returned is to be filled. A clause of `key`: of the statement's rows. */
struct sx_statement *sx_world_add(struct sx_script *script, enum sx_statement_kind kind);
struct sx_clause *sx_world_clause(struct sx_script *script, struct sx_statement *statement,
                                  enum sx_key key);
/* Memory of the script. */
void *sx_world_allocate(struct sx_script *script, size_t size);
/* Prints one statement as a line, without indentation or newline. */
void sx_print_statement(const struct sx_statement *statement, FILE *out);

/* Prints a number of SX_V_NUMBERS with the unit in which it is shortest; COUNT has none. */
void sx_print_quantity(enum sx_value_kind kind, int64_t number, FILE *out);

/* ---- tapes ---- */

/* Reads a tape line by line; `take` gets each statement (it lives until take returns), which may
 * speak of the hosts, links and sessions of `world`, and returns false to stop. Errors as those of
 * sx_parse: what is no tape, one of another version, and one that is cut. */
bool sx_parse_tape(const char *path, const char *text, size_t size, const struct sx_world *world,
                   bool (*take)(void *ctx, const struct sx_statement *statement), void *ctx,
                   FILE *errors);

#endif
