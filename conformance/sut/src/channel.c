/* The line channel to a SUT; see channel.h. All waiting goes through channel_run_until.
 * SPDX-License-Identifier: MIT */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "json_bytes.h"
#include "lines.h"

enum {
    CHANNEL_STDERR_MAX = 64 << 10,
    CHANNEL_READ_SIZE = 64 << 10,
    CHANNEL_QUOTE_MAX = 200,   /* bytes of a line shown */
    CHANNEL_CONNECT_MS = 1000, /* how long a listener may still be on its way */
    CHANNEL_EXIT_MS = 1000,    /* how long an end may take: after EOF, and after bye */
    CHANNEL_TERM_MS = 300,     /* between SIGTERM and SIGKILL */
};

struct conform__channel {
    uv_loop_t *loop;
    struct conform__channel_options options;
    bool is_process;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } to, from; /* `from` is not used with TCP */
    uv_pipe_t err;
    uv_process_t process;
    uv_timer_t timer;
    bool process_started, exited, ended; /* ended: nothing more comes */
    int64_t exit_status;
    int exit_signal;
    struct conform__lines in;
    char err_text[CHANNEL_STDERR_MAX]; /* the end of it, what was taken left out */
    size_t err_size;
    bool err_dropped;
    char err_last[200]; /* the last line of stderr that says anything */
    uint64_t id_last;
    bool asked; /* a request has gone out */
};

/* ---- reading ---- */

static void channel_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(conform__realloc(NULL, CHANNEL_READ_SIZE), CHANNEL_READ_SIZE);
}

static void channel_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct conform__channel *channel = stream->data;
    if (size > 0) {
        conform__lines_push(&channel->in, buf->base, (size_t)size);
        const char *rest;
        if (conform__lines_rest(&channel->in, &rest) > CONFORM__LINE_MAX + CHANNEL_READ_SIZE) {
            uv_read_stop(stream); /* enough to see that the line is too long */
        }
    } else if (size < 0) {
        channel->ended = true;
        uv_read_stop(stream);
    }
    free(buf->base);
}

static void channel_remember_last_line(struct conform__channel *channel)
{
    const char *text = channel->err_text;
    size_t end = channel->err_size;
    while (end && (text[end - 1] == '\n' || text[end - 1] == '\r' || text[end - 1] == ' ')) {
        end--;
    }
    size_t start = end;
    while (start && text[start - 1] != '\n' && end - start < sizeof channel->err_last - 1) {
        start--;
    }
    if (end > start) {
        memcpy(channel->err_last, text + start, end - start);
        channel->err_last[end - start] = 0;
    }
}

static void channel_on_stderr(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct conform__channel *channel = stream->data;
    if (size > 0) {
        size_t got = (size_t)size; /* at most CHANNEL_READ_SIZE, which fits */
        if (channel->err_size + got > CHANNEL_STDERR_MAX) {
            size_t excess = channel->err_size + got - CHANNEL_STDERR_MAX;
            channel->err_size -= excess;
            memmove(channel->err_text, channel->err_text + excess, channel->err_size);
            channel->err_dropped = true;
        }
        memcpy(channel->err_text + channel->err_size, buf->base, got);
        channel->err_size += got;
        channel_remember_last_line(channel);
        if (channel->options.verbose) {
            fwrite(buf->base, 1, got, stderr);
        }
    } else if (size < 0) {
        uv_read_stop(stream);
    }
    free(buf->base);
}

static void channel_on_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct conform__channel *channel = process->data;
    channel->exited = true;
    channel->exit_status = status;
    channel->exit_signal = signal_number;
}

/* Runs the loop once, at most until `until_ns` of uv_hrtime; false if that time has come. */
static bool channel_run_until(struct conform__channel *channel, uint64_t until_ns)
{
    uint64_t now = uv_hrtime();
    if (now >= until_ns) {
        return false;
    }
    conform__loop_wait(channel->loop, &channel->timer, (until_ns - now) / SIPC_NS_PER_MS + 1);
    return true;
}

static uint64_t channel_after(unsigned ms)
{
    return uv_hrtime() + ms * SIPC_NS_PER_MS;
}

