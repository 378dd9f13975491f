/* Links of a script: their queues, losses, delays and traces.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "load.h"

static bool load_trace(struct scenario_load *load, const struct sx_clause *clause,
                       enum simnet_trace_kind kind, struct simnet_scenario_trace *source,
                       const struct simnet_trace **out)
{
    uint64_t unit = 0, every = 0;
    bool stop = false, drawn = false;
    struct simnet_error error;

    for (int i = 1; clause->row->fields[i].kinds != 0; i++) {
        const char *word = clause->row->fields[i].word;
        uint64_t *into = strcmp(word, "unit") == 0 ? &unit : &every;
        if (clause->row->fields[i].kinds == SX_V_FLAG)
            *(strcmp(word, "stop") == 0 ? &stop : &drawn) = clause->values[i].given;
        else if (!scenario_load_unsigned(load, clause, i, into))
            return false;
    }
    *source =
        (struct simnet_scenario_trace){scenario_load_text(load, clause->values[0].bytes), unit};
    struct simnet_trace *trace =
        simnet_scenario_load_trace(load->scenario, source->path, kind, unit, &error);
    if (trace == NULL)
        return scenario_load_fail(load, "%s", error.text);
    trace->wrap = !stop;
    trace->drawn = drawn;
    trace->interval_ns = every;
    *out = trace;
    return true;
}

static bool load_pattern(struct scenario_load *load, const struct sx_clause *clause,
                         struct simnet_link_config *config)
{
    struct simnet_loss *loss = config->losses;
    uint64_t xmit;

    while (loss->kind != SIMNET_LOSS_PREDICATE && loss->kind != SIMNET_LOSS_NONE)
        loss++;
    const struct sx_key_value *key = &clause->values[0].key;
    struct simnet_predicate *all =
        scenario_allocate(load->scenario, (loss->predicate_count + 1) * sizeof *all);
    if (!scenario_load_unsigned(load, clause, 1, &xmit))
        return false;
    if (loss->predicate_count > 0)
        memcpy(all, loss->predicates, loss->predicate_count * sizeof *all);
    all[loss->predicate_count] = (struct simnet_predicate){
        key->opcode, key->window_id, key->seq_nr, clause->values[1].given ? (int64_t)xmit : -1};
    loss->kind = SIMNET_LOSS_PREDICATE;
    loss->predicates = all;
    loss->predicate_count++;
    return true;
}

static bool load_loss(struct scenario_load *load, const struct sx_clause *clause,
                      struct simnet_loss *loss, struct simnet_scenario_trace *source)
{
    uint64_t v[4] = {0};
    bool numbers = clause->row->key == SX_K_LOSS || clause->row->key == SX_K_BURSTS ||
                   clause->row->key == SX_K_LOSE_EVERY;

    for (int i = 0; i < 4 && numbers && clause->row->fields[i].kinds != 0; i++)
        if (!scenario_load_unsigned(load, clause, i, &v[i]))
            return false;
    switch (clause->row->key) {
    case SX_K_LOSS:
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = (uint32_t)v[0]};
        return true;
    case SX_K_BURSTS:
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_GILBERT_ELLIOTT,
                                     .to_bad_ppm = (uint32_t)v[0],
                                     .to_good_ppm = (uint32_t)v[1],
                                     .loss_bad_ppm = (uint32_t)v[2],
                                     .loss_good_ppm = (uint32_t)v[3]};
        return true;
    case SX_K_LOSE_EVERY:
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_PERIODIC,
                                     .period = v[0],
                                     .lost = clause->values[1].given ? v[1] : 1,
                                     .first = v[2]};
        return true;
    case SX_K_LOSE_MASK:
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_MASK,
                                     .mask = (uint64_t)clause->values[0].number};
        return true;
    case SX_K_LOSE_NTH: {
        const struct sx_value *value = &clause->values[0];
        uint64_t *list = scenario_allocate(load->scenario, value->list_count * sizeof *value->list);
        memcpy(list, value->list, value->list_count * sizeof *list);
        *loss = (struct simnet_loss){
            .kind = SIMNET_LOSS_LIST, .list = list, .list_count = value->list_count};
        return true;
    }
    default:
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_TRACE};
        return load_trace(load, clause, SIMNET_TRACE_LOSSES, source, &loss->trace);
    }
}

static bool load_queue(const struct scenario_load *load, const struct sx_clause *clause,
                       struct simnet_queue_config *queue)
{
    enum sx_value_kind kind = clause->values[0].kind;

    queue->unit = kind == SX_V_BYTES     ? SIMNET_QUEUE_BYTES
                  : kind == SX_V_PACKETS ? SIMNET_QUEUE_PACKETS
                  : kind == SX_V_TIME    ? SIMNET_QUEUE_TIME
                                         : SIMNET_QUEUE_BDP;
    return scenario_load_unsigned(load, clause, 0, &queue->limit);
}

/* The clauses of a link that are more than a number. */
static bool load_link_clause(struct scenario_load *load, const struct sx_clause *clause,
                             struct simnet_scenario_link *link)
{
    struct simnet_link_config *config = &link->config;
    size_t at = 0;

