/* The runner's own header: the state of one case while it runs, and what its parts offer each
 * other.
 *
 * One direction of knowledge: text, print < record < env < settings < witness < inbox, link < clock
 * < {build, options, match} < describe < {step, block, command, event, check} < {prepare, run}. A
 * part that ends the case returns false and has put the verdict into the record; all above it just
 * return.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_RUNNER_H
#define CONFORM_RUNNER_H

#include "conform/judge.h"
#include "conform/run.h"

enum run_limit {
    RUN_ATTEMPTS_MAX = 3,          /* wall clock: times a case is tried on a busy machine */
    RUN_STEPS_MAX = 100000,        /* steps and rounds of repeats, altogether (SX.md) */
    RUN_DEPTH_MAX = 64,            /* blocks in blocks */
    RUN_TRACE_MAX = 10000,         /* entries kept; then the older half goes */
    RUN_TRACE_BYTES_MAX = 1 << 26, /* of their PDUs */
    RUN_FLOOD_MAX = 20000,         /* outputs of the SUT during one step of the script */
    RUN_STUCK_MAX = 1000,          /* waits in a row in which neither time nor output came */
    RUN_TEXT_BYTES_MAX = 48,       /* bytes of data shown in a text */
    RUN_ACK_TIMEOUT_MS = 1000,     /* the protocol's default */
};

/* ---- text.c: malloc'ed texts; memory that runs out aborts ---- */

char *run_printf(const char *format, ...) SIPC_PRINTF(1, 2);
char *run_strdup(const char *text);
/* Room for one more element of `size` bytes in an array of `count` with room for *capacity. */
void *run_grow(void *array, size_t count, size_t *capacity, size_t size);
/* A FILE that writes into memory; run_text_end gives the text. */
struct run_text {
    FILE *out;
    char *text;
    size_t size;
};
FILE *run_text_begin(struct run_text *text);
char *run_text_end(struct run_text *text);

/* "hello\n" as in .sx, cut after RUN_TEXT_BYTES_MAX bytes. */
void run_print_quoted(struct sipc_span bytes, FILE *out);
char *run_quoted(struct sipc_span bytes);
/* 12 bytes "hello"; "empty" for none. */
char *run_data_text(struct sipc_span bytes);
/* {is_window_full max_window_size=16}; {} for none. */
void run_print_options(struct sipc_span options, FILE *out);
char *run_step_text(const struct sx_step *step);
/* "0.5T", "1*open_timeout+0.5T". */
char *run_time_text(const struct sx_time *time);
/* "1000 ms", "0.25 ms" */
char *run_ms_text(uint64_t ns);
const char *run_opcode_text(int opcode, char *buffer, size_t size);

/* ---- record.c ---- */

struct run_diffs {
    struct conform_diff *items;
    size_t count, capacity;
};
/* Takes the three texts. */
void run_diff_add(struct run_diffs *diffs, char *field, char *expected, char *actual);
void run_diffs_clear(struct run_diffs *diffs);
/* Adds a difference if the bytes are not the same, and says where. */
void run_diff_bytes(struct run_diffs *diffs, const char *field, struct sipc_span expected,
                    struct sipc_span actual);

struct runner;

/* Appends to the trace; takes `text`. Returns the entry's number, for run_trace_match. */
size_t run_trace_add(struct runner *r, uint64_t at_ns, char direction, const char *peer, char *text,
                     struct sipc_span bytes);
void run_trace_match(struct runner *r, size_t number);

/* Ends the case with `verdict`, which is no mismatch of a line. Returns false. */
bool run_stop(struct runner *r, enum conform_verdict verdict, const char *format, ...)
    SIPC_PRINTF(3, 4);
/* The SUT answered with something else than OK. Returns false. */
bool run_stop_status(struct runner *r, enum conform_sut_status status);