char *conform__channel_take_stderr(struct conform__channel *channel)
{
    static const char dropped[] = "[earlier output dropped]\n";
    if (channel->err_size == 0) {
        return NULL;
    }
    size_t prefix = channel->err_dropped ? sizeof dropped - 1 : 0;
    size_t size = channel->err_size;
    char *copy = conform__realloc(NULL, prefix + size + 1);
    memcpy(copy, dropped, prefix);
    memcpy(copy + prefix, channel->err_text, size);
    copy[prefix + size] = 0;
    channel->err_size = 0;
    channel->err_dropped = false;
    return copy;
}

/* ---- words ---- */

static void channel_describe_exit(const struct conform__channel *channel, char *out, size_t room)
{
    int status = (int)channel->exit_status;
    if (channel->exit_signal) {
        snprintf(out, room, "the process was killed by signal %d (%s)", channel->exit_signal,
                 strsignal(channel->exit_signal));
    } else if (status > 128 && status < 128 + NSIG) {
        snprintf(out, room, "the process ended with status %d (a shell's way to say signal %d, %s)",
                 status, status - 128, strsignal(status - 128));
    } else {
        snprintf(out, room, "the process ended with status %d", status);
    }
}

/* Nothing more comes from the SUT: says how it ended. */
static enum conform_sut_status channel_tell_end(struct conform__channel *channel, const char *when,
                                                struct conform_error *error)
{
    if (!channel->is_process) {
        conform_error_set(error, "the control connection was closed %s", when);
        return CONFORM_SUT_DEAD;
    }
    uint64_t until = channel_after(CHANNEL_EXIT_MS);
    while (!channel->exited && channel_run_until(channel, until)) {
    }
    uv_run(channel->loop, UV_RUN_NOWAIT); /* what is left on stderr */
    if (!channel->exited) {
        conform_error_set(error, "the process closed its stdout %s, but lives on", when);
        return CONFORM_SUT_BROKEN;
    }
    char how[160];
    channel_describe_exit(channel, how, sizeof how);
    if (channel->err_last[0]) {
        char last[sizeof channel->err_last];
        conform__line_quote(channel->err_last, strlen(channel->err_last), last, sizeof last);
        conform_error_set(error, "%s %s; its last words on stderr: %s", how, when, last);
    } else {
        conform_error_set(error, "%s %s", how, when);
    }
    return CONFORM_SUT_DEAD;
}

static enum conform_sut_status channel_tell_line(const char *line, size_t size, const char *why,
                                                 struct conform_error *error)
{
    char quoted[400];
    conform__line_quote(line, size, quoted, sizeof quoted);
    conform_error_set(error, "%s; the line: %s", why, quoted);
    return CONFORM_SUT_BROKEN;
}

static enum conform_sut_status channel_check_length(const struct conform__channel *channel,
                                                    struct conform_error *error)
{
    const char *rest;
    if (conform__lines_rest(&channel->in, &rest) <= CONFORM__LINE_MAX) {
        return CONFORM_SUT_OK;
    }
    return channel_tell_line(rest, CHANNEL_QUOTE_MAX, "a line longer than 64 MiB came", error);
}

/* ---- requests ---- */

/* A line nobody asked for: an event, or something wrong. */
static enum conform_sut_status channel_take_event(struct conform__channel *channel,
                                                  const char *line, size_t size,
                                                  struct conform_error *error)
{
    if (channel->options.virtual_clock) {
        return channel_tell_line(line, size, "output came without a request", error);
    }
    struct conform_response response = {0};
    struct conform_error why;
    enum conform_line kind =
        conform_response_decode(line, size, CONFORM_UNKNOWN, UINT64_MAX, false,
                                channel->options.now(channel->options.ctx), &response, &why);
    if (kind == CONFORM_LINE_EVENT) {
        channel->options.on_event(channel->options.ctx, &response.outs[0]);
    }
    conform_response_clear(&response);
    if (kind == CONFORM_LINE_EVENT) {
        return CONFORM_SUT_OK;
    }
    return channel_tell_line(line, size, "a line that is no event came without a request", error);
}

