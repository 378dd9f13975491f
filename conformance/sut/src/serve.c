/* The reference SUT on a real network: sockets, the engine and a control channel on one loop.
 *
 * Whatever happens is the same three steps: the engine is told the time, then the event, then its
 * outputs go out: PDUs to the network, whose word on each becomes the next event, the rest as event
 * lines to the control channel, if there is one.
 *
 * What is due fires once the loop has looked at the network, up to when the look began, never
 * before: on a busy machine this process may wake up late, and an ack that waits in a socket has
 * come before the timeout.
 *
 * SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "json_bytes.h"
#include "lines.h"
#include "serve_net.h"

enum { SERVE_CONTROL_READ = 64 << 10 };

/* An aftermath that waits to be told to the engine. */
struct serve_aftermath {
    uint64_t token;
    bool success;
};

struct serve {
    const struct conform__serve_options *options;
    uv_loop_t loop;
    uv_timer_t timer;  /* wakes the loop at the engine's deadline */
    uv_idle_t no_wait; /* while it runs, the loop looks at the network without waiting */
    uv_prepare_t look_begin;
    uv_check_t look_end;
    uint64_t look_ns; /* when the look began */
    uv_signal_t signals[2];
    struct conform_engine_sut *engine;
    struct conform__serve_net *net;
    uint64_t base_ns; /* of uv_hrtime, at reset */
    struct serve_aftermath *aftermaths;
    size_t aftermath_count, aftermath_room;
    /* control */
    bool on_stdio, connected, said_bye;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_tty_t tty;
    } listener, control; /* listener: TCP only */
    struct conform__lines lines;
    char buffer[SERVE_CONTROL_READ];
};

/* ---- out ---- */

struct serve_line {
    uv_write_t request;
    char *text;
};

static void serve_on_line_written(uv_write_t *request, int status)
{
    (void)status;
    struct serve_line *line = (struct serve_line *)request;
    free(line->text);
    free(line);
}

/* Writes one line to whoever controls; takes over `text`. */
static void serve_say(struct serve *serve, char *text)
{
    if (serve->on_stdio) {
        fputs(text, stdout);
        fflush(stdout);
    } else if (serve->connected) {
        struct serve_line *line = conform__alloc(sizeof *line);
        line->text = text;
        uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));
        if (uv_write(&line->request, &serve->control.stream, &buf, 1, serve_on_line_written) == 0) {
            return;
        }
        free(line);
    }
    free(text);
}

static void serve_on_sent(void *ctx, uint64_t token, bool success);

/* Hands the outputs on; PDUs may bring their aftermath at once, which is queued. */
static void serve_put_out(struct serve *serve, const struct conform_response *response)
{
    for (size_t i = 0; i < response->out_count; i++) {
        const struct conform_out *out = &response->outs[i];
        if (out->kind == CONFORM_OUT_TX) {
            conform__serve_net_send(serve->net, out->remote,
                                    (struct sipc_span){out->bytes, out->size}, out->token);
        } else if (serve->options->control) {
            serve_say(serve, conform_event_encode(out));
        }
    }
}

static void serve_on_idle(uv_idle_t *idle)
{
    (void)idle; /* only there to keep the loop from waiting */
}

static void serve_on_timer(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    uv_idle_start(&serve->no_wait, serve_on_idle);
}

static uint64_t serve_now(const struct serve *serve)
{
    return uv_hrtime() - serve->base_ns;
}

/* One event for the engine; its outputs leave. The response stays with the caller. */
static void serve_event(struct serve *serve, const struct conform_request *request,
                        struct conform_response *response)
{
    conform_engine_sut_call(serve->engine, request, response);
    serve_put_out(serve, response);
    uv_timer_stop(&serve->timer);
    if (response->deadline_ns != SIPC_NEVER) {
        uint64_t now = serve_now(serve);
        uint64_t left = response->deadline_ns > now ? response->deadline_ns - now : 0;
        uv_update_time(&serve->loop);
        uv_timer_start(&serve->timer, serve_on_timer, (left + SIPC_NS_PER_MS - 1) / SIPC_NS_PER_MS,
                       0);
    }
}

static void serve_quiet_event(struct serve *serve, const struct conform_request *request)
{
    struct conform_response response;
    serve_event(serve, request, &response);
    conform_response_clear(&response);
}

/* Tells the engine the aftermaths that have come, until there is none. */
static void serve_pump(struct serve *serve)
{
    for (size_t i = 0; i < serve->aftermath_count; i++) {
        const struct serve_aftermath next = serve->aftermaths[i];
        conform_engine_sut_set_now(serve->engine, serve_now(serve));
        serve_quiet_event(serve, &(struct conform_request){.op = CONFORM_SENT,
                                                           .token = next.token,
                                                           .success = next.success});
    }
    serve->aftermath_count = 0;
}

