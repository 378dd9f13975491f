/* The state machine as one table: in every state of a session (some twice: with and without an
 * operation in progress), each event, what comes of it. A cell names the actions by the words of
 * the legend below; the state afterwards is the one that the last `state` action names, or the
 * same. What is discarded or refused must leave all sessions as they were, byte by byte.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"

/* Handles: 1 the send in progress, 2 what an event sends, 8 the close in progress, 9 an event's. */
enum situation {
    OPENING,   /* opened here, nothing sent */
    SENDING,   /* besides, message 1 (10 bytes) on its way, its aftermath outstanding */
    RECEIVING, /* opened by the peer, by the first window (id 0) of a group */
    OPENED,    /* opened by the peer's group (id 0) with skip */
    BUSY,      /* besides, message 1 (10 bytes) on its way, its ack awaited */
    CLOSING,   /* OPENED, closed graciously: close PDU on its way, its ack awaited */
    FORCED,    /* OPENED, closed with 2: the aftermath awaited */
    AWAITING,  /* awaiting disposal: FORCED, and the aftermath came */
    GONE,      /* AWAITING, and disposed: the id lingers */
    SITUATIONS
};

static const struct {
    const char *name;
    enum sipc_state state;
} situations[SITUATIONS] = {
    [OPENING] = {"opening", SIPC_OPENING},
    [SENDING] = {"sending", SIPC_OPENING},
    [RECEIVING] = {"receiving", SIPC_OPENING},
    [OPENED] = {"opened", SIPC_OPENED},
    [BUSY] = {"busy", SIPC_OPENED},
    [CLOSING] = {"closing", SIPC_CLOSING},
    [FORCED] = {"forced", SIPC_CLOSING},
    [AWAITING] = {"awaiting", SIPC_AWAITING_DISPOSAL},
    [GONE] = {"gone", SIPC_DISPOSED},
};

/* clang-format off */