/* What broke a line; texts and diffs are taken over by run_mismatch. */
struct run_mismatch {
    const struct sx_step *step; /* NULL: before the first */
    enum sipc_rule
        rule; /* blamed whatever the line says; NONE: the line's, else the script's first */
    char *reason;
    char *actual; /* or NULL */
    struct run_diffs diffs;
    bool timing; /* a matter of time: with a wall clock, try again */
    bool sure;   /* the SUT's own doing, whatever a link did */
};
/* Judges it by the level of the rule. Returns whether the case goes on: an advisory check, or a
 * link that excuses the line. */
bool run_mismatch(struct runner *r, struct run_mismatch *mismatch);
/* An advisory rule was broken, seen in passing: the case goes on. */
void run_advise(struct runner *r, const struct sx_step *step, enum sipc_rule rule,
                const char *reason);
/* The judge saw `rule` broken: a verdict, where no line has a worse one. Takes no text. */
void run_testify(struct runner *r, enum sipc_rule rule, const char *reason);
/* The line held: it counts among the expectations. Returns true. */
bool run_decided(struct runner *r);

/* ---- env.c: what names stand for ---- */

struct run_variable {
    const char *name;
    int64_t value;
};
struct run_label {
    const char *name;
    struct sipc_span pdu;
    uint8_t *bytes;   /* the pdu's, owned by the environment */
    const char *peer; /* of the script */
    bool from_sut;
    uint64_t token; /* from_sut */
};
struct run_session {
    const char *name;
    uint8_t id[SIPC_SESSION_ID_SIZE];
};
/* An application's operation; a label used again in a repeat gets a new name on the wire. */
struct run_operation {
    const char *label;
    char *wire;
    unsigned uses;
};
/* Settings with integer values that a script sees as variables. */
enum run_setting {
    RUN_SETTING_ACK_TIMEOUT,
    RUN_SETTING_MAX_RETRY_COUNT,
    RUN_SETTING_OPEN_TIMEOUT,
    RUN_SETTING_IDLE_TIMEOUT,
    RUN_SETTING_ENQUIRE_LINK_INTERVAL,
    RUN_SETTING_LINGER,
    RUN_SETTING_MTU,
    RUN_SETTING_OTHERS, /* those that only the script looks at */
    RUN_SETTING_COUNT = 18
};

struct run_env {
    const struct sx_script *script;
    size_t index;
    const char *case_name;
    const struct conform_run_options *options;
    unsigned attempt;
    struct run_variable *variables;
    size_t variable_count, variable_capacity;
    struct run_label *labels;
    size_t label_count, label_capacity;
    struct run_session *sessions;
    size_t session_count, session_capacity;
    struct run_operation *operations;
    size_t operation_count, operation_capacity;
    int64_t settings[RUN_SETTING_COUNT];
    struct sx_env sx;
    bool unbound; /* a name was asked for that stands for nothing */
};

void run_env_init(struct run_env *env, const struct sx_script *script, size_t index,
                  const char *case_name, const struct conform_run_options *options,
                  unsigned attempt);
void run_env_fini(struct run_env *env);
bool run_env_number(struct run_env *env, const char *name, int64_t *out);
bool run_env_text(struct run_env *env, const char *name, struct sipc_span *out);
/* Binds or changes a variable. Binding appends: cutting variable_count undoes it. */
void run_env_set(struct run_env *env, const char *name, int64_t value);
const struct run_label *run_env_label(struct run_env *env, const char *name);
/* Copies the bytes; `label` replaces one of the same name. */
void run_env_set_label(struct run_env *env, const struct run_label *label);
/* The id of the session with this name (NULL: S), made at first use. */
const uint8_t *run_env_session(struct run_env *env, const char *name);
/* "S", or the first bytes in hex of an id the case does not know. */
char *run_env_session_text(const struct run_env *env, const uint8_t *id);
/* The name on the wire of an operation: a new one, or the last one given (NULL: none). */
const char *run_env_begin_operation(struct run_env *env, const char *label);
const char *run_env_operation(const struct run_env *env, const char *label);

