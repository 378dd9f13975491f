/* What may be written behind `world` and on a tape: one table of statements, their clauses and
 * fields, which parser and printer go by. A new setting is a row here.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

/* clang-format off */

const struct sx_unit sx_units[] = {
    {"ns", SX_V_TIME, 1}, {"us", SX_V_TIME, 1000}, {"ms", SX_V_TIME, 1000000},
    {"s", SX_V_TIME, 1000000000}, {"min", SX_V_TIME, INT64_C(60000000000)},
    {"h", SX_V_TIME, INT64_C(3600000000000)},
    {"bit/s", SX_V_RATE, 1}, {"kbit/s", SX_V_RATE, 1000}, {"Mbit/s", SX_V_RATE, 1000000},
    {"Gbit/s", SX_V_RATE, 1000000000},
    {"B", SX_V_BYTES, 1}, {"KB", SX_V_BYTES, 1000}, {"KiB", SX_V_BYTES, 1024},
    {"MB", SX_V_BYTES, 1000000}, {"MiB", SX_V_BYTES, 1 << 20}, {"GB", SX_V_BYTES, 1000000000},
    {"GiB", SX_V_BYTES, 1 << 30},
    {"packets", SX_V_PACKETS, 1}, {"bdp", SX_V_BDP, 1000},
    {"ppm", SX_V_SHARE, 1}, {"%", SX_V_SHARE, 10000},
    {NULL, SX_V_COUNT, 0},
};

static const char *const ties_words[] = {"fifo", "shuffled", NULL};
static const char *const off_words[] = {"off", NULL};
static const char *const on_off_words[] = {"off", "on", NULL};
static const char *const unchecked_words[] = {"unchecked", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};
static const char *const jitter_words[] = {"uniform", "exponential", "normal", "pareto", NULL};
static const char *const flight_words[] = {"lost", "kept", "held", NULL};
static const char *const command_words[] = {"send", "send_unreliable", "close", "open", "dispose",
                                            "shutdown", NULL};
static const char *const end_words[] = {"drained", "until", "event_budget", "time_budget", "moment",
                                        "failed", NULL};
static const char *const ended_words[] = {"ok", "timeout", "peer_error", "network_error",
                                          "not_sent", "closed", NULL};
static const char *const stage_words[] = {"enter", "mtu", "queue", "serialise", "loss", "duplicate",
                                          "corrupt", "propagate", "reorder", "up_down", "arrive",
                                          NULL};

enum { HOUR = 3600, DAY = 24 * HOUR };
#define SECONDS(n)  ((n) * INT64_C(1000000000))
#define U32_MAX     INT64_C(4294967295)
#define TIME        {NULL, SX_V_TIME, false, 0, 0, NULL}
#define SHARE       {NULL, SX_V_SHARE, false, 0, 1000000, NULL}
#define COUNT       {NULL, SX_V_COUNT, false, 0, 0, NULL}
#define COUNT_TO(n) {NULL, SX_V_COUNT, false, 0, n, NULL}
#define FLAG(w)     {w, SX_V_FLAG, true, 0, 0, NULL}
#define WORD(list)  {NULL, SX_V_WORD, false, 0, 0, list}
#define CODE(low)   {NULL, SX_V_COUNT, false, low, 2147483647, NULL}
#define NONE        {{NULL, 0, false, 0, 0, NULL}}

static const struct sx_clause_row budget_rows[] = {
    {"events", SX_K_EVENTS, false, {{NULL, SX_V_COUNT, false, 1, INT64_MAX, NULL}}},
    {"time", SX_K_TIME_MAX, false, {{NULL, SX_V_TIME, false, 1, INT64_MAX, NULL}}},
    {"moment", SX_K_MOMENT, false, {{NULL, SX_V_COUNT, false, 1, U32_MAX, NULL}}},
    {NULL, 0, false, NONE},
};

