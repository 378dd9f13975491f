/* Drives an attached SUT from the command line, for the tests: sut_drive SPEC LIMIT_MS COMMAND...
 * Each argument is one command; what comes of it is printed, a line each, outputs indented. Started
 * with `sut` it is what the sipc program is then, which so:PATH needs.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/sut.h"

static struct conform_sut *sut;
static uint8_t session[SIPC_SESSION_ID_SIZE];

static const char *const kinds[] = {"tx", "deliver", "result", "state", "discard", "eof"};
static unsigned counts[6]; /* of outputs by kind, since reset */

static const char *drive_status(enum conform_sut_status status)
{
    static const char *const names[] = {"ok", "no_start", "broken", "dead", "hang"};
    return names[status];
}

static void drive_print_out(const struct conform_out *out)
{
    printf("  %s peer=%s", kinds[out->kind], out->remote ? out->remote : "?");
    if (out->kind == CONFORM_OUT_TX) {
        printf(" token=%" PRIu64 " size=%zu ", out->token, out->size);
        for (size_t i = 0; i < out->size && i < 200; i++) {
            printf("%02x", out->bytes[i]);
        }
    } else if (out->kind == CONFORM_OUT_DELIVER) {
        printf(" size=%zu \"%.*s\"", out->size, (int)out->size, (const char *)out->bytes);
        for (size_t i = 0; i < out->attribute_count; i++) {
            const struct conform_attribute *a = &out->attributes[i];
            printf(" %.*s=%.*s", (int)a->name.size, (const char *)a->name.data, (int)a->value.size,
                   (const char *)a->value.data);
        }
    } else {
        printf(" %s %s", out->label ? out->label : "-", out->word ? out->word : "-");
        if (out->has_code) {
            printf(" %" PRId64, out->code);
        }
    }
    printf("\n");
}

static void drive_print(const char *command, enum conform_sut_status status,
                        struct conform_response *response, const struct conform_error *error)
{
    if (status != CONFORM_SUT_OK) {
        printf("%s: %s: %s\n", command, drive_status(status), error->text);
    } else if (!response->ok) {
        printf("%s: %s: %s\n", command, response->unsupported ? "unsupported" : "refused",
               response->error);
    } else {
        printf("%s: ok", command);
        for (size_t i = 0; i < response->refused_count; i++) {
            printf(" refused=%s", response->refused[i]);
        }
        printf(response->state ? " %s\n" : "\n", response->state);
    }
    for (size_t i = 0; i < response->out_count; i++) {
        counts[response->outs[i].kind]++;
        if (i < 20) {
            drive_print_out(&response->outs[i]);
        }
    }
    if (response->out_count > 20) {
        printf("  and %zu more\n", response->out_count - 20);
    }
    conform_response_clear(response);
}

static size_t drive_hex(const char *text, uint8_t *out, size_t room)
{
    size_t size = 0;
    for (unsigned byte; size < room && sscanf(text, "%2x", &byte) == 1; text += 2) {
        out[size++] = (uint8_t)byte;
    }
    return size;
}

static void drive_call(const char *command, const struct conform_request *request)
{
    struct conform_response response;
    struct conform_error error;
    enum conform_sut_status status = conform_sut_call(sut, request, &response, &error);
    drive_print(command, status, &response, &error);
}

static void drive_configure(const char *command, char *words)
{
    struct conform_setting settings[16];
    struct conform_request request = {.op = CONFORM_CONFIGURE, .settings = settings};
    for (char *word = strtok(words, " "); word && request.setting_count < 16;
         word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        if (!value) {
            continue;
        }
        *value++ = 0;
        struct conform_setting *setting = &settings[request.setting_count++];
        char *end;
        *setting = (struct conform_setting){.name = word, .value = strtoll(value, &end, 10)};
        setting->boolean = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
        if (setting->boolean) {
            setting->value = strcmp(value, "true") == 0;
        } else if (*end) {
            setting->word = value;
        }
    }
    drive_call(command, &request);
}