/* ---- settings.c ---- */

/* What `configure` is to say; `words` are owned copies. */
struct run_settings {
    struct conform_setting *items;
    size_t count, capacity;
    char **words;
    size_t word_count, word_capacity;
    bool stream;
};
/* The n-th setting's name, n < RUN_SETTING_COUNT. */
const char *run_settings_name(int n);
bool run_settings_number(const struct run_env *env, const char *name, int64_t *out);
/* Evaluates the script's settings over the defaults, into env.settings. */
bool run_settings_eval(struct runner *r, struct run_settings *settings);
/* The ack timeout turned out to be another: derived values again. */
void run_settings_set_ack_timeout(struct runner *r, int64_t ms);
bool run_settings_has(const struct sx_script *script, const char *name);
/* Those that are not the protocol's, as the record has them; NULL if none. */
char *run_settings_small_world(const struct run_env *env);
/* Appends what `settings.stream` says to what the SUT is told. */
void run_settings_add_network(struct run_settings *settings);
void run_settings_clear(struct run_settings *settings);

/* ---- the case ---- */

/* A PDU, delivery, result, state or end of a connection the SUT put out. */
struct run_item {
    struct conform_out out;
    enum sipc_discard decode; /* tx: how the PDU decoded */
    struct sipc_pdu pdu;      /* tx: views out.bytes */
    size_t trace;
    bool taken;
};
struct run_queue {
    struct run_item *items;
    size_t count, capacity;
    size_t head; /* all before it are taken */
};

struct run_clock {
    bool is_virtual;
    uint64_t tick_ns;
    unsigned scale_percent;
    unsigned doublings; /* of T, with a wall clock: one for each attempt on a busy machine */
    uint64_t unit_ns[SX_TIME_UNIT_COUNT];
};

struct runner {
    struct conform_sut *sut;
    const struct sx_script *script;
    const struct conform_run_options *options;
    struct conform_record *record;
    struct conform_error *error;
    size_t trace_capacity, trace_bytes;
    enum conform_sut_status status; /* of the last call */
    bool control;
    bool prepared; /* reset, and not yet at its end */
    bool in_setup;
    bool timing; /* the verdict is a matter of time */
    const struct sx_step *step;
    struct run_env env;
    struct run_clock clock;
    struct judge_config judge_config;
    struct judge *judge;     /* NULL: none looks on */
    struct run_queue queue;  /* what must be taken */
    struct run_queue states; /* what may be */
    const char **peers;      /* names the SUT was told */
    size_t peer_count, peer_capacity;
    uint64_t anchor_ns;    /* of the PDU sent or matched, or the command given, last */
    uint64_t call_max_ns;  /* the longest the SUT took to answer */
    size_t pdus_seen;      /* from the SUT */
    size_t events_skipped; /* == lines nobody could see */
    size_t steps;          /* executed */
    size_t flood;          /* outputs since the step began */
    unsigned stuck;        /* waits in a row without time or output */
    unsigned depth;
    struct run_link *link; /* NULL: none, what is sent is there */
    bool touched;          /* it did something: lines bind no more */
    bool unplayable;       /* the step lacks what never came: on with the next */
};

/* ---- witness.c: the judge beside the case ---- */

/* Before the SUT is set up: what it will be; then what it refused; then a fresh judge. */
void run_witness_configure(struct runner *r, const struct run_settings *settings);
void run_witness_refused(struct runner *r, const char *setting);
void run_witness_begin(struct runner *r);
void run_witness_rx(struct runner *r, const char *peer, struct sipc_span pdu);
void run_witness_command(struct runner *r, const struct conform_request *request);
void run_witness_out(struct runner *r, const struct conform_out *out);
void run_witness_time(struct runner *r);
/* Its findings go to the record, and may make its verdict worse. */
void run_witness_end(struct runner *r);

/* ---- inbox.c ---- */

void run_queue_clear(struct run_queue *queue);
/* Sends a request; its outputs go to the queues. The response is the caller's to clear, in every
 * case. false: the case is over. */
