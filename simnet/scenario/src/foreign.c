/* Hosts that run any implementation: an attached SUT with a virtual clock (conform/sut.h) behind
 * the driver of a host. Its time is the host's clock since its start. What it puts out waits for
 * drain. Peers are told to it by name, "h" and the address; sends by label, the operation's number.
 *
 * A SUT that dies, hangs or breaks its contract falls silent; `check` tells of it.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/sut.h"
#include "internal.h"
#include "sipc/pdu.h"

enum { FOREIGN_SETTINGS_MAX = 20, FOREIGN_ATTRIBUTES_MAX = 2 * 65536 };

struct foreign {
    struct simnet_world *world;
    simnet_host host;
    struct conform_sut *sut;
    char *spec;                       /* as it was attached */
    struct simnet_foreigns *foreigns; /* where it goes when it is no longer needed; or NULL */
    struct conform_setting settings[FOREIGN_SETTINGS_MAX];
    size_t setting_count;
    sipc_time started_ns;     /* on the host's clock */
    sipc_time deadline_ns;    /* since its start */
    struct conform_out *outs; /* to be drained */
    size_t out_count, out_capacity;
    uint8_t *attributes; /* FOREIGN_ATTRIBUTES_MAX */
    bool broken;
    char why[1024];
};

/* ---- kept from run to run ---- */

struct foreign_kept {
    char *spec;
    struct conform_sut *sut;
};

struct simnet_foreigns {
    struct foreign_kept *at;
    size_t count, capacity;
};

struct simnet_foreigns *simnet_foreigns_new(void)
{
    struct simnet_foreigns *foreigns = calloc(1, sizeof *foreigns);

    if (foreigns == NULL)
        abort();
    return foreigns;
}

void simnet_foreigns_free(struct simnet_foreigns *foreigns)
{
    for (size_t i = 0; foreigns != NULL && i < foreigns->count; i++) {
        conform_sut_detach(foreigns->at[i].sut);
        free(foreigns->at[i].spec);
    }
    if (foreigns != NULL)
        free(foreigns->at);
    free(foreigns);
}

/* NULL: none is kept of this spec. */
static struct conform_sut *foreigns_take(struct simnet_foreigns *foreigns, const char *spec)
{
    for (size_t i = 0; foreigns != NULL && i < foreigns->count; i++) {
        struct foreign_kept kept = foreigns->at[i];
        if (strcmp(kept.spec, spec) != 0)
            continue;
        free(kept.spec);
        simnet_scenario_cut(foreigns->at, &foreigns->count, i, sizeof kept);
        return kept.sut;
    }
    return NULL;
}

/* Takes over both. */
static void foreigns_keep(struct simnet_foreigns *foreigns, char *spec, struct conform_sut *sut)
{
    foreigns->at = simnet_scenario_grow(foreigns->at, foreigns->count, &foreigns->capacity,
                                        sizeof *foreigns->at);
    foreigns->at[foreigns->count++] = (struct foreign_kept){spec, sut};
}

/* ---- requests ---- */

static void foreign_break(struct foreign *foreign, const char *why)
{
    if (!foreign->broken)
        snprintf(foreign->why, sizeof foreign->why, "%s", why);
    foreign->broken = true;
    foreign->deadline_ns = SIPC_NEVER;
}

/* Takes what came of a request. */
static bool foreign_take(struct foreign *foreign, enum conform_sut_status status,
                         struct conform_response *response, const struct conform_error *error)
{
    if (status != CONFORM_SUT_OK) {
        foreign_break(foreign, error->text);
        return false;
    }
    for (size_t i = 0; i < response->out_count; i++) {
        foreign->outs = simnet_scenario_grow(foreign->outs, foreign->out_count,
                                             &foreign->out_capacity, sizeof *foreign->outs);
        foreign->outs[foreign->out_count++] = response->outs[i];
        response->outs[i] = (struct conform_out){0};
    }
    foreign->deadline_ns = response->deadline_ns;
    return true;
}

static bool foreign_call(struct foreign *foreign, const struct conform_request *request, bool *ok)
{
    struct conform_response response = {0};
    struct conform_error error;

    if (foreign->broken)
        return false;
    bool alive = foreign_take(foreign, conform_sut_call(foreign->sut, request, &response, &error),
                              &response, &error);
    *ok = alive && response.ok;
    conform_response_clear(&response);
    return alive;
}