enum conform_sut_status conform__channel_poll(struct conform__channel *channel,
                                              struct conform_error *error)
{
    const char *line;
    size_t size;
    while (conform__lines_next(&channel->in, &line, &size)) {
        enum conform_sut_status status = channel_take_event(channel, line, size, error);
        if (status != CONFORM_SUT_OK) {
            return status;
        }
    }
    if (channel->ended) {
        return channel_tell_end(channel, "while nothing was asked of it", error);
    }
    return channel_check_length(channel, error);
}

struct channel_write {
    uv_write_t request;
    char *line;
};

static void channel_on_write(uv_write_t *request, int status)
{
    (void)status; /* a SUT that does not read is seen by what it does not answer */
    struct channel_write *write = (struct channel_write *)request;
    free(write->line);
    free(write);
}

static void channel_send_line(struct conform__channel *channel, const char *line)
{
    struct channel_write *write = conform__alloc(sizeof *write);
    write->line = conform__strdup(line);
    uv_buf_t buf = uv_buf_init(write->line, (unsigned)strlen(line));
    if (uv_write(&write->request, &channel->to.stream, &buf, 1, channel_on_write) != 0) {
        channel_on_write(&write->request, 0);
    }
}

/* Waits for one line; `when` says before what, should it not come. */
static enum conform_sut_status channel_wait_line(struct conform__channel *channel, uint64_t until,
                                                 const char *when, const char **line, size_t *size,
                                                 struct conform_error *error)
{
    while (!conform__lines_next(&channel->in, line, size)) {
        enum conform_sut_status status = channel_check_length(channel, error);
        if (status != CONFORM_SUT_OK) {
            return status;
        }
        if (channel->ended || channel->exited) {
            uv_run(channel->loop, UV_RUN_NOWAIT); /* what it wrote before it ended */
            return conform__lines_next(&channel->in, line, size)
                       ? CONFORM_SUT_OK
                       : channel_tell_end(channel, when, error);
        }
        if (!channel_run_until(channel, until)) {
            conform_error_set(error, "the SUT hangs: more than %u ms %s", channel->options.limit_ms,
                              when);
            return CONFORM_SUT_HANG;
        }
    }
    return CONFORM_SUT_OK;
}

/* Nothing may be left from before; then the line goes out. Before the first nothing is looked at: a
 * start that fails is told as the answer that did not come. */
static enum conform_sut_status channel_begin(struct conform__channel *channel, const char *line,
                                             struct conform_error *error)
{
    enum conform_sut_status status = CONFORM_SUT_OK;
    if (channel->asked) {
        uv_run(channel->loop, UV_RUN_NOWAIT);
        status = conform__channel_poll(channel, error);
    }
    channel->asked = true;
    if (status == CONFORM_SUT_OK) {
        channel_send_line(channel, line);
    }
    return status;
}

enum conform_sut_status conform__channel_exchange(struct conform__channel *channel,
                                                  const char *line, char **answer,
                                                  struct conform_error *error)
{
    const char *got;
    size_t size;
    *answer = NULL;
    enum conform_sut_status status = channel_begin(channel, line, error);
    if (status == CONFORM_SUT_OK) {
        status = channel_wait_line(channel, channel_after(channel->options.limit_ms),
                                   "before it answered", &got, &size, error);
    }
    if (status == CONFORM_SUT_OK) {
        *answer = conform__realloc(NULL, size + 1);
        memcpy(*answer, got, size);
        (*answer)[size] = 0;
    }
    return status;
}

static enum conform_sut_status channel_wait_response(struct conform__channel *channel,
                                                     enum conform_op op, uint64_t id,
                                                     struct conform_response *response,
                                                     struct conform_error *error)
{
    bool is_virtual = channel->options.virtual_clock;
    uint64_t until = channel_after(channel->options.limit_ms);
    char when[80];
    snprintf(when, sizeof when, "before it answered `%s` (request %llu)", conform_op_name(op),
             (unsigned long long)id);
    for (;;) {
        const char *line;
        size_t size;
        enum conform_sut_status status =
            channel_wait_line(channel, until, when, &line, &size, error);
        if (status != CONFORM_SUT_OK) {
            return status;
        }
        uint64_t now = is_virtual ? 0 : channel->options.now(channel->options.ctx);
        struct conform_error why;
        switch (conform_response_decode(line, size, op, id, is_virtual, now, response, &why)) {
        case CONFORM_LINE_RESPONSE:
            if (response->broken) {
                conform_error_set(error, "%s", response->error);
            }
            return response->broken ? CONFORM_SUT_BROKEN : CONFORM_SUT_OK;
        case CONFORM_LINE_EVENT:
            channel->options.on_event(channel->options.ctx, &response->outs[0]);
            conform_response_clear(response);
            break;
        case CONFORM_LINE_BAD:
            return channel_tell_line(line, size, why.text, error);
        }
    }
}