bool run_call(struct runner *r, const struct conform_request *request,
              struct conform_response *response);
/* Lets time pass until something comes or `until_ns`. */
bool run_pump(struct runner *r, uint64_t until_ns);
/* A datagram is there: at the SUT; at a peer of the script, `trace` is its entry, SIZE_MAX none. */
bool run_give(struct runner *r, const char *peer, struct sipc_span pdu);
void run_arrive(struct runner *r, struct conform_out *out, size_t trace);
void run_know_peer(struct runner *r, const char *peer);

/* The first item not taken: of any kind but the end of a connection, which no rule forbids; a PDU
 * to `peer`; the end of a connection. NULL if none. */
struct run_item *run_next(struct runner *r);
struct run_item *run_next_pdu(struct runner *r, const char *peer);
/* The same, `skip` of them left for other lines. */
struct run_item *run_nth_pdu(struct runner *r, const char *peer, size_t skip);
struct run_item *run_next_eof(struct runner *r, const char *peer);
/* The line took it: its bytes are gone after this. */
void run_take(struct runner *r, struct run_item *item);
/* One line for people. */
char *run_out_text(const struct run_env *env, const struct conform_out *out);

/* ---- link.c: what the simulator's links do to datagrams ---- */

/* The record says which link the case is to be run over, if any. */
void run_link_name(struct runner *r);
/* Before the first line, where the options have a link. */
void run_link_begin(struct runner *r);
void run_link_end(struct runner *r);
/* A datagram enters the link; without one it is there at once. */
bool run_send(struct runner *r, const char *peer, struct sipc_span pdu);
/* What the SUT put out enters; takes what `out` owns. false: there is no link. */
bool run_link_take(struct runner *r, struct conform_out *out, size_t trace);
/* What is there by now is given to whom it is for. */
bool run_link_settle(struct runner *r);
/* When the next of them moves; SIPC_NEVER: none is on its way. */
uint64_t run_link_next(struct runner *r);

/* ---- clock.c ---- */

/* Until when to wait for what may come until `wait_ns`: longer while something is on its way. */
uint64_t run_patience(struct runner *r, uint64_t wait_ns);

/* The units of time, from the settings in force. */
void run_clock_init(struct runner *r);
/* A time of the script in ns; false: verdict error. */
bool run_time(struct runner *r, const struct sx_time *time, uint64_t *ns);

/* When an expectation must be met. */
struct run_window {
    uint64_t base_ns; /* what the times below are counted from, for messages */
    uint64_t from_ns, to_ns;
    uint64_t wait_ns; /* until when to wait before saying that nothing came */
    bool has_from;
    bool lenient; /* neither within nor after: that it comes is what matters */
};
bool run_window_init(struct runner *r, const struct sx_step *step, struct run_window *window);
/* Adds a difference if `at_ns` is outside. */
void run_window_judge(const struct runner *r, const struct run_window *window, uint64_t at_ns,
                      struct run_diffs *diffs);

/* Wall clock: whether what came then may come of a SUT that got no processor in time, and retried,
 * say, before it saw the ack: more than T/4 after the last PDU or command. */
bool run_came_late(const struct runner *r, uint64_t at_ns);

/* ---- build.c ---- */

/* The bytes of a PDU to send, malloc'ed; false: verdict error. */
bool run_build_pdu(struct runner *r, const struct sx_pdu *pdu, uint8_t **out, size_t *size);
/* Name and value of an option as they go on the wire; `value` malloc'ed. */
bool run_build_option(struct runner *r, const struct sx_option *option, struct sipc_span *name,
                      uint8_t **value, size_t *size);
/* The peer a PDU of the script goes to or comes from. */
const char *run_pdu_peer(struct runner *r, const struct sx_pdu *pdu);

/* ---- options.c, match.c ---- */

enum run_fit { RUN_FITS, RUN_DIFFERS, RUN_ERROR };