/* Lets the SUT's time go on to the host's `now`. */
static void foreign_catch_up(struct foreign *foreign, sipc_time now)
{
    sipc_time to = now - foreign->started_ns;

    while (!foreign->broken && conform_sut_now(foreign->sut) < to) {
        struct conform_response response = {0};
        struct conform_error error;
        enum conform_sut_status status = conform_sut_step(foreign->sut, to, &response, &error);
        foreign_take(foreign, status, &response, &error);
        conform_response_clear(&response);
    }
}

static const char *foreign_peer(sipc_peer address, char out[24])
{
    snprintf(out, 24, "h%" PRIu64, address);
    return out;
}

/* The address a name stands for; 0, which no host has, if it is none of ours. */
static sipc_peer foreign_address(const char *name)
{
    return name != NULL && name[0] == 'h' ? strtoull(name + 1, NULL, 10) : 0;
}

/* ---- lives ---- */

static enum sipc_status foreign_start(void *self, struct simnet_world *world, simnet_host host,
                                      sipc_time now)
{
    struct foreign *foreign = self;
    struct conform_request request = {.op = CONFORM_CONFIGURE,
                                      .settings = foreign->settings,
                                      .setting_count = foreign->setting_count};
    bool ok;

    foreign->world = world;
    foreign->host = host;
    foreign->started_ns = now;
    if (!foreign_call(foreign, &request, &ok))
        return SIPC_OK; /* `check` tells */
    if (!ok)
        foreign_break(foreign, "it refused its settings");
    request = (struct conform_request){.op = CONFORM_RESET};
    if (foreign_call(foreign, &request, &ok) && !ok)
        foreign_break(foreign, "it refused to reset");
    return SIPC_OK;
}

static void foreign_drop_outs(struct foreign *foreign)
{
    for (size_t i = 0; i < foreign->out_count; i++)
        conform_out_clear(&foreign->outs[i]);
    foreign->out_count = 0;
}

/* A crash: it is not told; the next life begins with a reset. */
static void foreign_stop(void *self)
{
    struct foreign *foreign = self;

    foreign_drop_outs(foreign);
    foreign->deadline_ns = SIPC_NEVER;
}

static void foreign_fini(void *self)
{
    struct foreign *foreign = self;

    foreign_drop_outs(foreign);
    if (foreign->foreigns != NULL && !foreign->broken) {
        foreigns_keep(foreign->foreigns, foreign->spec, foreign->sut);
    } else {
        conform_sut_detach(foreign->sut);
        free(foreign->spec);
    }
    free(foreign->outs);
    free(foreign->attributes);
    free(foreign);
}

static const char *foreign_check(const void *self)
{
    const struct foreign *foreign = self;

    return foreign->broken ? foreign->why : NULL;
}

/* ---- outputs ---- */

static int foreign_index(const char *word, const char *(*name)(int), int count)
{
    for (int i = 0; i < count; i++)
        if (word != NULL && strcmp(name(i), word) == 0)
            return i;
    return -1;
}

static const char *foreign_outcome_name(int index)
{
    return sipc_outcome_name((enum sipc_outcome)index);
}

static const char *foreign_state_name(int index)
{
    return sipc_state_name((enum sipc_state)index);
}

static const char *foreign_discard_name(int index)
{
    return sipc_discard_name((enum sipc_discard)index);
}

static void foreign_transmit(struct foreign *foreign, const struct conform_out *out)
{
    struct simnet_transmit transmit = {.to = foreign_address(out->remote),
                                       .head = {out->bytes, out->size}};

    if (out->size > SIPC_PDU_SIZE_MAX)
        foreign_break(foreign, "it sent a datagram of more than 65,500 bytes");
    else
        simnet_port_transmit(foreign->world, foreign->host, &transmit);
}

static void foreign_deliver(struct foreign *foreign, const struct conform_out *out)
{
    size_t used = 0;

    for (size_t i = 0; i < out->attribute_count; i++)
        if (sipc_attribute_add(out->attributes[i].name, out->attributes[i].value,
                               foreign->attributes, FOREIGN_ATTRIBUTES_MAX, &used) != SIPC_OK)
            foreign_break(foreign, "it delivered attributes no group can have");
    simnet_port_deliver(foreign->world, foreign->host, foreign_address(out->remote), out->session,
                        (struct sipc_span){out->bytes, out->size},
                        (struct sipc_span){foreign->attributes, used});
}

