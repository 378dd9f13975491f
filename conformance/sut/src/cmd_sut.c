/* `sipc sut`: the reference SUT, the engine behind a real network or behind the exec binding.
 * SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_bytes.h"
#include "serve.h"
#include "so_host.h"

static const char sut_help[] =
    "usage: sipc sut WHERE [--echo] [--control stdio|tcp:HOST:PORT]\n"
    "\n"
    "The reference SUT: a ScalableIPC endpoint to test against, or to test the harness with.\n"
    "It says on stderr where it listens and serves until SIGTERM, SIGINT, or the end of its "
    "control.\n"
    "\n"
    "WHERE, one of:\n"
    "  --udp HOST:PORT    datagrams; port 0 takes any free one\n"
    "  --tcp HOST:PORT    a byte stream\n"
    "  --unix PATH        a byte stream on a Unix socket\n"
    "  --exec             no network and no clock: requests of the SUT contract on stdin, a line "
    "of\n"
    "                     JSON each, responses on stdout\n"
    "  --so PATH          the same with a shared object (conform/sut_abi.h) instead of the "
    "engine:\n"
    "                     what so:PATH starts; here to be run under a debugger or valgrind\n"
    "\n"
    "  --echo             every message received is sent back, with its attributes\n"
    "  --control stdio    requests of the SUT contract on stdin beside the network; responses and\n"
    "                     events on stdout\n"
    "  --control tcp:HOST:PORT\n"
    "                     the same for whoever connects there, one at a time\n"
    "  -h, --help         this text\n"
    "\n"
    "examples:\n"
    "  sipc sut --udp 127.0.0.1:9000 --echo\n"
    "  sipc conform run 'udp:,control=exec:sipc sut --udp 127.0.0.1:0 --control stdio'\n"
    "  sipc conform run 'exec:sipc sut --exec'\n"
    "  sipc conform run 'exec:valgrind -q sipc sut --so ./libmine.so' -t 'WID-*'\n"
    "\n"
    "exit status: 0 after a proper end, 2 for wrong usage or an address that cannot be had\n";

struct sut_arguments {
    struct conform__serve_options serve;
    int wheres;
    bool exec;
    const char *so;
};

/* Whether the options go together. */
static bool sut_check(const struct sut_arguments *arguments)
{
    const char *binding = arguments->so ? "--so" : "--exec";
    if (arguments->wheres != 1) {
        fprintf(stderr,
                "sipc sut: exactly one of --udp, --tcp, --unix, --exec, --so is needed, got %d; "
                "try --help\n",
                arguments->wheres);
        return false;
    }
    if ((arguments->exec || arguments->so) && arguments->serve.control) {
        fprintf(stderr, "sipc sut: %s has its own control: leave --control out\n", binding);
        return false;
    }
    if (arguments->so && arguments->serve.echo) {
        fprintf(stderr, "sipc sut: --echo is what the engine can do, not a shared object\n");
        return false;
    }
    return true;
}

/* False: *status is the exit code. */
static bool sut_parse(int argc, char **argv, struct sut_arguments *arguments, int *status)
{
    enum { SUT_UDP = 256, SUT_TCP, SUT_UNIX, SUT_EXEC, SUT_SO, SUT_ECHO, SUT_CONTROL };
    static const struct option options[] = {
        {"udp", required_argument, NULL, SUT_UDP},
        {"tcp", required_argument, NULL, SUT_TCP},
        {"unix", required_argument, NULL, SUT_UNIX},
        {"exec", no_argument, NULL, SUT_EXEC},
        {"so", required_argument, NULL, SUT_SO},
        {"echo", no_argument, NULL, SUT_ECHO},
        {"control", required_argument, NULL, SUT_CONTROL},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct conform__serve_options *serve = &arguments->serve;
    *status = 2;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case SUT_UDP:
        case SUT_TCP:
        case SUT_UNIX:
            serve->kind = c == SUT_UDP   ? CONFORM__NET_UDP
                          : c == SUT_TCP ? CONFORM__NET_TCP
                                         : CONFORM__NET_UNIX;
            serve->address = optarg;
            arguments->wheres++;
            break;
        case SUT_EXEC:
            arguments->exec = true;
            arguments->wheres++;
            break;
        case SUT_SO:
            arguments->so = optarg;
            arguments->wheres++;
            break;
        case SUT_ECHO:
            serve->echo = true;
            break;
        case SUT_CONTROL:
            serve->control = optarg;
            break;
        case 'h':
            fputs(sut_help, stdout);
            *status = 0;
            return false;
        default:
            fprintf(stderr, "sipc sut: try --help\n");
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "sipc sut: what is \"%s\"? Try --help\n", argv[optind]);
        return false;
    }
    return sut_check(arguments);
}

/* Who answers requests on stdin and stdout. */
struct sut_answerer {
    void (*call)(void *ctx, const struct conform_request *request,
                 struct conform_response *response);
    void *ctx;
    FILE *out;
};

/* One line in, one line out; false after `bye`. */
static bool sut_answer(const struct sut_answerer *answerer, const char *line, size_t size)
{
    struct conform_request request;
    struct conform_request_memory memory;
    struct conform_error error;
    char *id;
    struct conform_response response = {.deadline_ns = SIPC_NEVER};
    if (conform_request_decode(line, size, &request, &memory, &id, &error)) {
        answerer->call(answerer->ctx, &request, &response);
    } else {
        /* the state is as it was; an unknown request asks only for the deadline */
        const struct conform_request nothing = {.op = CONFORM_UNKNOWN, .op_name = ""};
        answerer->call(answerer->ctx, &nothing, &response);
        free(response.error);
        response.error = conform__strdup(error.text);
        response.unsupported = false;
        request.op = CONFORM_UNKNOWN;
    }
    char *text = conform_response_encode(&response, request.op, id, true);
    fputs(text, answerer->out);
    fflush(answerer->out);
    free(text);
    free(id);
    conform_response_clear(&response);
    conform_request_memory_clear(&memory);
    return request.op != CONFORM_BYE;
}

static void sut_answer_all(const struct sut_answerer *answerer)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0 && sut_answer(answerer, line, (size_t)size)) {
    }
    free(line);
}

static void sut_call_engine(void *ctx, const struct conform_request *request,
                            struct conform_response *response)
{
    conform_engine_sut_call(ctx, request, response);
}

static int sut_exec(bool echo)
{
    struct conform_engine_sut *engine = conform_engine_sut_new(false);
    conform_engine_sut_set_echo(engine, echo);
    sut_answer_all(&(struct sut_answerer){sut_call_engine, engine, stdout});
    conform_engine_sut_free(engine);
    return 0;
}

/* What the object itself writes to stdout must not come between the responses. */
static int sut_so(const char *path)
{
    FILE *out = fdopen(dup(STDOUT_FILENO), "w");
    if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        perror("sipc sut: stdout");
        return 2;
    }
    struct conform__so *so = conform__so_new(path);
    sut_answer_all(&(struct sut_answerer){conform__so_call, so, out});
    conform__so_free(so);
    fclose(out);
    return 0;
}

int conform_cmd_sut(int argc, char **argv)
{
    struct sut_arguments arguments = {0};
    int status;
    if (!sut_parse(argc, argv, &arguments, &status)) {
        return status;
    }
    return arguments.so     ? sut_so(arguments.so)
           : arguments.exec ? sut_exec(arguments.serve.echo)
                            : conform__serve(&arguments.serve);
}