static const struct sx_clause_row host_rows[] = {
    {"sut", SX_K_SUT, false, {{NULL, SX_V_TEXT, false, 0, 0, NULL}}},
    {"scripted", SX_K_SCRIPTED, false, NONE},
    {"clock", SX_K_CLOCK, false, {{NULL, SX_V_SHARE, false, -500000, 500000, NULL}}},
    {"clock_at", SX_K_CLOCK_AT, false, {TIME}},
    {"mtu", SX_K_HOST_MTU, false, {{NULL, SX_V_BYTES, false, 0, U32_MAX, NULL}}},
    {"max_window_size", SX_K_MAX_WINDOW_SIZE, false, {COUNT_TO(U32_MAX)}},
    {"ack_timeout", SX_K_ACK_TIMEOUT, false, {TIME}},
    {"max_retry_count", SX_K_MAX_RETRY_COUNT, false, {COUNT_TO(U32_MAX)}},
    {"open_timeout", SX_K_OPEN_TIMEOUT, false, {TIME}},
    {"idle_timeout", SX_K_IDLE_TIMEOUT, false, {TIME}},
    {"min_remote_idle_timeout", SX_K_MIN_REMOTE_IDLE_TIMEOUT, false, {TIME}},
    {"max_remote_idle_timeout", SX_K_MAX_REMOTE_IDLE_TIMEOUT, false, {TIME}},
    {"enquire_link_interval", SX_K_ENQUIRE_LINK_INTERVAL, false, {TIME}},
    {"linger", SX_K_LINGER, false, {TIME}},
    {"attribute_limit", SX_K_ATTRIBUTE_LIMIT, false, {{NULL, SX_V_BYTES, false, 0, U32_MAX, NULL}}},
    {"max_sessions", SX_K_MAX_SESSIONS, false, {COUNT_TO(U32_MAX)}},
    {"unreliable_queue", SX_K_UNRELIABLE_QUEUE, false, {COUNT_TO(U32_MAX)}},
    {"accept", SX_K_ACCEPT, false, {WORD(yes_words)}},
    {"require_first_in_window_group", SX_K_REQUIRE_FIRST, false, {WORD(yes_words)}},
    {"window_id_step", SX_K_WINDOW_ID_STEP, false, {COUNT}},
    {"window_id_max", SX_K_WINDOW_ID_MAX, false, {COUNT}},
    {"group_bytes_max", SX_K_GROUP_BYTES_MAX, false, {{NULL, SX_V_BYTES, false, 0, U32_MAX, NULL}}},
    {NULL, 0, false, NONE},
};