static void foreign_result(struct foreign *foreign, const struct conform_out *out)
{
    int outcome = foreign_index(out->word, foreign_outcome_name, SIPC_OUTCOME_CLOSED + 1);
    uint64_t handle = out->label != NULL ? strtoull(out->label, NULL, 10) : 0;

    if (outcome < 0 || handle == 0)
        foreign_break(foreign, "it told the end of an operation nobody began");
    else
        simnet_port_result(foreign->world, foreign->host, handle, (enum sipc_outcome)outcome,
                           (int32_t)out->code);
}

static void foreign_act(struct foreign *foreign, const struct conform_out *out)
{
    sipc_peer remote = foreign_address(out->remote);
    int index;

    switch (out->kind) {
    case CONFORM_OUT_TX:
        foreign_transmit(foreign, out);
        break;
    case CONFORM_OUT_DELIVER:
        foreign_deliver(foreign, out);
        break;
    case CONFORM_OUT_RESULT:
        foreign_result(foreign, out);
        break;
    case CONFORM_OUT_STATE:
        index = foreign_index(out->word, foreign_state_name, SIPC_DISPOSED + 1);
        if (index >= 0)
            simnet_port_state(foreign->world, foreign->host, remote, out->session,
                              (enum sipc_state)index, (int32_t)out->code);
        break;
    case CONFORM_OUT_DISCARD:
        index = foreign_index(out->word, foreign_discard_name, SIPC_DISCARD_COUNT);
        if (index > 0)
            simnet_port_discard(foreign->world, foreign->host, remote,
                                out->has_session ? out->session : NULL, (enum sipc_discard)index,
                                sipc_discard_rule((enum sipc_discard)index));
        break;
    case CONFORM_OUT_EOF:
        break;
    }
}

static void foreign_drain(void *self)
{
    struct foreign *foreign = self;

    for (size_t i = 0; i < foreign->out_count; i++)
        foreign_act(foreign, &foreign->outs[i]);
    foreign_drop_outs(foreign);
}

/* ---- events in ---- */

static void foreign_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct foreign *foreign = self;
    char peer[24];
    bool ok;

    foreign_catch_up(foreign, now);
    foreign_call(
        foreign,
        &(struct conform_request){.op = CONFORM_RX, .from = foreign_peer(from, peer), .pdu = bytes},
        &ok);
}

static void foreign_advance(void *self, sipc_time now)
{
    foreign_catch_up(self, now);
}

static sipc_time foreign_deadline(const void *self)
{
    const struct foreign *foreign = self;

    return foreign->deadline_ns == SIPC_NEVER ? SIPC_NEVER
                                              : foreign->started_ns + foreign->deadline_ns;
}

static enum sipc_status foreign_open(void *self, sipc_time now, simnet_session session,
                                     sipc_peer remote, const uint8_t *session_id,
                                     int64_t idle_timeout_ns)
{
    struct foreign *foreign = self;
    char peer[24];
    bool ok;

    (void)session;
    foreign_catch_up(foreign, now);
    struct conform_request request = {.op = CONFORM_OPEN,
                                      .session = session_id,
                                      .remote = foreign_peer(remote, peer),
                                      .has_idle_timeout = idle_timeout_ns != INT64_MIN,
                                      .idle_timeout_ms = idle_timeout_ns / (int64_t)SIPC_NS_PER_MS};
    if (!foreign_call(foreign, &request, &ok))
        return SIPC_E_STATE;
    return ok ? SIPC_OK : SIPC_E_EXISTS;
}