/* The words of the cells: actions as the driver writes them. */
static const struct {
    const char *word, *lines;
} legend[] = {
    /* nothing; a timer that does not run; the call refused */
    {"-",       ""},
    {"EXIST",   "refused: exists"},
    {"BUSY",    "refused: busy"},
    {"OPEN",    "refused: opening"},
    {"STATE",   "refused: state"},
    {"UNKN",    "refused: unknown"},
    {"ATTR",    "refused: attributes"},
    {"INVAL",   "refused: invalid"},
    {"off",     "off"},
    /* discarded */
    {"!st",     "discard state"},
    {"!li",     "discard lingering"},
    {"!id",     "discard window_id"},
    {"!seq",    "discard seq_nr"},
    {"!va",     "discard option_value"},
    {"!aw",     "discard not_awaited"},
    {"!un",     "discard unknown_session"},
    {"!cseq",   "discard close_seq_nr"},
    {"!op",     "discard opcode"},
    /* acks, deliveries (b), after + opened */
    {"ack",     "tx data_ack 1/0"},
    {"252",     "tx data_ack 1/0 error=252"},
    {"full",    "tx data_ack 1/0 full size=16"},
    {"253",     "tx data_ack 1/0 error=253"},
    {"b",       "deliver \"b\"; tx data_ack 1/0 full size=16"},
    {"254",     "tx data_ack 1/0 error=254"},
    {"+ab",     "state opened; deliver \"ab\"; tx data_ack 1/0 full size=16"},
    {"+ack",    "state opened; tx data_ack 1/0"},
    {"+b",      "state opened; deliver \"b\"; tx data_ack 1/0 full size=16"},
    {"252@5",   "tx data_ack 0/5 error=252"},
    {"full0",   "tx data_ack 0/0 full size=16"},
    {"lack",    "tx enquire_link_ack 0/0"},
    {"lnack",   "tx enquire_link_ack 0/0 error=150"},
    /* transmissions: of message 1 (w), message 2 (W), close PDUs, links; after + opened */
    {"+w1",     "state opened; tx! data 1/0 last end"},
    {"W0",      "tx! data 0/0 first last m2[0,5)"},
    {"W0e",     "tx! data 0/0 first last end m2[0,5)"},
    {"+W0s",    "state opened; tx! data 0/0 first last end skip m2[0,5)"},
    {"W0s",     "tx! data 0/0 first last end skip m2[0,5)"},
    {"+",       "state opened"},
    {"w0e",     "tx! data 0/0 first last end m1[0,10)"},
    {"cl1",     "tx! close 0/0 abort=1"},
    {"link",    "tx enquire_link 0/0"},
    /* ends of the send in progress */
    {"s:ok",    "result 1 send ok"},
    {"s:250",   "result 1 send peer_error 250"},
    {"s:252",   "result 1 send peer_error 252"},
    {"s:-5",    "result 1 send network_error -5"},
    /* another state: awaiting_disposal and the cause, closing (cl), disposed (g); before it: c a
     * close_ack, s the send and d the close in progress end, D the close of the event ends */
    {"c>1",     "tx close_ack 1/0 full; state awaiting_disposal 1"},
    {"cs>1",    "tx close_ack 1/0 full; result 1 send closed 1; state awaiting_disposal 1"},
    {"cd>1",    "tx close_ack 1/0 full; result 8 close ok; state awaiting_disposal 1"},
    {">2",      "state awaiting_disposal 2"},
    {"s>2",     "result 1 send closed 2; state awaiting_disposal 2"},
    {"d>2",     "result 8 close ok; state awaiting_disposal 2"},
    {"d>1",     "result 8 close ok; state awaiting_disposal 1"},
    {">-1",     "state awaiting_disposal -1"},
    {"s>-1",    "result 1 send closed -1; state awaiting_disposal -1"},
    {"d>-1",    "result 8 close ok; state awaiting_disposal -1"},
    {"D>1",     "result 9 close ok; state awaiting_disposal 1"},
    {"sD>1",    "result 1 send closed 1; result 9 close ok; state awaiting_disposal 1"},
    {">cl1",    "state closing 1; tx! close 0/0 abort=1"},
    {"D",       "result 9 close ok"},
    {"D>2",     "result 9 close ok; state awaiting_disposal 2"},
    {"sD>2",    "result 1 send closed 2; result 9 close ok; state awaiting_disposal 2"},
    {">cl2",    "state closing 2; tx! close 0/0 abort=2"},
    {"s>cl2",   "result 1 send closed 2; state closing 2; tx! close 1/0 abort=2"},
    {">g4",     "state disposed 4"},
    {"s>g4",    "result 1 send closed 4; state disposed 4"},
    {"d>g4",    "result 8 close closed 4; state disposed 4"},
    {">g-2",    "state disposed -2"},
    {"s>g-2",   "result 1 send closed -2; state disposed -2"},
    {"d>g-2",   "result 8 close closed -2; state disposed -2"},
    {">-4",     "state awaiting_disposal -4"},
    {"s>-4",    "result 1 send closed -4; state awaiting_disposal -4"},
    {">cl3",    "state closing 3; tx! close 0/0 abort=3"},
    {">g",      "state disposed"},
};

/* Events: a PDU as driver_rx takes it; `opcode N`; or a call:
 *   send|unreliable [skip|s_00=x]   message 2, 5 bytes      open            the same id again
 *   close_with CODE                 handle 9                dispose         code 4
 *   aftermath ok|failed             of the last one owed    shutdown        with no grace
 *   timer NAME                      falls due, all others put off */
