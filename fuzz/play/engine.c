/* The engine as a driver, called through a table: the shipping build or any other. It is brought to
 * rest as the contract's engine is (conformance/sut): actions, then aftermaths where they come by
 * themselves, then what is due.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "conform/judge_engine.h"
#include "play/driver.h"
#include "play/pdu.h"

enum {
    BLOCK_KEPT = 1 << 20, /* larger ones are made anew: only pages that are used cost something */
    OWED_MAX = 64,
    MESSAGES_MAX = 1 + SFZ_RECORDS_MAX,
    ATTRIBUTES_MAX = 64,
    PDU_MAX = SIPC_PDU_SIZE_MAX,
    SCRUB = 0xa5,
};

struct fuzz_engine {
    const struct simnet_explore_engine *table;
    struct sipc_config config;
    struct sipc_endpoint *ep;
    uint8_t *blocks[2];
    size_t sizes[2], used;
    unsigned current;
    bool moves, manual;
    bool rests;        /* next_out said false, and nothing was done to it since */
    uint64_t deadline; /* while it rests */
    bool checked;      /* since something was done to it, */
    const char *wrong; /* when this was found */
    uint64_t now;
    uint64_t owed[OWED_MAX];
    size_t owed_first, owed_count;
    struct fuzz_message messages[MESSAGES_MAX]; /* by operation; of each size and from */
    bool refused;
    struct fuzz_out refusal;
    struct judge_attribute attributes[ATTRIBUTES_MAX];
    uint8_t pdu[PDU_MAX];
};

struct fuzz_engine *fuzz_engine_new(const struct simnet_explore_engine *table)
{
    struct fuzz_engine *engine = calloc(1, sizeof *engine);

    SIPC_ASSERT(engine != NULL);
    engine->table = table;
    return engine;
}

void fuzz_engine_free(struct fuzz_engine *engine)
{
    free(engine->blocks[0]);
    free(engine->blocks[1]);
    free(engine);
}

void fuzz_engine_moves(struct fuzz_engine *engine, bool moves)
{
    engine->moves = moves;
}

/* ---- settings ---- */

bool fuzz_engine_config(const struct simnet_explore_engine *table,
                        const int64_t settings[SFZ_SETTING_COUNT], struct sipc_config *config)
{
    const int64_t ms = SIPC_NS_PER_MS;

    sipc_config_default(config); /* also what lies between fields, which the hash sees, too */
    config->mtu = (uint32_t)settings[SFZ_MTU];
    config->max_window_size = (uint32_t)settings[SFZ_MAX_WINDOW_SIZE];
    config->ack_timeout_ns = (sipc_time)(settings[SFZ_ACK_TIMEOUT] * ms);
    config->max_retry_count = (uint32_t)settings[SFZ_MAX_RETRY_COUNT];
    config->open_timeout_ns = (sipc_time)(settings[SFZ_OPEN_TIMEOUT] * ms);
    config->idle_timeout_ns = settings[SFZ_IDLE_TIMEOUT] * ms;
    config->min_remote_idle_timeout_ns = settings[SFZ_MIN_REMOTE_IDLE_TIMEOUT] * ms;
    config->max_remote_idle_timeout_ns = settings[SFZ_MAX_REMOTE_IDLE_TIMEOUT] * ms;
    config->enquire_link_interval_ns = (sipc_time)(settings[SFZ_ENQUIRE_LINK_INTERVAL] * ms);
    config->linger_ns = (sipc_time)(settings[SFZ_LINGER] * ms);
    config->attribute_limit = (uint32_t)settings[SFZ_ATTRIBUTE_LIMIT];
    config->max_sessions = (uint32_t)settings[SFZ_MAX_SESSIONS];
    config->unreliable_queue = (uint32_t)settings[SFZ_UNRELIABLE_QUEUE];
    config->accept = settings[SFZ_ACCEPT] != 0;
    config->require_first_in_window_group = settings[SFZ_REQUIRE_FIRST] != 0;
    config->stream = settings[SFZ_STREAM] != 0;
    config->window_id_step = settings[SFZ_WINDOW_ID_STEP];
    config->window_id_max = settings[SFZ_WINDOW_ID_MAX];
    config->group_bytes_max = (uint32_t)settings[SFZ_GROUP_BYTES_MAX];
    return table->config_check(config, NULL) == SIPC_OK;
}

static bool engine_block(struct fuzz_engine *engine, unsigned i)
{
    if (engine->blocks[i] != NULL && engine->sizes[i] >= engine->used &&
        engine->sizes[i] <= BLOCK_KEPT) {
        memset(engine->blocks[i], 0, engine->used);
        return true;
    }
    free(engine->blocks[i]);
    engine->sizes[i] = engine->used;
    engine->blocks[i] = calloc(1, engine->used);
    return engine->blocks[i] != NULL;
}