static void serve_on_sent(void *ctx, uint64_t token, bool success)
{
    struct serve *serve = ctx;
    if (serve->aftermath_count == serve->aftermath_room) {
        serve->aftermath_room = serve->aftermath_room ? serve->aftermath_room * 2 : 64;
        serve->aftermaths =
            conform__realloc(serve->aftermaths, serve->aftermath_room * sizeof *serve->aftermaths);
    }
    serve->aftermaths[serve->aftermath_count++] = (struct serve_aftermath){token, success};
    /* within an event they are pumped right after it; those the loop brings, when it has looked */
    uv_idle_start(&serve->no_wait, serve_on_idle);
}

static void serve_on_look_begin(uv_prepare_t *prepare)
{
    struct serve *serve = prepare->data;
    serve->look_ns = serve_now(serve);
}

static void serve_on_look_end(uv_check_t *check)
{
    struct serve *serve = check->data;
    uv_idle_stop(&serve->no_wait);
    serve_pump(serve);
    conform_engine_sut_set_now(serve->engine, serve_now(serve));
    serve_quiet_event(serve,
                      &(struct conform_request){.op = CONFORM_ADVANCE, .to_ns = serve->look_ns});
    serve_pump(serve);
}

static void serve_on_pdu(void *ctx, const char *from, struct sipc_span pdu)
{
    struct serve *serve = ctx;
    conform_engine_sut_set_now(serve->engine, serve_now(serve));
    serve_quiet_event(serve, &(struct conform_request){.op = CONFORM_RX, .from = from, .pdu = pdu});
    serve_pump(serve);
}

/* ---- control ---- */

static void serve_reset(struct serve *serve)
{
    conform__serve_net_reset(serve->net);
    serve->aftermath_count = 0;
    serve->base_ns = uv_hrtime();
    serve->look_ns = 0; /* of what is on its way to the new endpoint nothing was looked at */
}

static void serve_request(struct serve *serve, const struct conform_request *request,
                          const char *id)
{
    struct conform_response response = {.deadline_ns = SIPC_NEVER};
    switch (request->op) {
    case CONFORM_RX:
    case CONFORM_SENT:
    case CONFORM_ADVANCE:
        response.unsupported = true;
        response.error = conform__strdup("not used on a real network");
        break;
    case CONFORM_RESET:
        serve_reset(serve);
        serve_event(serve, request, &response);
        break;
    default:
        conform_engine_sut_set_now(serve->engine, serve_now(serve));
        serve_event(serve, request, &response);
        break;
    }
    if (request->op == CONFORM_HELLO && response.ok) {
        response.listen = conform__strdup(conform__serve_net_address(serve->net));
    }
    serve_pump(serve);
    serve_say(serve, conform_response_encode(&response, request->op, id, false));
    conform_response_clear(&response);
    if (request->op == CONFORM_BYE) {
        serve->said_bye = true;
        uv_stop(&serve->loop);
    }
}

static void serve_line(struct serve *serve, const char *line, size_t size)
{
    struct conform_request request;
    struct conform_request_memory memory;
    struct conform_error error;
    char *id;
    if (conform_request_decode(line, size, &request, &memory, &id, &error)) {
        serve_request(serve, &request, id);
    } else {
        struct conform_response response = {.error = error.text};
        serve_say(serve, conform_response_encode(&response, CONFORM_UNKNOWN, id, false));
    }
    conform_request_memory_clear(&memory);
    free(id);
}

static void serve_on_control_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct serve *serve = handle->data;
    *buf = uv_buf_init(serve->buffer, sizeof serve->buffer);
}

static void serve_on_control_closed(uv_handle_t *handle)
{
    struct serve *serve = handle->data;
    serve->connected = false;
    conform__lines_free(&serve->lines);
}

static void serve_on_control(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct serve *serve = stream->data;
    const char *line;
    size_t length;
    if (size < 0 && serve->on_stdio) {
        uv_stop(&serve->loop); /* whoever controlled is gone */
    } else if (size < 0) {
        uv_close(&serve->control.handle, serve_on_control_closed); /* the next may connect */
    } else {
        conform__lines_push(&serve->lines, buf->base, (size_t)size);
        while (!serve->said_bye && conform__lines_next(&serve->lines, &line, &length)) {
            serve_line(serve, line, length);
        }
        if (conform__lines_rest(&serve->lines, &line) > CONFORM__LINE_MAX) {
            fprintf(stderr, "sipc sut: a control line is longer than 64 MiB\n");
            uv_stop(&serve->loop);
        }
    }
}

static void serve_on_control_connection(uv_stream_t *listener, int status)
{
    struct serve *serve = listener->data;
    uv_tcp_t *refused;
    if (status < 0) {
        return;
    }
    if (serve->connected) { /* one at a time */
        refused = conform__alloc(sizeof *refused);
        uv_tcp_init(&serve->loop, refused);
        uv_accept(listener, (uv_stream_t *)refused);
        uv_close((uv_handle_t *)refused, (uv_close_cb)free);
        return;
    }
    uv_tcp_init(&serve->loop, &serve->control.tcp);
    serve->control.handle.data = serve;
    serve->connected = true;
    if (uv_accept(listener, &serve->control.stream) != 0) {
        uv_close(&serve->control.handle, serve_on_control_closed);
        return;
    }
    uv_tcp_nodelay(&serve->control.tcp, 1);
    uv_read_start(&serve->control.stream, serve_on_control_alloc, serve_on_control);
}