static const struct row {
    const char *event, *cells;
} rows[] = {
    /* data: valid, and what it completes (STM-1, OPN-1..4, RCV-10, RCV-11)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"data 1/0",
        "ack      252      ack      ack      ack      !st      !st      !st      !li"},
    {"data 1/0 first last: b",
        "full     252      full     full     full     !st      !st      !st      !li"},
    {"data 1/0 first last end: b",
        "253      252      253      b        b        !st      !st      !st      !li"},
    {"data 1/0 last end: b",
        "254      252      +ab      254      254      !st      !st      !st      !li"},
    {"data 1/0 skip",
        "+ack     +ack     +ack     ack      ack      !st      !st      !st      !li"},
    {"data 1/0 first last end skip: b",
        "+b       +b       +b       b        b        !st      !st      !st      !li"},

    /* data: a repeat (WID-7, WID-8; in opening nothing came before), out of range (WID-3, SEQ-1)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"data 0/5",
        "-        252@5    full0    full0    full0    full0    full0    full0    !li"},
    {"data 101/0 skip",
        "!id      !id      !id      !id      !id      !id      !id      !id      !li"},
    {"data 1/16 skip",
        "!seq     !seq     !seq     !seq     !seq     !seq     !seq     !seq     !li"},
    {"data 1/0 s_03=perhaps",
        "!va      !va      !va      !va      !va      !va      !va      !va      !va"},

    /* data_ack: id 0 is the data PDU in sending and busy, the close PDU in closing and forced
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"data_ack 0/0 full",
        "!aw      +w1      !aw      !aw      s:ok     -        -        !st      !un"},
    {"data_ack 0/0",
        "!aw      -        !aw      !aw      -        -        -        !st      !un"},
    {"data_ack 0/0 error=250",
        "!aw      s:250    !aw      !aw      s:250    -        -        !st      !un"},
    {"data_ack 0/0 error=252",
        "!aw      s:252    !aw      !aw      s:252    !aw      !aw      !st      !un"},
    {"data_ack 7/0 full",
        "!aw      !aw      !aw      !aw      !aw      !aw      !aw      !st      !un"},
    {"data_ack 0/0 full=perhaps s_10=perhaps",
        "!va      !va      !va      !va      !va      !va      !va      !va      !va"},

    /* close (STM-4, STM-5, CLS-3, CLS-3a, CLS-4, OPN-1, ERR-1)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"close 1/0",
        "!st      !st      !st      c>1      cs>1     cd>1     cd>1     !st      !un"},
    {"close 1/0 abort=2",
        "!st      !st      !st      >2       s>2      d>2      d>2      !st      !un"},
    {"close 1/1",
        "!st      !st      !st      !cseq    !cseq    !cseq    !cseq    !st      !un"},
    {"close 1/16",
        "!seq     !seq     !seq     !seq     !seq     !seq     !seq     !seq     !un"},
    {"close 101/0 abort=2",
        "!id      !id      !id      !id      !id      !id      !id      !id      !un"},

    /* close_ack (CLS-1, CLS-1a, CLS-2, OPN-1): in busy id 0 is the data PDU
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"close_ack 0/0 full",
        "!st      !st      !st      !aw      -        d>1      -        !st      !un"},
    {"close_ack 0/0",
        "!st      !st      !st      !aw      -        d>1      -        !st      !un"},
    {"close_ack 0/0 error=250",
        "!st      !st      !st      !aw      -        d>1      -        !st      !un"},
    {"close_ack 7/0 full",
        "!st      !st      !st      !aw      !aw      !aw      !aw      !st      !un"},

    /* enquire_link, whatever its numbers, and its ack (LNK-1, LNK-3, STM-4, STM-5, END-2a, ERR-3)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"enquire_link 0/0",
        "!st      !st      !st      lack     lack     !st      !st      !st      lnack"},
    {"enquire_link 999/999",
        "!st      !st      !st      lack     lack     !st      !st      !st      lnack"},
    {"enquire_link_ack 0/0",
        "!st      !st      !st      -        -        !st      !st      !st      !un"},
    {"enquire_link_ack 0/0 error=151",
        "!st      !st      !st      -        -        !st      !st      !st      !un"},
    {"enquire_link_ack 0/0 error=150",
        "!st      !st      !st      >-1      s>-1     d>-1     d>-1     !st      !un"},

    /* opcodes that are not on the wire (WIRE-6)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"opcode 0",
        "!op      !op      !op      !op      !op      !op      !op      !op      !op"},
    {"opcode 7",
        "!op      !op      !op      !op      !op      !op      !op      !op      !op"},
    {"opcode 126",
        "!op      !op      !op      !op      !op      !op      !op      !op      !op"},
    {"opcode 127",
        "!op      !op      !op      !op      !op      !op      !op      !op      !op"},

    /* commands (SND-1, OPN-2, OPN-4, FAF-2, STM-2, STM-3, CLS-5, STM-6, END-3, END-4)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"open",
        "EXIST    EXIST    EXIST    EXIST    EXIST    EXIST    EXIST    EXIST    EXIST"},
    {"send",
        "W0       BUSY     OPEN     W0e      BUSY     STATE    STATE    STATE    UNKN"},
    {"send skip",
        "+W0s     BUSY     +W0s     W0s      BUSY     STATE    STATE    STATE    UNKN"},
    {"send s_03=true",
        "+W0s     BUSY     +W0s     W0s      BUSY     STATE    STATE    STATE    UNKN"},
    {"send a=1 s_00=true",
        "ATTR     BUSY     OPEN     ATTR     BUSY     STATE    STATE    STATE    UNKN"},
    {"unreliable",
        "OPEN     OPEN     OPEN     W0e      -        STATE    STATE    STATE    UNKN"},
    {"unreliable skip",
        "+W0s     +        +W0s     W0s      -        STATE    STATE    STATE    UNKN"},
    {"unreliable s_03=true",
        "+W0s     +        +W0s     W0s      -        STATE    STATE    STATE    UNKN"},
    {"unreliable skip a=1 s_00=true",
        "ATTR     ATTR     ATTR     ATTR     ATTR     STATE    STATE    STATE    UNKN"},
    {"close_with 1",
        "D>1      sD>1     D>1      >cl1     BUSY     -        -        D        UNKN"},
    {"close_with 2",
        "D>2      sD>2     D>2      >cl2     s>cl2    -        -        D        UNKN"},
    {"close_with 0",
        "INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    UNKN"},
    {"close_with 100",
        "INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    INVAL    UNKN"},
    {"dispose",
        ">g4      s>g4     >g4      >g4      s>g4     d>g4     d>g4     >g4      UNKN"},
    {"shutdown",
        ">g-2     s>g-2    >g-2     >g-2     s>g-2    d>g-2    d>g-2    >g-2     -"},

    /* aftermaths (SND-7, SND-11, CLS-1, CLS-2): late and double ones are unknown
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"aftermath ok",
        "UNKN     -        UNKN     UNKN     UNKN     UNKN     d>2      UNKN     UNKN"},
    {"aftermath failed",
        "UNKN     s:-5     UNKN     UNKN     UNKN     UNKN     d>2      UNKN     UNKN"},

    /* timers (STM-2, RTY-1, OPN-5a, IDL-1, LNK-2, END-3, ERR-4)
         opening  sending  receivng opened   busy     closing  forced   awaiting gone */
    {"timer open",
        ">-4      s>-4     >-4      off      off      off      off      off      off"},
    {"timer ack",
        "off      off      off      off      w0e      cl1      off      off      off"},
    {"timer receiving",
        "off      off      -        off      off      off      off      off      off"},
    {"timer idle",
        "off      off      off      >cl3     off      off      off      off      off"},
    {"timer enquire",
        "off      off      off      link     link     off      off      off      off"},
    {"timer linger",
        "off      off      off      off      off      off      off      >g       -"},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0], LEGEND = sizeof legend / sizeof legend[0] };