static bool engine_reset(void *self, const int64_t settings[SFZ_SETTING_COUNT])
{
    struct fuzz_engine *engine = self;

    if (!fuzz_engine_config(engine->table, settings, &engine->config))
        return false;
    engine->used = engine->table->size(&engine->config);
    engine->manual = settings[SFZ_MANUAL] != 0;
    engine->now = 0;
    engine->owed_first = engine->owed_count = 0;
    engine->refused = false;
    engine->current = 0;
    engine->rests = engine->checked = false;
    return engine->used > 0 && engine_block(engine, 0) &&
           (!engine->moves || engine_block(engine, 1)) &&
           engine->table->init(engine->blocks[0], engine->used, &engine->config, 0, &engine->ep) ==
               SIPC_OK;
}

/* ---- in ---- */

/* The endpoint, for what may change it. */
static struct sipc_endpoint *engine_change(struct fuzz_engine *engine)
{
    engine->rests = engine->checked = false;
    return engine->ep;
}

static sipc_session engine_find(struct fuzz_engine *engine, uint64_t peer, const uint8_t *session)
{
    return engine->table->find(engine->ep, peer, session);
}

static bool engine_open(void *self, uint64_t peer, const uint8_t *session, int64_t idle_ms)
{
    struct fuzz_engine *engine = self;
    sipc_session handle;
    int64_t idle_ns = idle_ms > 0 ? idle_ms * (int64_t)SIPC_NS_PER_MS : INT64_MIN;

    return engine->table->open(engine_change(engine), engine->now, peer, session, idle_ns,
                               &handle) == SIPC_OK;
}

static bool engine_preset(void *self, uint64_t peer, const uint8_t *session,
                          const struct sipc_preset *preset)
{
    struct fuzz_engine *engine = self;
    sipc_session handle = engine_find(engine, peer, session);

    return handle != 0 &&
           engine->table->preset(engine_change(engine), engine->now, handle, preset) == SIPC_OK;
}

static enum sipc_status engine_start(struct fuzz_engine *engine, const struct fuzz_message *m,
                                     sipc_session handle)
{
    struct sipc_attribute attributes[4];
    struct sipc_message message = {.handle = m->operation,
                                   .size = m->size,
                                   .attributes = attributes,
                                   .attribute_count = m->attribute_count,
                                   .skip = m->skip};

    for (size_t i = 0; i < m->attribute_count; i++)
        attributes[i] = (struct sipc_attribute){m->attributes[i].name, m->attributes[i].value};
    if (handle == 0)
        return SIPC_E_STATE;
    if (m->kind == JUDGE_CLOSE)
        return engine->table->close(engine_change(engine), engine->now, handle, m->code,
                                    m->operation);
    return m->kind == JUDGE_SEND
               ? engine->table->send(engine_change(engine), engine->now, handle, &message)
               : engine->table->send_unreliable(engine_change(engine), engine->now, handle,
                                                &message);
}

static bool engine_begin(void *self, const struct fuzz_message *m)
{
    struct fuzz_engine *engine = self;
    sipc_session handle = engine_find(engine, m->peer, m->session);

    engine->messages[m->operation] = *m;
    if (engine_start(engine, m, handle) == SIPC_OK)
        return true;
    engine->refused = true;
    engine->refusal = (struct fuzz_out){
        .kind = JUDGE_RESULT,
        .peer = m->peer,
        .session = m->session,
        .operation = m->operation,
        .outcome = handle == 0 && m->kind == JUDGE_CLOSE ? JUDGE_OUTCOME_OK : JUDGE_OUTCOME_REFUSED,
        .has_code = true};
    return false;
}

static bool engine_dispose(void *self, uint64_t peer, const uint8_t *session, int32_t code)
{
    struct fuzz_engine *engine = self;
    sipc_session handle = engine_find(engine, peer, session);

    return handle != 0 &&
           engine->table->dispose(engine_change(engine), engine->now, handle, code) == SIPC_OK;
}

static bool engine_shutdown(void *self, int64_t grace_ms)
{
    struct fuzz_engine *engine = self;

    return engine->table->shutdown(engine_change(engine), engine->now,
                                   (sipc_time)grace_ms * SIPC_NS_PER_MS) == SIPC_OK;
}

static bool engine_receive(void *self, uint64_t peer, struct sipc_span pdu)
{
    struct fuzz_engine *engine = self;

    return engine->table->receive(engine_change(engine), engine->now, peer, pdu) == SIPC_OK;
}

static bool engine_sent(void *self, uint64_t token, bool ok)
{
    struct fuzz_engine *engine = self;
    enum sipc_status status = engine->table->sent(engine_change(engine), engine->now, token, ok);

    return status == SIPC_OK || status == SIPC_E_UNKNOWN;
}

static bool engine_advance(void *self, uint64_t now_ns)
{
    struct fuzz_engine *engine = self;

    engine->now = now_ns;
    return true; /* what is due fires while it comes to rest */
}

static uint64_t engine_deadline(const void *self)
{
    const struct fuzz_engine *engine = self;

    return engine->rests ? engine->deadline : engine->table->deadline(engine->ep);
}

/* ---- out ---- */