enum conform_sut_status conform__channel_call(struct conform__channel *channel,
                                              const struct conform_request *request,
                                              struct conform_response *response,
                                              struct conform_error *error)
{
    memset(response, 0, sizeof *response);
    uint64_t id = ++channel->id_last;
    char *line = conform_request_encode(request, id);
    enum conform_sut_status status = channel_begin(channel, line, error);
    free(line);
    if (status == CONFORM_SUT_OK) {
        status = channel_wait_response(channel, request->op, id, response, error);
    }
    if (status != CONFORM_SUT_OK) {
        conform_response_clear(response);
    }
    return status;
}

enum conform_sut_status conform__channel_hello(struct conform__channel *channel,
                                               struct conform_response *hello,
                                               struct conform_error *error)
{
    const char *clock = channel->options.virtual_clock ? "virtual" : "wall";
    const struct conform_request request = {.op = CONFORM_HELLO, .contract = 1, .clock = clock};
    enum conform_sut_status status = conform__channel_call(channel, &request, hello, error);
    if (status == CONFORM_SUT_DEAD || status == CONFORM_SUT_HANG) {
        return CONFORM_SUT_NO_START;
    }
    if (status != CONFORM_SUT_OK) {
        return status;
    }
    if (!hello->ok) {
        conform_error_set(error, "`hello` (contract 1, %s clock) was refused: %s", clock,
                          hello->error);
        return CONFORM_SUT_NO_START;
    }
    if (hello->contract != 1 || strcmp(hello->clock, clock) != 0) {
        conform_error_set(error,
                          "`hello` asked for contract 1 with the %s clock and was answered "
                          "with contract %d, clock \"%s\"",
                          clock, hello->contract, hello->clock);
        return CONFORM_SUT_BROKEN;
    }
    /* a SUT that says ok to everything would let cases pass that it never understood */
    const struct conform_request made_up = {.op = CONFORM_UNKNOWN,
                                            .op_name = "is_this_request_unknown"};
    struct conform_response response;
    status = conform__channel_call(channel, &made_up, &response, error);
    if (status == CONFORM_SUT_OK && (response.ok || !response.unsupported)) {
        conform_error_set(error,
                          "a made-up request was answered with ok = %s and without "
                          "`unsupported`: true",
                          response.ok ? "true" : "false");
        status = CONFORM_SUT_BROKEN;
    }
    conform_response_clear(&response);
    return status;
}

/* ---- beginning ---- */

static struct conform__channel *channel_new(uv_loop_t *loop,
                                            const struct conform__channel_options *options)
{
    signal(SIGPIPE, SIG_IGN); /* a SUT that dies must not take the harness with it */
    struct conform__channel *channel = conform__alloc(sizeof *channel);
    channel->loop = loop;
    channel->options = *options;
    uv_timer_init(loop, &channel->timer);
    return channel;
}

static void channel_close_pairs(int pairs[3][2])
{
    for (int i = 0; i < 3; i++) {
        for (int end = 0; end < 2; end++) {
            if (pairs[i][end] >= 0) {
                close(pairs[i][end]);
            }
        }
    }
}

static int channel_spawn(struct conform__channel *channel, const char *command, int in, int out,
                         int err)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    char *text = conform__strdup(command);
    char *args[] = {shell, flag, text, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_INHERIT_FD, .data.fd = in},
        {.flags = UV_INHERIT_FD, .data.fd = out},
        {.flags = UV_INHERIT_FD, .data.fd = err},
    };
    const uv_process_options_t options = {
        .exit_cb = channel_on_exit,
        .file = shell,
        .args = args,
        .flags = UV_PROCESS_DETACHED, /* a group of its own, to be killed as a whole */
        .stdio_count = 3,
        .stdio = stdio,
    };
    int result = uv_spawn(channel->loop, &channel->process, &options);
    channel->process_started = result == 0;
    free(text);
    return result;
}