static void prepare(struct driver *d, enum situation situation)
{
    struct sipc_config config = driver_config();

    config.idle_timeout_ns = 60000 * DRIVER_MS;
    config.enquire_link_interval_ns = 20000 * DRIVER_MS;
    driver_init(d, &config);
    if (situation <= SENDING)
        driver_open(d);
    else if (situation == RECEIVING)
        driver_rx(d, "data 0/0 first last: a");
    else
        driver_rx(d, "data 0/0 first last end skip: a");
    if (situation == SENDING || situation == BUSY)
        driver_send(d, 1, 10, "");
    if (situation == CLOSING)
        driver_close(d, SIPC_ABORT_NORMAL, 8);
    if (situation >= FORCED)
        driver_close(d, SIPC_ABORT_FORCED, 8);
    if (situation == BUSY || situation == CLOSING || situation >= AWAITING)
        driver_sent(d, true);
    if (situation >= GONE)
        assert_int_equal(sipc_session_dispose(d->ep, d->now, d->session, 0), SIPC_OK);
    driver_drain(d);
    driver_wait(d, DRIVER_MS); /* so that a timer started again is another */
    assert_int_equal(sipc_session_state(d->ep, d->session), situations[situation].state);
    driver_forget(d);
}

/* ---- events ---- */