static void engine_transmit(struct fuzz_engine *engine, const struct sipc_action *action,
                            struct fuzz_out *out)
{
    size_t head = action->u.transmit.head.size, size = action->u.transmit.payload_size;

    out->kind = JUDGE_TX;
    out->token = action->u.transmit.token;
    memcpy(engine->pdu, action->u.transmit.head.data, head);
    if (size > 0) {
        SIPC_ASSERT(action->u.transmit.message < MESSAGES_MAX && head + size <= PDU_MAX);
        const struct fuzz_message *m = &engine->messages[action->u.transmit.message];
        fuzz_pattern(engine->pdu + head, m->from + action->u.transmit.payload_offset, size);
    }
    out->bytes = (struct sipc_span){engine->pdu, head + size};
    if (!engine->manual && action->u.transmit.owed) {
        SIPC_ASSERT(engine->owed_count < OWED_MAX);
        engine->owed[(engine->owed_first + engine->owed_count++) % OWED_MAX] = out->token;
    }
}

static void engine_deliver(struct fuzz_engine *engine, const struct sipc_action *action,
                           struct fuzz_out *out)
{
    struct sipc_span rest = action->u.deliver.attributes, name, value;

    out->kind = JUDGE_DELIVER;
    out->bytes = action->u.deliver.data;
    out->attributes = engine->attributes;
    while (out->attribute_count < ATTRIBUTES_MAX &&
           engine->table->attribute_next(&rest, &name, &value))
        engine->attributes[out->attribute_count++] = (struct judge_attribute){name, value};
}

static void engine_act(struct fuzz_engine *engine, const struct sipc_action *action,
                       struct fuzz_out *out)
{
    *out = (struct fuzz_out){.peer = action->remote, .session = action->session_id};
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        engine_transmit(engine, action, out);
        break;
    case SIPC_ACTION_DELIVER:
        engine_deliver(engine, action, out);
        break;
    case SIPC_ACTION_RESULT:
        out->kind = JUDGE_RESULT;
        out->operation = action->u.result.handle;
        out->outcome = judge_outcome_of(action->u.result.outcome);
        out->has_code = true;
        out->code = action->u.result.code;
        break;
    case SIPC_ACTION_STATE:
        out->kind = JUDGE_STATE;
        out->state = (enum judge_state)action->u.state.state;
        out->has_code = action->u.state.cause != 0;
        out->code = action->u.state.cause;
        break;
    case SIPC_ACTION_DISCARD:
        out->kind = JUDGE_GAP;
        out->discard = action->u.discard.reason;
        break;
    }
}

/* Goes on from a snapshot of itself, in the other block. */
static void engine_move(struct fuzz_engine *engine)
{
    size_t size = engine->table->snapshot_size(engine->ep);
    uint8_t *to = engine->blocks[!engine->current];

    memcpy(to, engine->blocks[engine->current], size);
    memset(engine->blocks[engine->current], SCRUB, engine->used);
    engine->current = !engine->current;
    engine->ep = (struct sipc_endpoint *)(void *)to;
    engine->rests = engine->checked = false;
}

static bool engine_next_out(void *self, struct fuzz_out *out)
{
    struct fuzz_engine *engine = self;
    struct sipc_action action;

    if (engine->refused) {
        *out = engine->refusal;
        engine->refused = false;
        return true;
    }
    if (engine->rests && engine->deadline > engine->now)
        return false;
    for (;;) {
        if (engine->table->next_action(engine->ep, &action)) {
            engine->rests = engine->checked = false;
            engine_act(engine, &action, out);
            return true;
        }
        if (engine->owed_count > 0) {
            uint64_t token = engine->owed[engine->owed_first++ % OWED_MAX];
            engine->owed_count--;
            engine_sent(engine, token, true);
        } else if ((engine->deadline = engine->table->deadline(engine->ep)) <= engine->now) {
            enum sipc_status status = engine->table->advance(engine_change(engine), engine->now);
            SIPC_ASSERT(status == SIPC_OK);
        } else {
            engine->rests = true;
            if (engine->moves)
                engine_move(engine);
            return false;
        }
    }
}

static const char *engine_check(void *self)
{
    struct fuzz_engine *engine = self;

    if (!engine->checked)
        engine->wrong = engine->table->check(engine->ep);
    engine->checked = true;
    return engine->wrong;
}

static uint64_t engine_hash(void *self)
{
    struct fuzz_engine *engine = self;

    return XXH3_64bits(engine->ep, engine->table->snapshot_size(engine->ep));
}

const struct fuzz_driver fuzz_engine_driver = {
    .reset = engine_reset,
    .open = engine_open,
    .preset = engine_preset,
    .begin = engine_begin,
    .dispose = engine_dispose,
    .shutdown = engine_shutdown,
    .receive = engine_receive,
    .sent = engine_sent,
    .advance = engine_advance,
    .deadline = engine_deadline,
    .next_out = engine_next_out,
    .check = engine_check,
    .checks = "invariant",
    .hash = engine_hash,
};
