/* The messages of SUT contract 1: names and memory. Their JSON form is in message_request.c and
 * message_response.c.
 * SPDX-License-Identifier: MIT */
#include "conform/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

static const char *const op_names[CONFORM_OP_COUNT] = {
    [CONFORM_HELLO] = "hello",
    [CONFORM_CONFIGURE] = "configure",
    [CONFORM_RESET] = "reset",
    [CONFORM_OPEN] = "open",
    [CONFORM_PRESET] = "preset",
    [CONFORM_SEND] = "send",
    [CONFORM_SEND_UNRELIABLE] = "send_unreliable",
    [CONFORM_CLOSE] = "close",
    [CONFORM_DISPOSE] = "dispose",
    [CONFORM_SHUTDOWN] = "shutdown",
    [CONFORM_RX] = "rx",
    [CONFORM_SENT] = "sent",
    [CONFORM_ADVANCE] = "advance",
    [CONFORM_STATE] = "state",
    [CONFORM_BYE] = "bye",
    [CONFORM_UNKNOWN] = "unknown",
};

const char *conform_op_name(enum conform_op op)
{
    return (unsigned)op < CONFORM_OP_COUNT ? op_names[op] : op_names[CONFORM_UNKNOWN];
}

void conform_error_set(struct conform_error *error, const char *format, ...)
{
    char text[sizeof error->text]; /* the arguments may be the old text */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(error->text, text, sizeof text);
}

void conform_out_clear(struct conform_out *out)
{
    conform__attributes_free(out->attributes, out->attribute_count);
    free(out->remote);
    free(out->bytes);
    free(out->label);
    free(out->operation);
    free(out->word);
    free(out->why);
    memset(out, 0, sizeof *out);
}

static void message_texts_free(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

void conform_response_clear(struct conform_response *response)
{
    for (size_t i = 0; i < response->out_count; i++) {
        conform_out_clear(&response->outs[i]);
    }
    free(response->outs);
    free(response->error);
    free(response->name);
    free(response->version);
    free(response->clock);
    free(response->listen);
    free(response->state);
    message_texts_free(response->capabilities, response->capability_count);
    message_texts_free(response->refused, response->refused_count);
    memset(response, 0, sizeof *response);
}

struct conform_out *conform_response_add(struct conform_response *response)
{
    size_t count = response->out_count;
    if ((count & (count - 1)) == 0) { /* full at every power of two */
        size_t room = count ? count * 2 : 1;
        response->outs = conform__realloc(response->outs, room * sizeof *response->outs);
    }
    response->out_count++;
    return memset(&response->outs[count], 0, sizeof response->outs[count]);
}