static void drive_step(const char *command, unsigned ms)
{
    struct conform_response response;
    struct conform_error error;
    uint64_t until = conform_sut_now(sut) + ms * SIPC_NS_PER_MS;
    enum conform_sut_status status = conform_sut_step(sut, until, &response, &error);
    drive_print(command, status, &response, &error);
}

/* "await tx 2": lets time pass, five seconds at most, until so many outputs have come since reset.
 */
static void drive_await(const char *command, const char *rest)
{
    char kind[16];
    unsigned wanted = 0;
    size_t which = 0;
    if (sscanf(rest, "%15s %u", kind, &wanted) != 2) {
        exit(2);
    }
    while (which < 5 && strcmp(kinds[which], kind) != 0) {
        which++;
    }
    uint64_t until = conform_sut_now(sut) + 5000 * SIPC_NS_PER_MS;
    while (counts[which] < wanted && conform_sut_now(sut) < until) {
        struct conform_response response;
        struct conform_error error;
        enum conform_sut_status status = conform_sut_step(sut, until, &response, &error);
        drive_print(command, status, &response, &error);
        if (status != CONFORM_SUT_OK) {
            return;
        }
    }
    if (counts[which] < wanted) {
        printf("%s: only %u came\n", command, counts[which]);
    }
}

/* Steps until something ends the SUT. */
static void drive_flood(void)
{
    struct conform_response response = {0};
    struct conform_error error;
    enum conform_sut_status status = CONFORM_SUT_OK;
    for (int i = 0; i < 1000000 && status == CONFORM_SUT_OK; i++) {
        conform_response_clear(&response);
        status = conform_sut_step(sut, conform_sut_now(sut) + SIPC_NS_PER_MS, &response, &error);
    }
    drive_print("flood", status, &response, &error);
}

/* Sends large PDUs until something ends the SUT. */
static void drive_stuff(void)
{
    static const uint8_t zeros[60000];
    struct conform_response response = {0};
    struct conform_error error;
    enum conform_sut_status status = CONFORM_SUT_OK;
    for (int i = 0; i < 10000 && status == CONFORM_SUT_OK; i++) {
        const struct conform_request rx = {
            .op = CONFORM_RX, .from = "P", .pdu = {zeros, sizeof zeros}};
        conform_response_clear(&response);
        status = conform_sut_call(sut, &rx, &response, &error);
    }
    drive_print("stuff", status, &response, &error);
}

static void drive_hello(void)
{
    const struct conform_response *hello = conform_sut_hello(sut);
    printf("hello: %s listen=%s control=%d stream=%d virtual=%d:", hello->name,
           hello->listen ? hello->listen : "-", conform_sut_has_control(sut),
           conform_sut_is_stream(sut), conform_sut_is_virtual(sut));
    for (size_t i = 0; i < hello->capability_count; i++) {
        printf(" %s", hello->capabilities[i]);
    }
    printf("\n");
}

static void drive_restart(const char *command)
{
    struct conform_error error;
    enum conform_sut_status status = conform_sut_restart(sut, &error);
    printf("%s: %s%s%s\n", command, drive_status(status), status ? ": " : "",
           status ? error.text : "");
}

/* Commands with a session; they go to peer P. */
static bool drive_session(const char *command, const char *name, const char *rest)
{
    const struct sipc_span data = {(const uint8_t *)rest, strlen(rest)};
    const struct conform_attribute attribute = {{(const uint8_t *)"color", 5},
                                                {(const uint8_t *)"red", 3}};
    struct conform_request request = {.session = session, .remote = "P"};
    if (strcmp(name, "open") == 0) {
        request.op = CONFORM_OPEN;
    } else if (strcmp(name, "send") == 0) {
        request.op = CONFORM_SEND;
        request.label = rest;
        request.data = data;
        request.attributes = &attribute;
        request.attribute_count = 1;
    } else if (strcmp(name, "send_unreliable") == 0) {
        request.op = CONFORM_SEND_UNRELIABLE;
        request.label = rest;
        request.skip = true;
        request.has_size = true;
        request.size = 5;
    } else if (strcmp(name, "close") == 0) {
        request.op = CONFORM_CLOSE;
        request.label = "closing";
        request.code = atoi(rest);
    } else if (strcmp(name, "dispose") == 0) {
        request.op = CONFORM_DISPOSE;
        request.code = SIPC_LOCAL_SHUTDOWN;
    } else if (strcmp(name, "state") == 0) {
        request.op = CONFORM_STATE;
        request.remote = NULL;
    } else {
        return false;
    }
    drive_call(command, &request);
    return true;
}