#define TRACE {NULL, SX_V_TEXT, false, 0, 0, NULL}
#define EVERY {"every", SX_V_TIME, true, 1, INT64_MAX, NULL}
static const struct sx_clause_row link_rows[] = {
    {"rate", SX_K_RATE, false, {{NULL, SX_V_RATE, false, 0, INT64_C(1000000000000), NULL}}},
    {"overhead", SX_K_OVERHEAD, false, {{NULL, SX_V_BYTES, false, 0, 1024, NULL}}},
    {"mtu", SX_K_MTU, false, {{NULL, SX_V_BYTES, false, 0, U32_MAX, NULL}}},
    {"opportunities", SX_K_OPPORTUNITIES, false, {TRACE, FLAG("stop")}},
    {"tell_mtu", SX_K_TELL_MTU, false, NONE},
    {"tell_queue", SX_K_TELL_QUEUE, false, NONE},
    {"tell_down", SX_K_TELL_DOWN, false, NONE},
    {"queue", SX_K_QUEUE, false,
     {{NULL, SX_V_BYTES | SX_V_PACKETS | SX_V_TIME | SX_V_BDP, false, 1, INT64_MAX, NULL}}},
    {"red", SX_K_RED, false,
     {{NULL, SX_V_BYTES, false, 0, 0, NULL}, {"to", SX_V_BYTES, false, 0, 0, NULL},
      {"drop", SX_V_SHARE, false, 0, 1000000, NULL}, {"weight", SX_V_COUNT, false, 0, 255, NULL}}},
    {"codel", SX_K_CODEL, false, {TIME, {"interval", SX_V_TIME, false, 0, 0, NULL}}},
    {"lost_at_sender", SX_K_LOST_AT_SENDER, false, NONE},
    {"loss", SX_K_LOSS, true, {SHARE}},
    {"bursts", SX_K_BURSTS, true,
     {{"in", SX_V_SHARE, false, 0, 1000000, NULL}, {"out", SX_V_SHARE, false, 0, 1000000, NULL},
      {"lose", SX_V_SHARE, false, 0, 1000000, NULL}, {"calm", SX_V_SHARE, true, 0, 1000000, NULL}}},
    {"lose_every", SX_K_LOSE_EVERY, true,
     {COUNT, {"count", SX_V_COUNT, true, 0, 0, NULL}, {"first", SX_V_COUNT, true, 0, 0, NULL}}},
    {"lose_mask", SX_K_LOSE_MASK, true, {{NULL, SX_V_HEX, false, 0, 0, NULL}}},
    {"lose_nth", SX_K_LOSE_NTH, true, {{NULL, SX_V_LIST, false, 0, 0, NULL}}},
    {"lose_pdu", SX_K_LOSE_PDU, true,
     {{NULL, SX_V_PATTERN, false, 0, 0, NULL}, {"xmit", SX_V_COUNT, true, 1, U32_MAX, NULL}}},
    {"lose_trace", SX_K_LOSE_TRACE, true, {TRACE, EVERY, FLAG("stop")}},
    {"duplicate", SX_K_DUPLICATE, false,
     {SHARE, {"copies", SX_V_COUNT, true, 0, U32_MAX, NULL},
      {"after", SX_V_TIME, true, 0, 0, NULL}}},
    {"copies_trace", SX_K_COPIES_TRACE, false, {TRACE, EVERY, FLAG("stop")}},
    {"flip", SX_K_FLIP, false, {SHARE, {"bits", SX_V_COUNT, true, 0, U32_MAX, NULL}}},
    {"truncate", SX_K_TRUNCATE, false, {SHARE}},
    {"extend", SX_K_EXTEND, false, {SHARE, {"bytes", SX_V_BYTES, true, 0, U32_MAX, NULL}}},
    {"checksum", SX_K_CHECKSUM, false, NONE},
    {"delay", SX_K_DELAY, false, {TIME}},
    {"jitter", SX_K_JITTER, false, {WORD(jitter_words), TIME}},
    {"delay_trace", SX_K_DELAY_TRACE, false,
     {TRACE, {"unit", SX_V_TIME, false, 1, INT64_MAX, NULL}, EVERY, FLAG("stop"), FLAG("drawn")}},
    {"reorders", SX_K_REORDERS, false, NONE},
    {"swap", SX_K_SWAP, false, {SHARE, {"by", SX_V_COUNT, true, 0, U32_MAX, NULL}}},
    {"jump", SX_K_JUMP, false, {SHARE, {"by", SX_V_COUNT, true, 0, U32_MAX, NULL}}},
    {NULL, 0, false, NONE},
};

static const struct sx_clause_row traffic_rows[] = {
    {"count", SX_K_COUNT, false, {COUNT}},
    {"size", SX_K_SIZE, false,
     {{NULL, SX_V_BYTES, false, 0, 1 << 30, NULL}, {"to", SX_V_BYTES, true, 0, 1 << 30, NULL}}},
    {"start", SX_K_START, false, {TIME}},
    {"stagger", SX_K_STAGGER, false, {TIME}},
    {"opens", SX_K_OPENS, false, NONE},
    {"unreliable", SX_K_UNRELIABLE, false, NONE},
    {"skip", SX_K_SKIP, false, NONE},
    {"gap", SX_K_GAP, false, {TIME}},
    {"again", SX_K_AGAIN, false, {TIME}},
    {"close", SX_K_CLOSE, false, {{NULL, SX_V_COUNT, false, 1, 99, NULL}}},
    {NULL, 0, false, NONE},
};

