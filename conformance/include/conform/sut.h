/* A system under test, attached. One interface for every way (SUT contract 1): in process, shared
 * object, child process, live over UDP, TCP or a Unix socket with or without a control channel.
 *
 * Time here is virtual nanoseconds since the last `reset`; with a wall clock it is the time that
 * really passed. conform_sut_step is the only thing that lets time pass.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_H
#define CONFORM_SUT_H

#include "conform/message.h"

enum conform_sut_status {
    CONFORM_SUT_OK,       /* the SUT answered; response->ok may still be false */
    CONFORM_SUT_NO_START, /* could not be started or reached (exit 3) */
    CONFORM_SUT_BROKEN,   /* the adapter breaks the contract (exit 3) */
    CONFORM_SUT_DEAD,     /* the process died, by itself or by a signal: verdict crash */
    CONFORM_SUT_HANG,     /* no answer within the harness's own limit: verdict hang */
};

struct conform_sut_options {
    unsigned response_limit_ms; /* wall time for one response; 0: 5,000 */
    bool verbose;               /* the SUT's stderr goes to ours as well */
    bool in_process;            /* so: is loaded into this process, for speed: a crash is ours */
    bool endless;               /* any number of outputs since reset is asked for, and no flood */
    /* Called for each request but hello before it is made; may be NULL. */
    void (*on_request)(void *ctx, uint64_t now_ns, const struct conform_request *request);
    void *ctx;
};

struct conform_sut;

/* Attaches what `spec` names: "engine", "so:PATH", "exec:CMD", "udp:HOST:PORT", "tcp:HOST:PORT",
 * "unix:PATH", the last three with ",control=exec:CMD" or ",control=tcp:HOST:PORT" (udp, tcp and
 * unix then take the address from hello where HOST:PORT or PATH is left out). Says hello. so:
 * starts the running program anew with the arguments `sut --so PATH`, which its main hands to
 * conform_cmd_sut. */
enum conform_sut_status conform_sut_attach(const char *spec,
                                           const struct conform_sut_options *options,
                                           struct conform_sut **out, struct conform_error *error);
/* How many SUTs one spec can attach side by side, seen before anything is started. */
enum conform_sut_copies {
    CONFORM_SUT_NO_SPEC,  /* the spec is none */
    CONFORM_SUT_ONE,      /* it names one peer, by its address or its control connection */
    CONFORM_SUT_VIRTUALS, /* any number, each with a virtual clock of its own */
    CONFORM_SUT_LIVES,    /* any number of processes, each of which says where it listens */
};
enum conform_sut_copies conform_sut_copies(const char *spec);

/* Says bye where the SUT still lives, waits for it shortly, frees. NULL is allowed. */
void conform_sut_detach(struct conform_sut *sut);

/* Starts the SUT anew after DEAD, HANG or BROKEN (attach again with the same spec). */
enum conform_sut_status conform_sut_restart(struct conform_sut *sut, struct conform_error *error);

/* The hello response; lives as long as the SUT. Without control: name is the spec, capabilities are
 * those a bare peer has (none; "stream" by network). */
const struct conform_response *conform_sut_hello(const struct conform_sut *sut);
bool conform_sut_has(const struct conform_sut *sut, const char *capability);
bool conform_sut_is_virtual(const struct conform_sut *sut);
bool conform_sut_has_control(const struct conform_sut *sut);
bool conform_sut_is_stream(const struct conform_sut *sut); /* live: tcp, unix */

/* Sends one request and takes its response into *response, whose old content is not looked at;
 * anything but HELLO, ADVANCE and BYE, which are the harness's own. RX sends on the network
 * where the SUT is live (`from` names one of the harness's addresses, made at first use).
 * Outputs are in response->outs, in order. On any status but OK *error says why, in plain words,
 * with the offending line or the way the process ended. */
enum conform_sut_status conform_sut_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error);

/* Lets time pass until something is put out or `until_ns` is reached. Virtual: advances from
 * deadline to deadline; with a SUT of a coarser clock the end is rounded up to a whole tick.
 * Outputs are in response->outs. */
enum conform_sut_status conform_sut_step(struct conform_sut *sut, uint64_t until_ns,
                                         struct conform_response *response,
                                         struct conform_error *error);
uint64_t conform_sut_now(const struct conform_sut *sut);
/* Virtual clock: when the SUT would act by itself, as it said last; SIPC_NEVER: never. */
uint64_t conform_sut_deadline(const struct conform_sut *sut);

/* Wall clock: the longest the harness itself was late since reset, in ns (a busy machine): what is
 * judged by time is not to be trusted beyond it. 0 with a virtual clock. */
uint64_t conform_sut_lateness(const struct conform_sut *sut);

/* What the SUT wrote to stderr since the last call, at most 64 KiB, and the adapter's own notes
 * ("harness: ..."), malloc'ed; NULL if nothing. */
char *conform_sut_take_stderr(struct conform_sut *sut);
/* Bytes of an unfinished frame on stream connections, for messages; 0 if none. A frame cut short by
 * the end of its connection, or one with an impossible length, comes out as a tx of those bytes. */
size_t conform_sut_partial_bytes(const struct conform_sut *sut);

/* The engine as a SUT, in process: what the "engine" attachment, the reference SUT and the C ABI
 * example run on. A call per request; outputs and deadline in the response. */
struct conform_engine_sut;
struct conform_engine_sut *conform_engine_sut_new(bool wall_clock);
void conform_engine_sut_free(struct conform_engine_sut *sut);
void conform_engine_sut_call(struct conform_engine_sut *sut, const struct conform_request *request,
                             struct conform_response *response);
/* Wall clock: the driver says what time it is (set_now; it never goes back), RX what came, SENT for
 * each tx, and ADVANCE to a time before which all that came was told. What is due fires only up to
 * there: a driver that was kept from looking must not take a timeout for one while the ack lies
 * there. */
void conform_engine_sut_set_now(struct conform_engine_sut *sut, uint64_t now_ns);
/* Wall clock: the network is a byte stream or (the default) not. Before the first reset. */
void conform_engine_sut_set_stream(struct conform_engine_sut *sut, bool stream);
/* Echo mode: each group delivered is sent back on its session, in order, with its attributes. */
void conform_engine_sut_set_echo(struct conform_engine_sut *sut, bool echo);

/* `sipc sut` and `sipc conform check-adapter`; argv[0] is the command's own name. The exit code. */
int conform_cmd_sut(int argc, char **argv);
int conform_cmd_check_adapter(int argc, char **argv);

#endif
