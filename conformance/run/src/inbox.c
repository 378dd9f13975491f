/* What the SUT puts out, in order: what must be taken by a line (PDUs, deliveries, results, ends of
 * connections), and states, which may be. Everything the SUT says passes here: the trace, the
 * capture hook, opcodes under `allow`, peers nobody told it of, floods.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* ---- texts ---- */

static void inbox_print_attributes(const struct conform_out *out, FILE *file)
{
    for (size_t i = 0; i < out->attribute_count; i++) {
        fputs(i == 0 ? " {" : " ", file);
        run_print_quoted(out->attributes[i].name, file);
        fputc('=', file);
        run_print_quoted(out->attributes[i].value, file);
    }
    fputs(out->attribute_count > 0 ? "}" : "", file);
}

static void inbox_print_event(const struct conform_out *out, FILE *file)
{
    struct sipc_span data = {out->bytes, out->size};

    switch (out->kind) {
    case CONFORM_OUT_DELIVER:
        fprintf(file, "deliver %zu byte%s ", out->size, out->size == 1 ? "" : "s");
        run_print_quoted(data, file);
        inbox_print_attributes(out, file);
        break;
    case CONFORM_OUT_RESULT:
        fprintf(file, "result %s %s", out->label != NULL ? out->label : "(no label)",
                out->word != NULL ? out->word : "(no outcome)");
        break;
    case CONFORM_OUT_STATE:
        fprintf(file, "state %s", out->word != NULL ? out->word : "(none)");
        break;
    case CONFORM_OUT_EOF:
        fputs("eof", file);
        break;
    default:
        fprintf(file, "discard %s", out->word != NULL ? out->word : "(no reason)");
        break;
    }
    if (out->has_code) {
        fprintf(file, out->kind == CONFORM_OUT_STATE ? " cause=%" PRId64 : " %" PRId64, out->code);
    }
    if (out->why != NULL) {
        fprintf(file, " (%s)", out->why);
    }
}

char *run_out_text(const struct run_env *env, const struct conform_out *out)
{
    struct run_text text;
    struct sipc_pdu pdu;
    const uint8_t *id = out->has_session ? out->session : NULL;
    FILE *file = run_text_begin(&text);

    if (out->kind == CONFORM_OUT_TX) {
        struct sipc_span bytes = {out->bytes, out->size};
        conform_print_pdu(bytes, file);
        id = sipc_pdu_decode(bytes, &pdu) == SIPC_DISCARD_NONE ? pdu.session_id : NULL;
    } else {
        inbox_print_event(out, file);
    }
    if (id != NULL) {
        char *session = run_env_session_text(env, id);
        if (strcmp(session, "S") != 0) {
            fprintf(file, " session=%s", session);
        }
        free(session);
    }
    return run_text_end(&text);
}

/* ---- queues ---- */

static struct run_item *queue_push(struct run_queue *queue)
{
    if (queue->head == queue->count) {
        queue->head = queue->count = 0;
    }
    queue->items = run_grow(queue->items, queue->count, &queue->capacity, sizeof *queue->items);
    struct run_item *item = &queue->items[queue->count++];
    *item = (struct run_item){0};
    return item;
}

void run_queue_clear(struct run_queue *queue)
{
    for (size_t i = queue->head; i < queue->count; i++) {
        conform_out_clear(&queue->items[i].out);
    }
    free(queue->items);
    *queue = (struct run_queue){0};
}

struct run_item *run_next(struct runner *r)
{
    for (size_t i = r->queue.head; i < r->queue.count; i++) {
        struct run_item *item = &r->queue.items[i];
        if (!item->taken && item->out.kind != CONFORM_OUT_EOF) {
            return item;
        }
    }
    return NULL;
}

static struct run_item *inbox_next_of(struct runner *r, enum conform_out_kind kind,
                                      const char *peer, size_t skip)
{
    for (size_t i = r->queue.head; i < r->queue.count; i++) {
        struct run_item *item = &r->queue.items[i];
        if (!item->taken && item->out.kind == kind && item->out.remote != NULL &&
            strcmp(item->out.remote, peer) == 0 && skip-- == 0) {
            return item;
        }
    }
    return NULL;
}

struct run_item *run_nth_pdu(struct runner *r, const char *peer, size_t skip)
{
    return inbox_next_of(r, CONFORM_OUT_TX, peer, skip);
}

struct run_item *run_next_pdu(struct runner *r, const char *peer)
{
    return run_nth_pdu(r, peer, 0);
}

struct run_item *run_next_eof(struct runner *r, const char *peer)
{
    return inbox_next_of(r, CONFORM_OUT_EOF, peer, 0);
}

void run_take(struct runner *r, struct run_item *item)
{
    item->taken = true;
    run_trace_match(r, item->trace);
    conform_out_clear(&item->out);
    while (r->queue.head < r->queue.count && r->queue.items[r->queue.head].taken) {
        r->queue.head++;
    }
}

/* ---- from the SUT ---- */

void run_know_peer(struct runner *r, const char *peer)
{
    for (size_t i = 0; i < r->peer_count; i++) {
        if (strcmp(r->peers[i], peer) == 0) {
            return;
        }
    }
    r->peers = run_grow(r->peers, r->peer_count, &r->peer_capacity, sizeof *r->peers);
    r->peers[r->peer_count++] = peer;
}

static bool inbox_knows_peer(const struct runner *r, const char *peer)
{
    for (size_t i = 0; i < r->peer_count; i++) {
        if (peer != NULL && strcmp(r->peers[i], peer) == 0) {
            return true;
        }
    }
    return false;
}