bool conform__channel_exec(uv_loop_t *loop, const char *command,
                           const struct conform__channel_options *options,
                           struct conform__channel **out, struct conform_error *error)
{
    struct conform__channel *channel = channel_new(loop, options);
    *out = channel;
    channel->is_process = true;
    uv_pipe_init(loop, &channel->to.pipe, 0);
    uv_pipe_init(loop, &channel->from.pipe, 0);
    uv_pipe_init(loop, &channel->err, 0);
    channel->from.handle.data = channel;
    channel->err.data = channel;
    channel->process.data = channel;
    /* pipes, not the socket pairs that uv would make: scripts open /dev/stdout and /dev/stderr */
    int pairs[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int result = 0;
    for (int i = 0; i < 3 && result == 0; i++) {
        result = pipe2(pairs[i], O_CLOEXEC) ? -errno : 0;
    }
    if (result == 0) {
        result = channel_spawn(channel, command, pairs[0][0], pairs[1][1], pairs[2][1]);
    }
    if (result != 0) {
        conform_error_set(error, "the process cannot be started: %s", uv_strerror(result));
        channel_close_pairs(pairs);
        return false;
    }
    close(pairs[0][0]);
    close(pairs[1][1]);
    close(pairs[2][1]);
    uv_pipe_open(&channel->to.pipe, pairs[0][1]);
    uv_pipe_open(&channel->from.pipe, pairs[1][0]);
    uv_pipe_open(&channel->err, pairs[2][0]);
    uv_read_start(&channel->from.stream, channel_on_alloc, channel_on_read);
    uv_read_start((uv_stream_t *)&channel->err, channel_on_alloc, channel_on_stderr);
    return true;
}

bool conform__channel_tcp(uv_loop_t *loop, const char *address,
                          const struct conform__channel_options *options,
                          struct conform__channel **out, struct conform_error *error)
{
    struct conform__channel *channel = channel_new(loop, options);
    *out = channel;
    uv_tcp_init(loop, &channel->to.tcp);
    channel->to.handle.data = channel;
    struct sockaddr_storage parsed;
    if (!conform__address_parse(address, &parsed, error)) {
        return false;
    }
    int fd = conform__dial((struct sockaddr *)&parsed, CHANNEL_CONNECT_MS);
    if (fd < 0) {
        conform_error_set(error, "no control connection to %s: %s", address, strerror(-fd));
        return false;
    }
    uv_tcp_open(&channel->to.tcp, fd);
    uv_tcp_nodelay(&channel->to.tcp, 1);
    uv_read_start(&channel->to.stream, channel_on_alloc, channel_on_read);
    return true;
}

/* ---- end ---- */

static bool channel_alive(const struct conform__channel *channel)
{
    return channel->is_process ? channel->process_started && !channel->exited : !channel->ended;
}

static void channel_wait_exit(struct conform__channel *channel, unsigned ms)
{
    uint64_t until = channel_after(ms);
    while (!channel->exited && channel_run_until(channel, until)) {
    }
}

int conform__channel_end(struct conform__channel *channel, bool polite)
{
    if (polite && channel_alive(channel)) {
        const struct conform_request bye = {.op = CONFORM_BYE};
        struct conform_response response;
        struct conform_error error;
        conform__channel_call(channel, &bye, &response, &error); /* what it says is told no more */
        conform_response_clear(&response);
    }
    if (!channel->is_process || !channel->process_started) {
        return -1;
    }
    if (polite) {
        channel_wait_exit(channel, CHANNEL_EXIT_MS);
    }
    int status = channel->exited && !channel->exit_signal ? (int)channel->exit_status : -1;
    int group = -channel->process.pid;
    if (!channel->exited) {
        kill(group, SIGTERM);
        channel_wait_exit(channel, CHANNEL_TERM_MS);
    }
    if (!channel->exited || !channel->ended) {
        kill(group, SIGKILL); /* and what it started and left behind */
        channel_wait_exit(channel, CHANNEL_EXIT_MS);
    }
    return polite ? status : -1;
}

void conform__channel_free(struct conform__channel *channel)
{
    if (channel) {
        conform__lines_free(&channel->in);
        free(channel);
    }
}