static enum sipc_status foreign_refusal(const struct conform_out *out)
{
    static const struct {
        const char *why;
        enum sipc_status status;
    } rows[] = {{"busy", SIPC_E_BUSY},       {"state", SIPC_E_STATE},
                {"size", SIPC_E_SIZE},       {"attributes", SIPC_E_ATTRIBUTES},
                {"opening", SIPC_E_OPENING}, {"no_id", SIPC_E_NO_ID}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (out->why != NULL && strcmp(out->why, rows[i].why) == 0)
            return rows[i].status;
    return SIPC_E_STATE;
}

/* A send or close: OK if it began. A refusal is among the outputs, and taken out of them. */
static enum sipc_status foreign_begin(struct foreign *foreign, struct conform_request *request,
                                      uint64_t handle)
{
    char label[24];
    bool ok;

    snprintf(label, sizeof label, "%" PRIu64, handle);
    request->label = label;
    if (!foreign_call(foreign, request, &ok) || !ok)
        return SIPC_E_STATE;
    for (size_t i = 0; i < foreign->out_count; i++) {
        struct conform_out *out = &foreign->outs[i];
        if (out->kind != CONFORM_OUT_RESULT || out->label == NULL ||
            strcmp(out->label, label) != 0 || out->word == NULL ||
            strcmp(out->word, "refused") != 0)
            continue;
        enum sipc_status status = foreign_refusal(out);
        conform_out_clear(out);
        simnet_scenario_cut(foreign->outs, &foreign->out_count, i, sizeof *out);
        return status;
    }
    return SIPC_OK;
}

static enum sipc_status foreign_send(void *self, sipc_time now, simnet_session session,
                                     bool unreliable, const struct simnet_driver_message *message)
{
    struct foreign *foreign = self;
    uint64_t done = 0;
    uint8_t *data = malloc(message->size + 1);
    struct conform_attribute *attributes = calloc(message->attribute_count + 1, sizeof *attributes);

    if (data == NULL || attributes == NULL)
        abort();
    while (done < message->size) {
        uint64_t left = message->size - done;
        struct sipc_span piece =
            simnet_message_bytes(foreign->world, message->handle, done,
                                 (uint32_t)(left < SIPC_PDU_SIZE_MAX ? left : SIPC_PDU_SIZE_MAX));
        memcpy(data + done, piece.data, piece.size);
        done += piece.size;
    }
    for (size_t i = 0; i < message->attribute_count; i++)
        attributes[i] =
            (struct conform_attribute){message->attributes[i].name, message->attributes[i].value};
    struct conform_request request = {.op = unreliable ? CONFORM_SEND_UNRELIABLE : CONFORM_SEND,
                                      .session = simnet_session_id(foreign->world, session),
                                      .data = {data, message->size},
                                      .attributes = attributes,
                                      .attribute_count = message->attribute_count,
                                      .skip = message->skip};
    foreign_catch_up(foreign, now);
    enum sipc_status status = foreign_begin(foreign, &request, message->handle);
    free(attributes);
    free(data);
    return status;
}

static enum sipc_status foreign_close(void *self, sipc_time now, simnet_session session,
                                      int32_t code, uint64_t handle)
{
    struct foreign *foreign = self;
    struct conform_request request = {
        .op = CONFORM_CLOSE, .session = simnet_session_id(foreign->world, session), .code = code};

    foreign_catch_up(foreign, now);
    return foreign_begin(foreign, &request, handle);
}

static enum sipc_status foreign_dispose(void *self, sipc_time now, simnet_session session,
                                        int32_t code)
{
    struct foreign *foreign = self;
    bool ok;

    foreign_catch_up(foreign, now);
    return foreign_call(
               foreign,
               &(struct conform_request){.op = CONFORM_DISPOSE,
                                         .session = simnet_session_id(foreign->world, session),
                                         .code = code},
               &ok) &&
                   ok
               ? SIPC_OK
               : SIPC_E_STATE;
}

static enum sipc_status foreign_shutdown(void *self, sipc_time now, sipc_time grace_ns)
{
    struct foreign *foreign = self;
    bool ok;

