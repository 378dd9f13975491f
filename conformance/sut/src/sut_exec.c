/* Attached as "exec:CMD": a child process with the virtual clock, a line of JSON per request. And
 * as "so:PATH": the same, the process being this program itself as `sipc sut --so PATH`, so that
 * what crashes or hangs in a shared object leaves the harness alone. SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "address.h"
#include "channel.h"
#include "json_bytes.h"
#include "sut_internal.h"

struct exec {
    uv_loop_t loop;
    struct conform__channel *channel;
};

static void exec_stop(struct conform_sut *sut, bool polite)
{
    struct exec *exec = sut->impl;
    if (exec) {
        conform__channel_end(exec->channel, polite);
        conform__loop_close(&exec->loop);
        conform__channel_free(exec->channel);
        free(exec);
    }
    sut->impl = NULL;
}

static enum conform_sut_status exec_start_command(struct conform_sut *sut, const char *command,
                                                  struct conform_error *error)
{
    struct exec *exec = conform__alloc(sizeof *exec);
    sut->impl = exec;
    uv_loop_init(&exec->loop);
    const struct conform__channel_options options = {
        .virtual_clock = true,
        .verbose = sut->options.verbose,
        .limit_ms = sut->options.response_limit_ms,
    };
    enum conform_sut_status status = CONFORM_SUT_NO_START;
    if (conform__channel_exec(&exec->loop, command, &options, &exec->channel, error)) {
        status = conform__channel_hello(exec->channel, &sut->hello, error);
    }
    if (status != CONFORM_SUT_OK) {
        exec_stop(sut, false);
    }
    return status;
}

static enum conform_sut_status exec_start(struct conform_sut *sut, struct conform_error *error)
{
    return exec_start_command(sut, sut->target, error);
}

/* The shell command that starts this program anew around a shared object: by the number of this
 * process, which finds the program also where its file was replaced since. malloc'ed. */
static char *exec_host_command(const char *path)
{
    char *command = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&command, &size);
    if (!out) {
        abort();
    }
    fprintf(out, "exec /proc/%ld/exe sut --so '", (long)getpid());
    for (; *path; path++) {
        fputs(*path == '\'' ? "'\\''" : (char[]){*path, 0}, out);
    }
    fputc('\'', out);
    fclose(out);
    return command;
}

static enum conform_sut_status exec_start_host(struct conform_sut *sut, struct conform_error *error)
{
    char *command = exec_host_command(sut->target);
    enum conform_sut_status status = exec_start_command(sut, command, error);
    free(command);
    return status;
}

static enum conform_sut_status exec_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    struct exec *exec = sut->impl;
    return conform__channel_call(exec->channel, request, response, error);
}

static char *exec_take_stderr(struct conform_sut *sut)
{
    struct exec *exec = sut->impl;
    return exec ? conform__channel_take_stderr(exec->channel) : NULL;
}

const struct conform__way conform__way_exec = {
    .prefix = "exec",
    .virtual_clock = true,
    .start = exec_start,
    .stop = exec_stop,
    .call = exec_call,
    .take_stderr = exec_take_stderr,
};

const struct conform__way conform__way_so = {
    .prefix = "so",
    .virtual_clock = true,
    .start = exec_start_host,
    .stop = exec_stop,
    .call = exec_call,
    .take_stderr = exec_take_stderr,
};