static const struct sx_clause_row on_rows[] = {
    {"->", SX_K_ANSWER, false, {{NULL, SX_V_ANSWER, false, 0, 0, NULL}}},
    {NULL, 0, false, NONE},
};

#define SESSION {NULL, SX_V_SESSION, false, 0, 0, NULL}
#define MESSAGE                                                                                    \
    {SESSION, {NULL, SX_V_BYTES | SX_V_DATA, false, 0, 1 << 30, NULL}, FLAG("skip"),               \
     {NULL, SX_V_OPTIONS, true, 0, 0, NULL}}
static const struct sx_clause_row at_rows[] = {
    {"open", SX_K_DO_OPEN, false, {SESSION, {"idle_timeout", SX_V_TIME, true, 0, 0, NULL}}},
    {"send", SX_K_DO_SEND, false, MESSAGE},
    {"send_unreliable", SX_K_DO_SEND_UNRELIABLE, false, MESSAGE},
    {"close", SX_K_DO_CLOSE, false, {SESSION, {NULL, SX_V_COUNT, false, 1, 99, NULL}}},
    {"dispose", SX_K_DO_DISPOSE, false, {SESSION, CODE(-2147483647)}},
    {"shutdown", SX_K_DO_SHUTDOWN, false, {{"grace", SX_V_TIME, true, 0, 0, NULL}}},
    {"->", SX_K_DO_PDU, false,
     {{NULL, SX_V_HOST, false, 0, 0, NULL}, {NULL, SX_V_PDU, false, 0, 0, NULL}}},
    {"down", SX_K_DOWN, false, {{NULL, SX_V_WORD, true, 0, 0, flight_words}}},
    {"up", SX_K_UP, false, NONE},
    {"clog", SX_K_CLOG, false, NONE},
    {"unclog", SX_K_UNCLOG, false, NONE},
    {"rate", SX_K_TO_RATE, false, {{NULL, SX_V_RATE, false, 1, INT64_C(1000000000000), NULL}}},
    {"delay", SX_K_TO_DELAY, false, {TIME}},
    {"faults", SX_K_FAULTS, false, {WORD(on_off_words)}},
    {"crash", SX_K_CRASH, false, NONE},
    {"restart", SX_K_RESTART, false, NONE},
    {"pause", SX_K_PAUSE, false, NONE},
    {"resume", SX_K_RESUME, false, NONE},
    {"clock_step", SX_K_CLOCK_STEP, false,
     {{NULL, SX_V_TIME, false, -SECONDS(1000 * DAY), SECONDS(1000 * DAY), NULL}}},
    {"clock_drift", SX_K_CLOCK_DRIFT, false, {{NULL, SX_V_SHARE, false, -500000, 500000, NULL}}},
    {"address", SX_K_ADDRESS, false, NONE},
    {NULL, 0, false, NONE},
};

static const struct sx_clause_row fault_rows[] = {
    {"lost", SX_K_LOST, false, NONE},
    {"red_drop", SX_K_RED_DROP, false, NONE},
    {"copies", SX_K_COPIES, false, {{NULL, SX_V_COUNT, false, 1, 16, NULL}}},
    {"flip", SX_K_FLIPPED, false,
     {COUNT_TO(8 * SIPC_PDU_SIZE_MAX), {"bits", SX_V_COUNT, false, 1, 32, NULL}}},
    {"truncate", SX_K_TRUNCATED, false, {{NULL, SX_V_BYTES, false, 0, SIPC_PDU_SIZE_MAX, NULL}}},
    {"extend", SX_K_EXTENDED, false, {{NULL, SX_V_BYTES, false, 1, 1024, NULL}}},
    {"delay", SX_K_DELAYED, false, {{NULL, SX_V_TIME, false, 0, SECONDS(DAY), NULL}}},
    {"swap", SX_K_SWAPPED, false, {{NULL, SX_V_COUNT, false, 1, 1024, NULL}}},
    {"jump", SX_K_JUMPED, false, {{NULL, SX_V_COUNT, false, 1, 1024, NULL}}},
    {NULL, 0, false, NONE},
};