static bool serve_control_stdio(struct serve *serve, struct conform_error *error)
{
    int result;
    serve->on_stdio = true;
    switch (uv_guess_handle(STDIN_FILENO)) {
    case UV_NAMED_PIPE:
        uv_pipe_init(&serve->loop, &serve->control.pipe, 0);
        result = uv_pipe_open(&serve->control.pipe, STDIN_FILENO);
        break;
    case UV_TTY:
        result = uv_tty_init(&serve->loop, &serve->control.tty, STDIN_FILENO, 1);
        break;
    case UV_TCP:
        uv_tcp_init(&serve->loop, &serve->control.tcp);
        result = uv_tcp_open(&serve->control.tcp, STDIN_FILENO);
        break;
    default:
        conform_error_set(error, "--control stdio: stdin is neither a pipe nor a terminal");
        return false;
    }
    serve->control.handle.data = serve;
    if (result == 0) {
        result = uv_read_start(&serve->control.stream, serve_on_control_alloc, serve_on_control);
    }
    if (result != 0) {
        conform_error_set(error, "--control stdio: %s", uv_strerror(result));
    }
    return result == 0;
}

static bool serve_control_tcp(struct serve *serve, const char *where, struct conform_error *error)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    uv_tcp_init(&serve->loop, &serve->listener.tcp);
    serve->listener.handle.data = serve;
    if (!conform__address_parse(where, &address, error)) {
        return false;
    }
    int result = uv_tcp_bind(&serve->listener.tcp, (struct sockaddr *)&address, 0);
    result = result ? result : uv_listen(&serve->listener.stream, 1, serve_on_control_connection);
    result = result ? result
                    : uv_tcp_getsockname(&serve->listener.tcp, (struct sockaddr *)&address, &size);
    if (result != 0) {
        conform_error_set(error, "cannot listen for control on %s: %s", where, uv_strerror(result));
        return false;
    }
    char text[CONFORM__ADDRESS_TEXT];
    conform__address_format((struct sockaddr *)&address, text);
    fprintf(stderr, "sipc sut: control on tcp:%s\n", text);
    return true;
}

/* ---- the whole ---- */

static void serve_on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static bool serve_begin(struct serve *serve, struct conform_error *error)
{
    const struct conform__serve_options *options = serve->options;
    const struct conform__serve_net_options net = {
        .kind = options->kind,
        .address = options->address,
        .on_pdu = serve_on_pdu,
        .on_sent = serve_on_sent,
        .ctx = serve,
    };
    if (!conform__serve_net_new(&serve->loop, &net, &serve->net, error)) {
        return false;
    }
    fprintf(stderr, "sipc sut: listening on %s\n", conform__serve_net_address(serve->net));
    if (!options->control) {
        return true;
    }
    if (strcmp(options->control, "stdio") == 0) {
        return serve_control_stdio(serve, error);
    }
    if (strncmp(options->control, "tcp:", 4) == 0) {
        return serve_control_tcp(serve, options->control + 4, error);
    }
    conform_error_set(error, "--control must be stdio or tcp:HOST:PORT, is \"%s\"",
                      options->control);
    return false;
}

int conform__serve(const struct conform__serve_options *options)
{
    struct serve *serve = conform__alloc(sizeof *serve);
    serve->options = options;
    uv_loop_init(&serve->loop);
    uv_timer_init(&serve->loop, &serve->timer);
    uv_idle_init(&serve->loop, &serve->no_wait);
    uv_prepare_init(&serve->loop, &serve->look_begin);
    uv_check_init(&serve->loop, &serve->look_end);
    serve->timer.data = serve->look_begin.data = serve->look_end.data = serve;
    uv_prepare_start(&serve->look_begin, serve_on_look_begin);
    uv_check_start(&serve->look_end, serve_on_look_end);
    const int numbers[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&serve->loop, &serve->signals[i]);
        uv_signal_start(&serve->signals[i], serve_on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    serve->engine = conform_engine_sut_new(true);
    conform_engine_sut_set_stream(serve->engine, options->kind != CONFORM__NET_UDP);
    conform_engine_sut_set_echo(serve->engine, options->echo);
    struct conform_error error;
    bool good = serve_begin(serve, &error);
    if (good) {
        serve->base_ns = uv_hrtime();
        serve_quiet_event(serve, &(struct conform_request){.op = CONFORM_RESET});
        uv_run(&serve->loop, UV_RUN_DEFAULT);
        conform__serve_net_reset(serve->net);
    } else {
        fprintf(stderr, "sipc sut: %s\n", error.text);
    }
    conform__loop_close(&serve->loop);
    conform__serve_net_free(serve->net);
    conform_engine_sut_free(serve->engine);
    conform__lines_free(&serve->lines);
    free(serve->aftermaths);
    free(serve);
    return good ? 0 : 2;
}