    switch (clause->row->key) {
    case SX_K_TELL_MTU:
    case SX_K_TELL_QUEUE:
    case SX_K_TELL_DOWN:
        config->tells |= 1u << (clause->row->key - SX_K_TELL_MTU);
        return true;
    case SX_K_QUEUE:
        return load_queue(load, clause, &config->queue);
    case SX_K_RED:
    case SX_K_CODEL:
        if (config->queue.discipline != SIMNET_TAIL_DROP)
            return scenario_load_fail(load, "a link has one of 'red' and 'codel'");
        config->queue.discipline = clause->row->key == SX_K_RED ? SIMNET_RED : SIMNET_CODEL;
        return true;
    case SX_K_JITTER:
    case SX_K_DELAY_TRACE:
        if (config->delay.kind != SIMNET_DELAY_CONSTANT)
            return scenario_load_fail(load, "a link has one of 'jitter' and 'delay_trace'");
        config->delay.kind = clause->row->key == SX_K_JITTER
                                 ? SIMNET_DELAY_UNIFORM + (unsigned)clause->values[0].number
                                 : SIMNET_DELAY_TRACE;
        return clause->row->key == SX_K_JITTER ||
               load_trace(load, clause, SIMNET_TRACE_DELAYS, &link->delays, &config->delay.trace);
    case SX_K_OPPORTUNITIES:
        return load_trace(load, clause, SIMNET_TRACE_OPPORTUNITIES, &link->opportunities,
                          &config->opportunities);
    case SX_K_COPIES_TRACE:
        return load_trace(load, clause, SIMNET_TRACE_COPIES, &link->copies,
                          &config->duplicate.trace);
    case SX_K_LOSS:
    case SX_K_BURSTS:
    case SX_K_LOSE_EVERY:
    case SX_K_LOSE_MASK:
    case SX_K_LOSE_NTH:
    case SX_K_LOSE_PDU:
    case SX_K_LOSE_TRACE:
        while (at < SIMNET_LOSSES_MAX && config->losses[at].kind != SIMNET_LOSS_NONE &&
               !(clause->row->key == SX_K_LOSE_PDU &&
                 config->losses[at].kind == SIMNET_LOSS_PREDICATE))
            at++;
        if (at == SIMNET_LOSSES_MAX)
            return scenario_load_fail(load, "a link has at most %d losses", SIMNET_LOSSES_MAX);
        return clause->row->key == SX_K_LOSE_PDU
                   ? load_pattern(load, clause, config)
                   : load_loss(load, clause, &config->losses[at], &link->losses[at]);
    default:
        return true;
    }
}

bool scenario_load_link(struct scenario_load *load)
{
    const struct sx_value *name = &load->statement->head.values[0];
    struct simnet_scenario_link link = {.from = SIMNET_NONE, .to = SIMNET_NONE};
    struct simnet_error error;

    link.line = load->statement->line;
    if (name->other >= 0) {
        link.from = (simnet_host)name->number;
        link.to = (simnet_host)name->other;
    } else {
        link.name = simnet_scenario_string(load->scenario, name->name);
    }
    if (!scenario_load_fields(load, scenario_link_fields, &link.config))
        return false;
    for (size_t i = 0; i < load->statement->clause_count; i++)
        if (!load_link_clause(load, &load->statement->clauses[i], &link))
            return false;
    if (link.config.reorder.swap_count == 0)
        link.config.reorder.swap_count = link.config.reorder.swap_ppm > 0; /* without `by` */
    if (link.config.reorder.jump_count == 0)
        link.config.reorder.jump_count = link.config.reorder.jump_ppm > 0;
    if (!simnet_link_check(&link.config, &error))
        return scenario_load_fail(load, "%s", error.text);
    simnet_scenario_add(&load->scenario->links, &link);
    if (name->both) {
        link.from = (simnet_host)name->other;
        link.to = (simnet_host)name->number;
        simnet_scenario_add(&load->scenario->links, &link);
    }
    return true;
}