static const char *status_line(enum sipc_status status)
{
    static const char *const lines[] = {
        [SIPC_E_INVALID] = "refused: invalid\n", [SIPC_E_UNKNOWN] = "refused: unknown\n",
        [SIPC_E_EXISTS] = "refused: exists\n",   [SIPC_E_BUSY] = "refused: busy\n",
        [SIPC_E_STATE] = "refused: state\n",     [SIPC_E_OPENING] = "refused: opening\n",
        [SIPC_E_PENDING] = "refused: pending\n", [SIPC_E_ATTRIBUTES] = "refused: attributes\n",
    };

    if (status == SIPC_OK)
        return "";
    assert_true(status < sizeof lines / sizeof lines[0] && lines[status] != NULL);
    return lines[status];
}

static void give_opcode(struct driver *d, int opcode)
{
    struct sipc_pdu_parts parts = {.session_id = driver_id(1), .opcode = SIPC_DATA};
    uint8_t bytes[SIPC_PDU_SIZE_MIN];
    size_t used = 0;

    assert_int_equal(sipc_pdu_encode(&parts, bytes, sizeof bytes, &used), SIPC_OK);
    bytes[SIPC_PDU_HEAD_SIZE - 1] = (uint8_t)opcode;
    driver_rx_bytes(d, 1, (struct sipc_span){bytes, used});
}

/* Lets one timer fall due at its time; "off" if it does not run. */
static const char *give_timer(struct driver *d, const char *name)
{
    static const char *const names[TIMER_COUNT] = {"open", "ack",     "receiving",
                                                   "idle", "enquire", "linger"};
    struct session *s = session_at(d->ep, 0);
    int wanted = 0;

    while (strcmp(names[wanted], name) != 0)
        assert_true(++wanted < TIMER_COUNT);
    if (s->timers[wanted] == SIPC_NEVER)
        return "off\n";
    for (int timer = 0; timer < TIMER_COUNT; timer++)
        if (timer != wanted && s->timers[timer] != SIPC_NEVER)
            sipc__timer_set(s, (enum timer)timer, SIPC_NEVER - 1);
    sipc__timers_update(d->ep, s);
    driver_wait(d, s->timers[wanted] - d->now - 1);
    assert_int_equal(d->lines_size, 0);
    driver_wait(d, 1);
    return "";
}

static const char *give_call(struct driver *d, const char *name, const char *words)
{
    enum sipc_status status = SIPC_OK;
    sipc_session session;

    if (strcmp(name, "open") == 0)
        status = sipc_session_open(d->ep, d->now, 1, driver_id(1), INT64_MIN, &session);
    else if (strcmp(name, "send") == 0)
        status = driver_try_send(d, 2, 5, words);
    else if (strcmp(name, "unreliable") == 0)
        status = driver_try_unreliable(d, 2, 5, words);
    else if (strcmp(name, "close_with") == 0)
        status = driver_try_close(d, (int32_t)strtol(words, NULL, 10), 9);
    else if (strcmp(name, "dispose") == 0)
        status = sipc_session_dispose(d->ep, d->now, d->session, 4);
    else if (strcmp(name, "aftermath") == 0)
        status = driver_sent_token(d, d->token, strcmp(words, "ok") == 0);
    else if (strcmp(name, "shutdown") == 0)
        status = sipc_endpoint_shutdown(d->ep, d->now, 0);
    else
        fail_msg("no such event: %s", name);
    driver_drain(d);
    if (strcmp(name, "shutdown") == 0)
        driver_wait(d, 0);
    return status_line(status);
}

/* What the call itself came to, beside the actions. */
static const char *give(struct driver *d, const char *event)
{
    const char *words = event + strcspn(event, " ");
    char name[32];

    assert_true((size_t)(words - event) < sizeof name);
    memcpy(name, event, (size_t)(words - event));
    name[words - event] = '\0';
    words += *words == ' ';
    if (strchr(words, '/') != NULL)
        driver_rx(d, "%s", event);
    else if (strcmp(name, "opcode") == 0)
        give_opcode(d, (int)strtol(words, NULL, 10));
    else if (strcmp(name, "timer") == 0)
        return give_timer(d, words);
    else
        return give_call(d, name, words);
    return "";
}

/* ---- expectations ---- */

static const char *legend_lines(const char *word, size_t size)
{
    for (int i = 0; i < LEGEND; i++)
        if (strlen(legend[i].word) == size && memcmp(legend[i].word, word, size) == 0)
            return legend[i].lines;
    fail_msg("no such word in the legend: %.*s", (int)size, word);
    return NULL;
}