static void drive_command(const char *command)
{
    static uint8_t pdu[1 << 17];
    char *copy = strdup(command);
    char *name = strtok(copy, " ");
    char *rest = strtok(NULL, "");
    char *peer = strchr(name, '@');
    rest = rest ? rest : copy + strlen(copy);
    if (peer) {
        *peer++ = 0;
    }
    if (strcmp(name, "rx") == 0) {
        size_t size = drive_hex(rest, pdu, sizeof pdu);
        drive_call(command, &(struct conform_request){
                                .op = CONFORM_RX, .from = peer ? peer : "P", .pdu = {pdu, size}});
    } else if (strcmp(name, "step") == 0) {
        drive_step(command, (unsigned)atoi(rest));
    } else if (strcmp(name, "reset") == 0) {
        memset(counts, 0, sizeof counts);
        drive_call(command, &(struct conform_request){.op = CONFORM_RESET});
    } else if (strcmp(name, "shutdown") == 0) {
        drive_call(command, &(struct conform_request){.op = CONFORM_SHUTDOWN});
    } else if (strcmp(name, "configure") == 0) {
        drive_configure(command, rest);
    } else if (strcmp(name, "hello") == 0) {
        drive_hello();
    } else if (strcmp(name, "await") == 0) {
        drive_await(command, rest);
    } else if (strcmp(name, "flood") == 0) {
        drive_flood();
    } else if (strcmp(name, "stuff") == 0) {
        drive_stuff();
    } else if (strcmp(name, "restart") == 0) {
        drive_restart(command);
    } else if (strcmp(name, "stderr") == 0) {
        char *text = conform_sut_take_stderr(sut);
        printf("stderr: %s\n", text ? text : "(nothing)");
        free(text);
    } else if (strcmp(name, "partial") == 0) {
        printf("partial: %zu\n", conform_sut_partial_bytes(sut));
    } else if (strcmp(name, "now") == 0) {
        printf("now: %" PRIu64 " ms\n", conform_sut_now(sut) / SIPC_NS_PER_MS);
    } else if (strcmp(name, "lateness") == 0) {
        printf("lateness: %.1f ms\n", (double)conform_sut_lateness(sut) / SIPC_NS_PER_MS);
    } else if (strcmp(name, "nap") == 0) { /* the harness is busy with something else */
        poll(NULL, 0, atoi(rest));
    } else if (!drive_session(command, name, rest)) {
        printf("%s: what is this?\n", command);
        exit(2);
    }
    free(copy);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sut") == 0) {
        return conform_cmd_sut(argc - 1, argv + 1);
    }
    if (argc < 3) {
        fprintf(stderr, "usage: sut_drive SPEC LIMIT_MS COMMAND...\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i++) {
        session[i] = (uint8_t)(0xa0 + i);
    }
    const struct conform_sut_options options = {.response_limit_ms = (unsigned)atoi(argv[2])};
    struct conform_error error;
    enum conform_sut_status status = conform_sut_attach(argv[1], &options, &sut, &error);
    printf("attach: %s%s%s\n", drive_status(status), status ? ": " : "", status ? error.text : "");
    if (status != CONFORM_SUT_OK) {
        return 3;
    }
    for (int i = 3; i < argc; i++) {
        drive_command(argv[i]);
    }
    conform_sut_detach(sut);
    return 0;
}