#define COMPARE      {NULL, SX_V_COMPARE, false, 0, 0, NULL}
#define VALUE(kind)  {NULL, kind, false, 0, 0, NULL}
#define OF           {"of", SX_V_WORD, true, 0, 0, command_words}
#define AT           {"at", SX_V_HOST, true, 0, 0, NULL}
#define IN           {"in", SX_V_SESSION, true, 0, 0, NULL}
#define ON           {"on", SX_V_LINK, true, 0, 0, NULL}
#define OPERATIONS   {COMPARE, VALUE(SX_V_COUNT), OF, AT, IN}
#define LINKS(kind)  {COMPARE, VALUE(kind), ON}
static const struct sx_clause_row expect_rows[] = {
    {"end", SX_K_X_END, false, {WORD(end_words)}},
    {"fails", SX_K_X_FAILS, false,
     {{NULL, SX_V_ID, false, 0, 0, NULL}, {NULL, SX_V_RULE, true, 0, 0, NULL}}},
    {"begun", SX_K_X_BEGUN, false, OPERATIONS},
    {"refused", SX_K_X_REFUSED, false, OPERATIONS},
    {"pending", SX_K_X_PENDING, false, {COMPARE, VALUE(SX_V_COUNT)}},
    {"crashed", SX_K_X_CRASHED, false, {COMPARE, VALUE(SX_V_COUNT)}},
    {"ended", SX_K_X_ENDED, false, {WORD(ended_words), COMPARE, VALUE(SX_V_COUNT), OF, AT, IN}},
    {"groups", SX_K_X_GROUPS, false, {COMPARE, VALUE(SX_V_COUNT), AT, IN}},
    {"bytes", SX_K_X_BYTES, false, {COMPARE, VALUE(SX_V_BYTES), AT, IN}},
    {"goodput", SX_K_X_GOODPUT, false, {COMPARE, VALUE(SX_V_RATE), AT, IN}},
    {"entered", SX_K_X_ENTERED, false, LINKS(SX_V_COUNT)},
    {"duplicated", SX_K_X_DUPLICATED, false, LINKS(SX_V_COUNT)},
    {"arrived", SX_K_X_ARRIVED, false, LINKS(SX_V_COUNT)},
    {"dropped", SX_K_X_DROPPED, false,
     {COMPARE, VALUE(SX_V_COUNT), {"by", SX_V_WORD, true, 0, 0, stage_words}, ON}},
    {"queue_peak", SX_K_X_QUEUE_PEAK, false, LINKS(SX_V_BYTES)},
    {"sojourn", SX_K_X_SOJOURN, false, LINKS(SX_V_TIME)},
    {"arrived_bytes", SX_K_X_ARRIVED_BYTES, false, LINKS(SX_V_BYTES)},
    {"busy", SX_K_X_BUSY, false, LINKS(SX_V_SHARE)},
    {"state", SX_K_X_STATE, false,
     {COMPARE, {NULL, SX_V_WORD, false, 0, 0, sx__state_words},
      {"in", SX_V_SESSION, false, 0, 0, NULL}, AT}},
    {"time", SX_K_X_TIME, false, {COMPARE, VALUE(SX_V_TIME)}},
    {"events", SX_K_X_EVENTS, false, {COMPARE, VALUE(SX_V_COUNT)}},
    {"unused_faults", SX_K_X_UNUSED, false, {COMPARE, VALUE(SX_V_COUNT)}},
    {NULL, 0, false, NONE},
};