struct run_match {
    struct runner *r;
    struct run_diffs diffs;
    enum sipc_rule rule; /* of a PDU that does not decode */
    bool timing;         /* only its time is wrong */
    bool framing;        /* a delivery had framing options nobody asked for (RCV-8a) */
    bool error;
    char error_text[256];
    size_t variable_mark;
};
/* What an option list is compared with. */
struct run_value {
    uint32_t id;
    struct sipc_span name, value;
};
struct run_values {
    struct run_value *items;
    size_t count, capacity;
    bool close;    /* of a close PDU: an abort code absent or 0 means 1 (ERR-1) */
    bool delivery; /* attributes of a delivery, not options of a PDU */
};

void run_match_begin(struct run_match *match, struct runner *r);
/* RUN_FITS keeps what was bound, anything else undoes it. Diffs stay until run_match_clear. */
enum run_fit run_match_end(struct run_match *match);
void run_match_clear(struct run_match *match);
bool run_match_eval(struct run_match *match, const struct sx_expr *expr, int64_t *out);
/* Whether they are equal; the second binds what is not bound. An error counts as unequal. */
bool run_match_bytes(struct run_match *match, const struct sx_data *pattern,
                     struct sipc_span actual);
bool run_match_value(struct run_match *match, const struct sx_field *pattern, int64_t actual);
void run_match_print_data(struct run_match *match, const struct sx_data *pattern, FILE *out);
/* Compares, binds, and adds a difference of `field`. */
void run_match_number(struct run_match *match, const char *field, const struct sx_field *pattern,
                      int64_t actual);
void run_match_data(struct run_match *match, const struct sx_data *pattern,
                    struct sipc_span actual);
void run_values_add(struct run_values *values, struct sipc_span name, struct sipc_span value);
void run_match_options(struct run_match *match, const struct sx_option *options, size_t count,
                       bool open, const struct run_values *values);
/* The rule a SUT broke by sending what does not decode; NONE if it decodes. */
enum sipc_rule run_malformed_rule(const struct run_item *item);
void run_match_pdu(struct run_match *match, const struct sx_pdu *pattern,
                   const struct run_item *item);

/* ---- describe.c, step.c, block.c, command.c, event.c, check.c ---- */

bool run_step(struct runner *r, const struct sx_step *step);
bool run_block(struct runner *r, const struct sx_block *block);
/* Takes a PDU that fits a line: label, anchor, count. */
bool run_accept_pdu(struct runner *r, const struct sx_step *step, struct run_item *item);
bool run_fail_nothing(struct runner *r, const struct sx_step *step);
/* Takes the match's differences. */
bool run_fail_differs(struct runner *r, const struct sx_step *step, struct run_match *match,
                      const struct conform_out *out);
/* Something came where nothing may; `when` says how. */
bool run_fail_unexpected(struct runner *r, const struct sx_step *step, const struct run_item *item,
                         const char *when);
bool run_is_event(const struct sx_step *step);
/* One step, or round of a repeat, more; false: too many. */
bool run_count_step(struct runner *r);

bool run_any(struct runner *r, const struct sx_step *step);
bool run_one_of(struct runner *r, const struct sx_step *step);
bool run_repeat(struct runner *r, const struct sx_step *step);
bool run_when(struct runner *r, const struct sx_step *step);
bool run_command(struct runner *r, const struct sx_step *step);
bool run_event(struct runner *r, const struct sx_step *step);
/* Compares the event a == line would take now with it; NULL: none has come. */
struct run_item *run_event_match(struct run_match *match, const struct sx_step *step,
                                 const struct run_window *window);
bool run_check(struct runner *r, const struct sx_step *step);
bool run_check_data(struct runner *r, const struct sx_step *step);
bool run_check_size(struct runner *r, const struct sx_step *step);

/* ---- prepare.c ---- */

/* Needs, settings, reset. false: the case is over. */
bool run_prepare(struct runner *r);

#endif
