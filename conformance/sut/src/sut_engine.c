/* Attached as "engine": the engine itself, in this process.
 * SPDX-License-Identifier: MIT */
#include "sut_internal.h"

static enum conform_sut_status engine_start(struct conform_sut *sut, struct conform_error *error)
{
    if (sut->target[0]) {
        conform_error_set(error, "nothing may follow \"engine\"");
        return CONFORM_SUT_NO_START;
    }
    sut->impl = conform_engine_sut_new(false);
    const struct conform_request hello = {.op = CONFORM_HELLO, .contract = 1, .clock = "virtual"};
    conform_engine_sut_call(sut->impl, &hello, &sut->hello);
    return CONFORM_SUT_OK;
}

static void engine_stop(struct conform_sut *sut, bool polite)
{
    (void)polite;
    conform_engine_sut_free(sut->impl);
    sut->impl = NULL;
}

static enum conform_sut_status engine_call(struct conform_sut *sut,
                                           const struct conform_request *request,
                                           struct conform_response *response,
                                           struct conform_error *error)
{
    (void)error;
    conform_engine_sut_call(sut->impl, request, response);
    return CONFORM_SUT_OK;
}

const struct conform__way conform__way_engine = {
    .prefix = "engine",
    .virtual_clock = true,
    .start = engine_start,
    .stop = engine_stop,
    .call = engine_call,
};