#define HEAD(...) {"", SX_K_HEAD, false, {__VA_ARGS__}}
const struct sx_statement_row sx_statement_rows[] = {
    {"seed", SX_S_SEED, SX_IN_WORLD | SX_IN_TAPE, false, false, HEAD(VALUE(SX_V_WHOLE)), NULL},
    {"ties", SX_S_TIES, SX_IN_WORLD, false, false, HEAD(WORD(ties_words)), NULL},
    {"heal", SX_S_HEAL, SX_IN_WORLD, false, false, HEAD(TIME), NULL},
    {"until", SX_S_UNTIL, SX_IN_WORLD, false, false, HEAD(TIME), NULL},
    {"budget", SX_S_BUDGET, SX_IN_WORLD, false, false, {"", SX_K_HEAD, false, NONE}, budget_rows},
    {"chance", SX_S_CHANCE, SX_IN_WORLD, false, false, HEAD(WORD(off_words)), NULL},
    {"deliveries", SX_S_DELIVERIES, SX_IN_WORLD, false, false, HEAD(WORD(unchecked_words)), NULL},
    {"host", SX_S_HOST, SX_IN_WORLD, true, false, HEAD(VALUE(SX_V_NEW_HOST)), host_rows},
    {"link", SX_S_LINK, SX_IN_WORLD, true, false, HEAD(VALUE(SX_V_NEW_LINK)), link_rows},
    {"route", SX_S_ROUTE, SX_IN_WORLD, true, false,
     HEAD(VALUE(SX_V_PAIR), {"by", SX_V_LINK, false, 0, 0, NULL}), NULL},
    {"session", SX_S_SESSION, SX_IN_WORLD, true, false,
     HEAD(VALUE(SX_V_NEW_SESSION), {"of", SX_V_PAIR, false, 0, 0, NULL},
          {"count", SX_V_COUNT, true, 1, SX_SESSION_PLACES_MAX, NULL}), NULL},
    {"traffic", SX_S_TRAFFIC, SX_IN_WORLD, true, false,
     HEAD(VALUE(SX_V_HOST), {"in", SX_V_SESSION, false, 0, 0, NULL}), traffic_rows},
    {"on", SX_S_ON, SX_IN_WORLD, true, true,
     HEAD(VALUE(SX_V_HOST), VALUE(SX_V_PATTERN)), on_rows},
    {"at", SX_S_AT, SX_IN_WORLD, true, true, HEAD(TIME, VALUE(SX_V_HOST | SX_V_LINK)), at_rows},
    {"fault", SX_S_FAULT, SX_IN_WORLD | SX_IN_TAPE, true, true,
     HEAD(VALUE(SX_V_LINK), VALUE(SX_V_KEY),
          {"in", SX_V_SESSION, true, 0, 0, NULL}, {"session_key", SX_V_HEX, true, 0, 0, NULL},
          {"xmit", SX_V_COUNT, true, 1, U32_MAX, NULL},
          {"copy", SX_V_COUNT, true, 0, 16, NULL}), fault_rows},
    {"expect", SX_S_EXPECT, SX_IN_WORLD, true, true, {"", SX_K_HEAD, false, NONE}, expect_rows},
    {"tape", SX_S_TAPE, SX_IN_TAPE, false, false, HEAD(COUNT), NULL},
    {"case", SX_S_CASE, SX_IN_TAPE, false, false, HEAD(VALUE(SX_V_TEXT)), NULL},
    {"hash", SX_S_HASH, SX_IN_TAPE, false, false,
     HEAD(VALUE(SX_V_HEX), {"events", SX_V_COUNT, false, 0, 0, NULL}), NULL},
    {"end", SX_S_END, SX_IN_TAPE, false, false,
     HEAD(COUNT, {"faults", SX_V_FLAG, false, 0, 0, NULL}), NULL},
    {NULL, 0, 0, false, false, {"", SX_K_HEAD, false, NONE}, NULL},
};
/* clang-format on */