static bool inbox_stranger(struct runner *r, const struct conform_out *out)
{
    struct run_mismatch mismatch = {
        .step = r->step,
        .rule = SIPC_RULE_END_1,
        .reason = run_printf("the SUT sent a PDU to \"%s\", a peer it was never told of",
                             out->remote != NULL ? out->remote : ""),
        .actual = run_out_text(&r->env, out),
    };
    return run_mismatch(r, &mismatch);
}

static bool inbox_allowed(const struct runner *r, const struct run_item *item)
{
    for (size_t i = 0; i < r->script->allow_count; i++) {
        if (item->decode == SIPC_DISCARD_NONE && item->pdu.opcode == r->script->allow[i]) {
            return true;
        }
    }
    return false;
}

static void inbox_report(struct runner *r, const struct conform_out *out)
{
    struct sipc_span pdu = {out->bytes, out->size};
    r->pdus_seen++;
    if (r->options->on_pdu != NULL) {
        r->options->on_pdu(r->options->ctx, true, out->remote != NULL ? out->remote : "",
                           out->at_ns, pdu, r->env.case_name);
    }
}

/* Takes one output over from a response. false: the case is over. */
static bool inbox_collect(struct runner *r, struct conform_out *out)
{
    bool tx = out->kind == CONFORM_OUT_TX;
    struct sipc_span pdu = {tx ? out->bytes : NULL, tx ? out->size : 0};
    size_t trace =
        run_trace_add(r, out->at_ns, tx ? '<' : '=', out->remote, run_out_text(&r->env, out), pdu);
    run_witness_out(r, out);
    if (tx) {
        inbox_report(r, out);
        if (!inbox_knows_peer(r, out->remote)) {
            return inbox_stranger(r, out);
        }
    }
    if (out->kind == CONFORM_OUT_DISCARD) {
        return true; /* never judged */
    }
    if (!tx || !run_link_take(r, out, trace)) {
        run_arrive(r, out, trace);
    }
    return true;
}

void run_arrive(struct runner *r, struct conform_out *out, size_t trace)
{
    struct run_item *item = queue_push(out->kind == CONFORM_OUT_STATE ? &r->states : &r->queue);

    item->out = *out;
    item->trace = trace;
    *out = (struct conform_out){.kind = CONFORM_OUT_DISCARD};
    if (item->out.kind == CONFORM_OUT_TX) {
        struct sipc_span pdu = {item->out.bytes, item->out.size};
        item->decode = sipc_pdu_decode(pdu, &item->pdu);
        if (inbox_allowed(r, item)) {
            conform_out_clear(&item->out);
            r->queue.count--;
        }
    }
}

static bool inbox_flood(struct runner *r)
{
    struct run_mismatch mismatch = {
        .step = r->step,
        .reason = run_printf("the SUT floods: more than %d PDUs and events during one line",
                             RUN_FLOOD_MAX),
        .sure = true,
    };
    run_mismatch(r, &mismatch);
    return false;
}

static bool inbox_collect_all(struct runner *r, enum conform_sut_status status,
                              struct conform_response *response)
{
    bool going = true;

    for (size_t i = 0; i < response->out_count && going; i++) {
        going = inbox_collect(r, &response->outs[i]);
    }
    r->flood += response->out_count;
    if (status != CONFORM_SUT_OK) {
        return run_stop_status(r, status);
    }
    if (going && r->flood > RUN_FLOOD_MAX) {
        return inbox_flood(r);
    }
    return going;
}

bool run_call(struct runner *r, const struct conform_request *request,
              struct conform_response *response)
{
    *response = (struct conform_response){0};
    uint64_t before_ns = conform_sut_now(r->sut);
    enum conform_sut_status status = conform_sut_call(r->sut, request, response, r->error);
    uint64_t after_ns = conform_sut_now(r->sut); /* a reset sets it to 0 */
    if (after_ns > before_ns && after_ns - before_ns > r->call_max_ns) {
        r->call_max_ns = after_ns - before_ns;
    }
    return inbox_collect_all(r, status, response) && run_link_settle(r);
}

bool run_give(struct runner *r, const char *peer, struct sipc_span pdu)
{
    struct conform_request request = {.op = CONFORM_RX, .from = peer, .pdu = pdu};
    const struct conform_out out = {
        .kind = CONFORM_OUT_TX, .bytes = (uint8_t *)(uintptr_t)pdu.data, .size = pdu.size};
    uint64_t now = conform_sut_now(r->sut);
    struct conform_response response;

    run_trace_add(r, now, '>', peer, run_out_text(&r->env, &out), pdu);
    if (r->options->on_pdu != NULL) {
        r->options->on_pdu(r->options->ctx, false, peer, now, pdu, r->env.case_name);
    }
    run_witness_rx(r, peer, pdu);
    bool going = run_call(r, &request, &response);
    if (going && !response.ok) {
        going = run_stop(r, CONFORM_ERROR, "the adapter refused a datagram: %s",
                         response.error != NULL ? response.error : "no reason given");
    }
    conform_response_clear(&response);
    return going;
}

bool run_pump(struct runner *r, uint64_t until_ns)
{
    struct conform_response response = {0};
    uint64_t before_ns = conform_sut_now(r->sut), next_ns = run_link_next(r);
    enum conform_sut_status status =
        conform_sut_step(r->sut, next_ns < until_ns ? next_ns : until_ns, &response, r->error);
    bool came = response.out_count > 0 || conform_sut_now(r->sut) > before_ns;
    bool going = inbox_collect_all(r, status, &response) && run_link_settle(r);

    run_witness_time(r);
    conform_response_clear(&response);
    r->stuck = came ? 0 : r->stuck + 1;
    if (going && r->stuck > RUN_STUCK_MAX) {
        return run_stop(r, CONFORM_ERROR, "the adapter lets no time pass");
    }
    return going;
}
