/* Attached as "so:PATH" in this process (conform_sut_options.in_process): a call is a call. What
 * crashes or hangs in the object crashes or hangs the program, as fuzzing wants it.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "json_bytes.h"
#include "so_host.h"
#include "sut_internal.h"

static enum conform_sut_status so_call(struct conform_sut *sut,
                                       const struct conform_request *request,
                                       struct conform_response *response,
                                       struct conform_error *error)
{
    conform__so_call(sut->impl, request, response);
    if (response->broken) {
        conform_error_set(error, "%s", response->error);
        return CONFORM_SUT_BROKEN;
    }
    return CONFORM_SUT_OK;
}

static void so_stop(struct conform_sut *sut, bool polite)
{
    (void)polite;
    if (sut->impl != NULL) /* NULL: it did not start, and is given up */
        conform__so_free(sut->impl);
    sut->impl = NULL;
}

static enum conform_sut_status so_start(struct conform_sut *sut, struct conform_error *error)
{
    const struct conform_request hello = {.op = CONFORM_HELLO, .contract = 1, .clock = "virtual"};

    sut->impl = conform__so_new(sut->target);
    enum conform_sut_status status = so_call(sut, &hello, &sut->hello, error);
    if (status == CONFORM_SUT_OK && !sut->hello.ok) {
        conform_error_set(error, "%s", sut->hello.error ? sut->hello.error : "it refuses hello");
        status = CONFORM_SUT_NO_START;
    }
    if (status != CONFORM_SUT_OK) {
        conform_response_clear(&sut->hello);
        so_stop(sut, false);
    }
    return status;
}

const struct conform__way conform__way_so_here = {
    .prefix = "so",
    .virtual_clock = true,
    .start = so_start,
    .stop = so_stop,
    .call = so_call,
};