/* The word of a row that stands in the column. */
static const char *cell_of(const struct row *row, enum situation situation, size_t *size)
{
    const char *cell = row->cells;

    for (int i = 0; i < (int)situation; i++) {
        cell += strcspn(cell, " ");
        cell += strspn(cell, " ");
    }
    *size = strcspn(cell, " ");
    if (*size == 0 || (situation == SITUATIONS - 1) != (cell[*size] == '\0'))
        fail_msg("%s: not %d cells", row->event, SITUATIONS);
    return cell;
}

/* The cell's actions as the driver writes them: each on a line. */
static void spell_out(const struct row *row, enum situation situation, char *out, size_t size)
{
    size_t cell_size, used = 0;
    const char *cell = cell_of(row, situation, &cell_size);
    const char *rest = legend_lines(cell, cell_size);

    while (*rest != '\0') {
        size_t length = strcspn(rest, ";");
        assert_true(used + length + 2 <= size);
        memcpy(out + used, rest, length);
        used += length;
        out[used++] = '\n';
        rest += length + (rest[length] == ';' ? 2 : 0);
    }
    out[used] = '\0';
}

/* The state that the last `state` line names; else the one before. */
static enum sipc_state state_after(const char *lines, enum sipc_state before)
{
    enum sipc_state state = before;

    for (const char *line = strstr(lines, "state "); line != NULL;
         line = strstr(line + 1, "state "))
        for (int i = SIPC_OPENING; i <= SIPC_DISPOSED; i++) {
            const char *name = sipc_state_name((enum sipc_state)i);
            if (strncmp(line + strlen("state "), name, strlen(name)) == 0)
                state = (enum sipc_state)i;
        }
    return state;
}

/* Cells of discards, but for acks that move nothing (they may restart the idle timer, IDL-1), and
 * of refusals. */
static bool must_change_nothing(const char *expected)
{
    return (strncmp(expected, "discard", 7) == 0 && strstr(expected, "not_awaited") == NULL) ||
           strncmp(expected, "refused", 7) == 0;
}

static void check_cell(const struct row *row, enum situation situation)
{
    struct driver d;
    char expected[512], found[512];
    uint8_t *before;
    size_t offset, size;
    const char *refused;

    spell_out(row, situation, expected, sizeof expected);
    prepare(&d, situation);
    offset = (size_t)d.ep->sessions_offset;
    size = sipc_endpoint_snapshot_size(d.ep) - offset;
    before = malloc(size);
    assert_non_null(before);
    memcpy(before, (uint8_t *)d.block + offset, size);
    refused = give(&d, row->event);
    assert_in_range(snprintf(found, sizeof found, "%s%s", refused, d.lines), 0, sizeof found - 1);
    if (strcmp(expected, found) != 0)
        fail_msg("%s in %s\nexpected:\n%sfound:\n%s", row->event, situations[situation].name,
                 expected, found);
    assert_int_equal(sipc_session_state(d.ep, d.session),
                     state_after(expected, situations[situation].state));
    if (must_change_nothing(expected) && memcmp(before, (uint8_t *)d.block + offset, size) != 0)
        fail_msg("%s in %s changed a session", row->event, situations[situation].name);
    free(before);
    driver_forget(&d);
    driver_fini(&d);
}

static void test_states_when_any_event_then_as_the_table_says(void **state)
{
    (void)state;
    for (int row = 0; row < ROWS; row++)
        for (int situation = 0; situation < SITUATIONS; situation++)
            check_cell(&rows[row], (enum situation)situation);
}

static void test_states_when_the_legend_is_read_then_every_word_is_used(void **state)
{
    (void)state;
    for (int i = 0; i < LEGEND; i++) {
        bool used = false;
        for (int row = 0; row < ROWS; row++)
            for (int situation = 0; situation < SITUATIONS; situation++) {
                size_t size;
                const char *cell = cell_of(&rows[row], (enum situation)situation, &size);
                used |= strlen(legend[i].word) == size && memcmp(legend[i].word, cell, size) == 0;
            }
        if (!used)
            fail_msg("%s is not used", legend[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_when_any_event_then_as_the_table_says),
        cmocka_unit_test(test_states_when_the_legend_is_read_then_every_word_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