    foreign_catch_up(foreign, now);
    return foreign_call(foreign,
                        &(struct conform_request){.op = CONFORM_SHUTDOWN,
                                                  .grace_ms = (int64_t)(grace_ns / SIPC_NS_PER_MS)},
                        &ok) &&
                   ok
               ? SIPC_OK
               : SIPC_E_STATE;
}

static const struct simnet_driver foreign_driver = {
    .start = foreign_start,
    .stop = foreign_stop,
    .drain = foreign_drain,
    .receive = foreign_receive,
    .advance = foreign_advance,
    .deadline = foreign_deadline,
    .open = foreign_open,
    .send = foreign_send,
    .close = foreign_close,
    .dispose = foreign_dispose,
    .shutdown = foreign_shutdown,
    .check = foreign_check,
    .fini = foreign_fini,
};

/* ---- attaching ---- */

static void foreign_set(struct foreign *foreign, const char *name, int64_t value, int64_t usual,
                        bool boolean)
{
    if (value != usual)
        foreign->settings[foreign->setting_count++] =
            (struct conform_setting){.name = name, .value = value, .boolean = boolean};
}

static int64_t foreign_ms(sipc_time ns)
{
    return (int64_t)(ns / SIPC_NS_PER_MS);
}

/* The settings that are not the rules' own. */
static void foreign_settings(struct foreign *foreign, const struct sipc_config *config)
{
    struct sipc_config usual;

    sipc_config_default(&usual);
#define FOREIGN_SET(member) foreign_set(foreign, #member, config->member, usual.member, false)
#define FOREIGN_SET_MS(name)                                                                       \
    foreign_set(foreign, #name "_ms", foreign_ms((sipc_time)config->name##_ns),                    \
                foreign_ms((sipc_time)usual.name##_ns), false)
    FOREIGN_SET(mtu);
    FOREIGN_SET(max_window_size);
    FOREIGN_SET(max_retry_count);
    FOREIGN_SET(attribute_limit);
    FOREIGN_SET(max_sessions);
    FOREIGN_SET(unreliable_queue);
    FOREIGN_SET(window_id_step);
    FOREIGN_SET(window_id_max);
    FOREIGN_SET(group_bytes_max);
    FOREIGN_SET_MS(ack_timeout);
    FOREIGN_SET_MS(open_timeout);
    FOREIGN_SET_MS(idle_timeout);
    FOREIGN_SET_MS(min_remote_idle_timeout);
    FOREIGN_SET_MS(max_remote_idle_timeout);
    FOREIGN_SET_MS(enquire_link_interval);
    FOREIGN_SET_MS(linger);
#undef FOREIGN_SET_MS
#undef FOREIGN_SET
    foreign_set(foreign, "accept", config->accept, usual.accept, true);
    foreign_set(foreign, "require_first_in_window_group", config->require_first_in_window_group,
                usual.require_first_in_window_group, true);
}

/* The spec as it is attached: commands run in the scenario's folder, relative paths are of it. */
static char *foreign_spec(const struct simnet_scenario *scenario, const char *sut)
{
    const char *path = scenario->path != NULL ? scenario->path : "";
    const char *slash = strrchr(path, '/'), *target = strchr(sut, ':') + 1;
    bool command = strncmp(sut, "exec:", 5) == 0;
    char *spec;
    size_t size;
    FILE *out = open_memstream(&spec, &size);

    if (out == NULL)
        abort();
    fprintf(out, "%.*s", (int)(target - sut), sut);
    if (slash != NULL && command) {
        fputs("cd '", out);
        for (const char *c = path; c <= slash; c++)
            fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, out);
        fputs("' && ", out);
    } else if (slash != NULL && target[0] != '/') {
        fwrite(path, 1, (size_t)(slash + 1 - path), out);
    }
    fputs(target, out);
    fclose(out);
    return spec;
}

bool scenario_add_foreign(struct simnet_scenario_run *run, const struct simnet_scenario_host *host,
                          struct simnet_foreigns *foreigns, const struct simnet_host_config *config,
                          simnet_host *out, struct simnet_error *error)
{
    struct foreign *foreign = calloc(1, sizeof *foreign);
    struct conform_error why = {0};
    enum conform_sut_status status = CONFORM_SUT_OK;

    if (foreign == NULL)
        abort();
    foreign->foreigns = foreigns;
    foreign->spec = foreign_spec(run->scenario, host->sut);
    foreign->sut = foreigns_take(foreigns, foreign->spec);
    if (foreign->sut == NULL)
        status = conform_sut_attach(foreign->spec, NULL, &foreign->sut, &why);
    if (status != CONFORM_SUT_OK || !conform_sut_is_virtual(foreign->sut)) {
        snprintf(error->text, sizeof error->text, "host %s: %.280s", host->name,
                 foreign->sut != NULL ? "it has no virtual clock" : why.text);
        conform_sut_detach(foreign->sut);
        free(foreign->spec);
        free(foreign);
        return false;
    }
    foreign->attributes = malloc(FOREIGN_ATTRIBUTES_MAX);
    if (foreign->attributes == NULL)
        abort();
    foreign->deadline_ns = SIPC_NEVER;
    foreign_settings(foreign, &host->settings);
    *out = simnet_host_add(run->world, config, &foreign_driver, foreign);
    return true;
}
