/* A scenario becomes a script, for the one printer of the language: only what differs from the
 * defaults is said. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write.h"

struct write {
    const struct simnet_scenario *scenario;
    struct sx_script *script;
    struct sx_statement *statement;
    size_t operations; /* written so far */
};

/* ---- values ---- */

static void write_number(struct sx_clause *clause, int field, int64_t number)
{
    struct sx_value *value = &clause->values[field];
    unsigned kinds = clause->row->fields[field].kinds;

    *value = (struct sx_value){.given = true, .number = number};
    value->kind = (enum sx_value_kind)(kinds & (0 - kinds));
}

static void write_name(struct sx_clause *clause, int field, const char *name, int64_t index)
{
    write_number(clause, field, index);
    clause->values[field].name = name;
    clause->values[field].other = -1;
}

static const char *write_copy(struct write *write, const char *text)
{
    char *copy = sx_world_allocate(write->script, strlen(text) + 1);

    return strcpy(copy, text);
}

static void write_text(struct write *write, struct sx_clause *clause, int field, const char *text)
{
    write_number(clause, field, 0);
    clause->values[field].bytes =
        (struct sipc_span){(const uint8_t *)write_copy(write, text), strlen(text)};
}

static void write_host(struct write *write, struct sx_clause *clause, int field, simnet_host host)
{
    write_name(clause, field, write->scenario->hosts.at[host].name, host);
}

static void write_pair(struct write *write, struct sx_clause *clause, int field, simnet_host from,
                       simnet_host to)
{
    char name[256];

    snprintf(name, sizeof name, "%s>%s", write->scenario->hosts.at[from].name,
             write->scenario->hosts.at[to].name);
    write_name(clause, field, write_copy(write, name), from);
    clause->values[field].other = to;
}

static void write_link(struct write *write, struct sx_clause *clause, int field, simnet_link link)
{
    char name[256];

    simnet_scenario_link_name(write->scenario, link, name, sizeof name);
    write_name(clause, field, write_copy(write, name), link);
    clause->values[field].kind = SX_V_LINK;
}

static void write_session(struct write *write, struct sx_clause *clause, int field,
                          uint32_t session, uint32_t place)
{
    write_name(clause, field, write->scenario->sessions.at[session].name, session);
    if (place != SIMNET_NONE)
        clause->values[field].place = scenario_write_const(write->script, place);
}

static struct sx_clause *write_start(struct write *write, enum sx_statement_kind kind)
{
    write->statement = sx_world_add(write->script, kind);
    return &write->statement->head;
}

static struct sx_clause *write_clause(struct write *write, enum sx_key key)
{
    return sx_world_clause(write->script, write->statement, key);
}

/* The clause of `key`, made if it is not there. */
static struct sx_clause *write_find(struct write *write, enum sx_key key)
{
    for (size_t i = 0; i < write->statement->clause_count; i++)
        if (write->statement->clauses[i].row->key == (int)key)
            return &write->statement->clauses[i];
    return write_clause(write, key);
}

/* What `base` has other than `defaults`. A clause that is written has all it must have. */
static void write_fields(struct write *write, const struct scenario_field *fields, const void *base,
                         const void *defaults)
{
    for (const struct scenario_field *field = fields; field->key != 0; field++) {
        if (scenario_field_get(field, base) == scenario_field_get(field, defaults))
            continue;
        struct sx_clause *clause = write_find(write, (enum sx_key)field->key);
        for (const struct scenario_field *all = fields; all->key != 0; all++) {
            bool needed = all->key == field->key && all->field >= 0 &&
                          !clause->row->fields[all->field].optional;
            if (needed || (all == field && field->field >= 0))
                write_number(clause, all->field, scenario_field_get(all, base));
        }
    }
}

/* ---- hosts, links, routes, sessions, traffic ---- */

static void write_hosts(struct write *write)
{
    struct simnet_scenario_host defaults = {0};

    sipc_config_default(&defaults.settings);
    for (size_t i = 0; i < write->scenario->hosts.count; i++) {
        const struct simnet_scenario_host *host = &write->scenario->hosts.at[i];
        write_name(write_start(write, SX_S_HOST), 0, host->name, (int64_t)i);
        if (host->kind == SIMNET_HOST_FOREIGN)
            write_text(write, write_clause(write, SX_K_SUT), 0, host->sut);
        if (host->kind == SIMNET_HOST_SCRIPTED)
            write_clause(write, SX_K_SCRIPTED);
        write_fields(write, scenario_host_fields, host, &defaults);
    }
}

static void write_trace(struct write *write, enum sx_key key,
                        const struct simnet_scenario_trace *source,
                        const struct simnet_trace *trace)
{
    struct sx_clause *clause = write_clause(write, key);

    write_text(write, clause, 0, source->path);
    for (int i = 1; clause->row->fields[i].kinds != 0; i++) {
        const char *word = clause->row->fields[i].word;
        if (strcmp(word, "unit") == 0)
            write_number(clause, i, (int64_t)source->unit_ns);
        else if (strcmp(word, "every") == 0 && trace->interval_ns > 0)
            write_number(clause, i, (int64_t)trace->interval_ns);
        else if (strcmp(word, "stop") == 0 ? !trace->wrap
                                           : strcmp(word, "drawn") == 0 && trace->drawn)
            write_number(clause, i, 0);
    }
}

static void write_predicates(struct write *write, const struct simnet_loss *loss)
{
    for (size_t i = 0; i < loss->predicate_count; i++) {
        const struct simnet_predicate *predicate = &loss->predicates[i];
        struct sx_clause *clause = write_clause(write, SX_K_LOSE_PDU);
        write_number(clause, 0, 0);
        clause->values[0].key =
            (struct sx_key_value){predicate->opcode, predicate->window_id, predicate->seq_nr};
        if (predicate->xmit >= 0)
            write_number(clause, 1, predicate->xmit);
    }
}

static void write_bursts(struct write *write, const struct simnet_loss *loss)
{
    struct sx_clause *clause = write_clause(write, SX_K_BURSTS);

    write_number(clause, 0, loss->to_bad_ppm);
    write_number(clause, 1, loss->to_good_ppm);
    write_number(clause, 2, loss->loss_bad_ppm);
    if (loss->loss_good_ppm > 0)
        write_number(clause, 3, loss->loss_good_ppm);
}

static void write_loss(struct write *write, const struct simnet_loss *loss,
                       const struct simnet_scenario_trace *source)
{
    struct sx_clause *clause;

    switch (loss->kind) {
    case SIMNET_LOSS_NONE:
        break;
    case SIMNET_LOSS_IID:
        write_number(write_clause(write, SX_K_LOSS), 0, loss->ppm);
        break;
    case SIMNET_LOSS_GILBERT_ELLIOTT:
        write_bursts(write, loss);
        break;
    case SIMNET_LOSS_PERIODIC:
        clause = write_clause(write, SX_K_LOSE_EVERY);
        write_number(clause, 0, (int64_t)loss->period);
        if (loss->lost != 1)
            write_number(clause, 1, (int64_t)loss->lost);
        if (loss->first != 0)
            write_number(clause, 2, (int64_t)loss->first);
        break;
    case SIMNET_LOSS_MASK:
        write_number(write_clause(write, SX_K_LOSE_MASK), 0, (int64_t)loss->mask);
        break;
    case SIMNET_LOSS_LIST:
        clause = write_clause(write, SX_K_LOSE_NTH);
        write_number(clause, 0, 0);
        clause->values[0].list = loss->list;
        clause->values[0].list_count = loss->list_count;
        break;
    case SIMNET_LOSS_PREDICATE:
        write_predicates(write, loss);
        break;
    case SIMNET_LOSS_TRACE:
        write_trace(write, SX_K_LOSE_TRACE, source, loss->trace);
        break;
    }
}

/* What is more than a number. */
static void write_link_rest(struct write *write, const struct simnet_scenario_link *link)
{
    static const enum sx_value_kind units[] = {SX_V_BYTES, SX_V_BYTES, SX_V_PACKETS, SX_V_TIME,
                                               SX_V_BDP};
    const struct simnet_link_config *config = &link->config;

    if (config->opportunities != NULL)
        write_trace(write, SX_K_OPPORTUNITIES, &link->opportunities, config->opportunities);
    for (int i = 0; i < 3; i++)
        if (config->tells & 1u << i)
            write_clause(write, SX_K_TELL_MTU + i);
    if (config->queue.unit != SIMNET_QUEUE_UNLIMITED) {
        struct sx_clause *clause = write_clause(write, SX_K_QUEUE);
        write_number(clause, 0, (int64_t)config->queue.limit);
        clause->values[0].kind = units[config->queue.unit];
    }
    for (int i = 0; i < SIMNET_LOSSES_MAX; i++)
        write_loss(write, &config->losses[i], &link->losses[i]);
    if (config->duplicate.trace != NULL)
        write_trace(write, SX_K_COPIES_TRACE, &link->copies, config->duplicate.trace);
    if (config->delay.kind == SIMNET_DELAY_TRACE)
        write_trace(write, SX_K_DELAY_TRACE, &link->delays, config->delay.trace);
    else if (config->delay.kind != SIMNET_DELAY_CONSTANT)
        write_number(write_find(write, SX_K_JITTER), 0,
                     (int64_t)(config->delay.kind - SIMNET_DELAY_UNIFORM));
}

/* Numbers of a discipline or a jitter that is not in force say nothing. */
static struct simnet_link_config write_in_force(const struct simnet_link_config *config)
{
    struct simnet_link_config in_force = *config;

    if (config->queue.discipline != SIMNET_RED)
        in_force.queue.red_min_bytes = in_force.queue.red_max_bytes = in_force.queue.red_max_ppm =
            in_force.queue.red_weight_log2 = 0;
    if (config->queue.discipline != SIMNET_CODEL)
        in_force.queue.codel_target_ns = in_force.queue.codel_interval_ns = 0;
    if (config->delay.kind == SIMNET_DELAY_CONSTANT || config->delay.kind == SIMNET_DELAY_TRACE)
        in_force.delay.spread_ns = 0;
    return in_force;
}

static void write_links(struct write *write)
{
    static const struct simnet_link_config defaults;

    for (size_t i = 0; i < write->scenario->links.count; i++) {
        const struct simnet_scenario_link *link = &write->scenario->links.at[i];
        struct simnet_link_config in_force = write_in_force(&link->config);
        struct sx_clause *head = write_start(write, SX_S_LINK);
        if (link->from != SIMNET_NONE)
            write_pair(write, head, 0, link->from, link->to);
        else
            write_name(head, 0, link->name, (int64_t)i);
        write_fields(write, scenario_link_fields, &in_force, &defaults);
        write_link_rest(write, link);
        if (in_force.delay.kind != SIMNET_DELAY_CONSTANT &&
            in_force.delay.kind != SIMNET_DELAY_TRACE)
            write_number(write_find(write, SX_K_JITTER), 1, (int64_t)in_force.delay.spread_ns);
    }
    for (size_t i = 0; i < write->scenario->routes.count; i++) {
        const struct simnet_scenario_route *route = &write->scenario->routes.at[i];
        struct sx_clause *head = write_start(write, SX_S_ROUTE);
        write_pair(write, head, 0, route->from, route->to);
        write_link(write, head, 1, route->link);
    }
}

static void write_sessions(struct write *write)
{
    for (size_t i = 0; i < write->scenario->sessions.count; i++) {
        const struct simnet_scenario_session *session = &write->scenario->sessions.at[i];
        struct sx_clause *head = write_start(write, SX_S_SESSION);
        write_name(head, 0, session->name, (int64_t)i);
        write_pair(write, head, 1, session->a, session->b);
        if (session->count != 1)
            write_number(head, 2, session->count);
    }
    for (size_t i = 0; i < write->scenario->traffic.count; i++) {
        const struct simnet_scenario_traffic *traffic = &write->scenario->traffic.at[i];
        struct simnet_scenario_traffic defaults = {0};
        struct sx_clause *head = write_start(write, SX_S_TRAFFIC);
        write_host(write, head, 0, traffic->what.host);
        write_session(write, head, 1, traffic->what.session, SIMNET_NONE);
        write_number(write_clause(write, SX_K_COUNT), 0, (int64_t)traffic->what.count);
        defaults.what.size_max = traffic->what.size_min;
        write_fields(write, scenario_traffic_fields, traffic, &defaults);
    }
}

/* ---- the timeline ---- */

static void write_message(struct write *write, struct sx_clause *clause,
                          const struct simnet_operation *what)
{
    struct sx_value *value = &clause->values[1];

    write_number(clause, 1, (int64_t)what->size);
    if (what->data != NULL || what->from != scenario_usual_from(write->operations)) {
        struct sx_data *data = sx_world_allocate(write->script, sizeof *data);
        *data =
            what->data == NULL
                ? *scenario_write_pattern(write->script, what->size, what->from)
                : scenario_write_data(write->script, (struct sipc_span){what->data, what->size});
        if (data->kind == SX_DATA_NONE)
            data->kind = SX_DATA_LITERAL;
        value->kind = SX_V_DATA;
        value->data = data;
    }
    if (what->skip)
        write_number(clause, 2, 0);
    if (what->attribute_count == 0)
        return;
    struct sx_option *options =
        sx_world_allocate(write->script, what->attribute_count * sizeof *options);
    for (size_t i = 0; i < what->attribute_count; i++)
        options[i] = (struct sx_option){
            .name = what->attributes[i].name,
            .text = true,
            .data = {.kind = SX_DATA_LITERAL, .literal = what->attributes[i].value}};
    write_number(clause, 3, 0);
    clause->values[3].options = options;
    clause->values[3].option_count = what->attribute_count;
}

static void write_operation(struct write *write, const struct simnet_scenario_operation *operation)
{
    const struct simnet_operation *what = &operation->what;
    struct sx_clause *head = write_start(write, SX_S_AT);

    write->operations++;
    write_number(head, 0, (int64_t)operation->at_ns);
    write_host(write, head, 1, what->host);
    struct sx_clause *clause =
        write_clause(write, (enum sx_key)scenario_pair_key(scenario_commands, (int)what->command));
    if (what->command == SIMNET_COMMAND_SHUTDOWN) {
        if (what->grace_ns > 0)
            write_number(clause, 0, (int64_t)what->grace_ns);
        return;
    }
    write_session(write, clause, 0, what->session, operation->place);
    if (what->command == SIMNET_COMMAND_CLOSE || what->command == SIMNET_COMMAND_DISPOSE)
        write_number(clause, 1, what->code);
    else if (what->command != SIMNET_COMMAND_OPEN)
        write_message(write, clause, what);
    else if (what->idle_timeout_ns != INT64_MIN)
        write_number(clause, 1, what->idle_timeout_ns);
}

static void write_change(struct write *write, const struct simnet_change *change)
{
    struct sx_clause *head = write_start(write, SX_S_AT);

    write_number(head, 0, (int64_t)change->at_ns);
    if (scenario_change_is_of_link(change))
        write_link(write, head, 1, change->target);
    else
        write_host(write, head, 1, change->target);
    struct sx_clause *clause =
        write_clause(write, (enum sx_key)scenario_pair_key(scenario_changes, (int)change->kind));
    if (clause->row->fields[0].kinds != 0)
        write_number(clause, 0, (int64_t)change->value);
}

static void write_pdu(struct write *write, const struct simnet_scenario_pdu *pdu)
{
    struct sx_clause *head = write_start(write, SX_S_AT);
    write_number(head, 0, (int64_t)pdu->at_ns);
    write_host(write, head, 1, pdu->from);
    struct sx_clause *clause = write_clause(write, SX_K_DO_PDU);
    write_host(write, clause, 0, pdu->to);
    write_number(clause, 1, 0);
    clause->values[1].pdu = scenario_write_pdu(write->scenario, write->script, pdu->bytes);
}

static void write_reactions(struct write *write)
{
    for (size_t i = 0; i < write->scenario->reactions.count; i++) {
        const struct simnet_scenario_reaction *reaction = &write->scenario->reactions.at[i];
        struct sx_clause *head = write_start(write, SX_S_ON);
        write_host(write, head, 0, reaction->host);
        write_number(head, 1, 0);
        head->values[1].key =
            (struct sx_key_value){reaction->to.opcode, reaction->to.window_id, reaction->to.seq_nr};
        struct sx_pdu *answer = scenario_write_pdu(write->scenario, write->script, reaction->bytes);
        if (reaction->takes_session)
            answer->session = NULL, answer->session_id = NULL;
        answer->window_id.kind = reaction->takes_window_id ? SX_FIELD_ANY : answer->window_id.kind;
        answer->seq_nr.kind = reaction->takes_seq_nr ? SX_FIELD_ANY : answer->seq_nr.kind;
        struct sx_clause *clause = write_clause(write, SX_K_ANSWER);
        write_number(clause, 0, 0);
        clause->values[0].pdu = answer;
    }
}

struct write_moment { /* of the timeline */
    sipc_time at_ns;
    size_t kind, index;
};

static int write_by_time(const void *a, const void *b)
{
    const struct write_moment *x = a, *y = b;

    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void write_timeline(struct write *write)
{
    const struct simnet_scenario *s = write->scenario;
    size_t count = 0;
    struct write_moment *moments = sx_world_allocate(
        write->script,
        (s->operations.count + s->changes.count + s->pdus.count + 1) * sizeof *moments);

    for (size_t i = 0; i < s->changes.count; i++)
        moments[count++] = (struct write_moment){s->changes.at[i].what.at_ns, 0, i};
    for (size_t i = 0; i < s->operations.count; i++)
        moments[count++] = (struct write_moment){s->operations.at[i].at_ns, 1, i};
    for (size_t i = 0; i < s->pdus.count; i++)
        moments[count++] = (struct write_moment){s->pdus.at[i].at_ns, 2, i};
    qsort(moments, count, sizeof *moments, write_by_time);
    for (size_t i = 0; i < count; i++) {
        if (moments[i].kind == 0)
            write_change(write, &s->changes.at[moments[i].index].what);
        else if (moments[i].kind == 1)
            write_operation(write, &s->operations.at[moments[i].index]);
        else
            write_pdu(write, &s->pdus.at[moments[i].index]);
    }
}

/* ---- faults ---- */

struct write_key {
    uint64_t key;
    uint32_t session, place;
};
struct scenario_keys {
    size_t count;
    struct write_key at[];
};

static int write_by_key(const void *a, const void *b)
{
    const struct write_key *x = a, *y = b;

    return x->key < y->key ? -1 : x->key > y->key;
}

struct scenario_keys *scenario_keys_new(const struct simnet_scenario *scenario)
{
    size_t count = 0;
    uint8_t id[SIPC_SESSION_ID_SIZE];

    for (size_t i = 0; i < scenario->sessions.count; i++)
        count += scenario->sessions.at[i].count;
    struct scenario_keys *keys = malloc(sizeof *keys + count * sizeof keys->at[0]);
    if (keys == NULL) /* no memory */
        abort();
    keys->count = 0;
    for (size_t i = 0; i < scenario->sessions.count; i++) {
        const struct simnet_scenario_session *group = &scenario->sessions.at[i];
        for (uint32_t place = 0; place < group->count; place++) {
            simnet_scenario_session_id(group->name, place, id);
            keys->at[keys->count++] =
                (struct write_key){simnet_session_key(id), (uint32_t)i, place};
        }
    }
    qsort(keys->at, keys->count, sizeof keys->at[0], write_by_key);
    return keys;
}

void scenario_keys_free(struct scenario_keys *keys)
{
    free(keys);
}

static void write_fault_session(struct write *write, const struct scenario_keys *keys,
                                struct sx_clause *head, uint64_t key)
{
    const struct write_key *found;

    if (key == 0)
        return;
    found = bsearch(&(struct write_key){.key = key}, keys->at, keys->count, sizeof keys->at[0],
                    write_by_key);
    if (found == NULL) {
        write_number(head, 3, (int64_t)key);
        return;
    }
    bool many = write->scenario->sessions.at[found->session].count > 1;
    write_session(write, head, 2, found->session, many ? found->place : SIMNET_NONE);
}

void scenario_write_fault(const struct simnet_scenario *scenario, const struct scenario_keys *keys,
                          struct sx_script *script, const struct simnet_fault *fault)
{
    struct write write = {.scenario = scenario, .script = script};
    struct sx_clause *head = write_start(&write, SX_S_FAULT), *clause;
    const struct simnet_pdu_key *key = &fault->key;

    write_link(&write, head, 0, fault->link);
    write_number(head, 1, 0);
    head->values[1].key = (struct sx_key_value){key->opcode, key->window_id, key->seq_nr};
    write_fault_session(&write, keys, head, key->session);
    if (key->xmit != 1)
        write_number(head, 4, key->xmit);
    if (key->copy != 0)
        write_number(head, 5, key->copy);
    clause = write_clause(&write, fault->stage == SIMNET_STAGE_QUEUE
                                      ? SX_K_RED_DROP
                                      : scenario_pair_key(scenario_verdicts, fault->verdict));
    if (clause->row->fields[0].kinds != 0)
        write_number(clause, 0, (int64_t)fault->value);
    if (fault->verdict == SIMNET_FLIP)
        write_number(clause, 1, fault->extra);
}

/* ---- expectations ---- */

static int write_field_of(const struct sx_clause *clause, const char *word)
{
    int i = 0;

    while (clause->row->fields[i].word == NULL || strcmp(clause->row->fields[i].word, word) != 0)
        i++;
    return i;
}

static void write_selectors(struct write *write, struct sx_clause *clause,
                            const struct simnet_expectation *expectation)
{
    if (expectation->command >= 0) /* the language has them in the same order */
        write_number(clause, write_field_of(clause, "of"), expectation->command);
    if (expectation->host != SIMNET_NONE)
        write_host(write, clause, write_field_of(clause, "at"), expectation->host);
    if (expectation->session != SIMNET_NONE)
        write_session(write, clause, write_field_of(clause, "in"), expectation->session,
                      expectation->place);
    if (expectation->stage >= 0)
        write_number(clause, write_field_of(clause, "by"), expectation->stage);
    if (expectation->link != SIMNET_NONE)
        write_link(write, clause, write_field_of(clause, "on"), expectation->link);
}

static void write_expectation(struct write *write, const struct simnet_expectation *expectation)
{
    int key = expectation->metric == SIMNET_METRIC_LINK
                  ? SX_K_X_ENTERED + expectation->what
                  : scenario_pair_key(scenario_metrics, (int)expectation->metric);
    int field = 0;

    write_start(write, SX_S_EXPECT);
    struct sx_clause *clause = write_clause(write, (enum sx_key)key);
    if (key == SX_K_X_FAILS) {
        write_name(clause, 0, expectation->invariant, 0);
        if (expectation->rule != SIPC_RULE_NONE)
            write_number(clause, 1, expectation->rule);
        return;
    }
    if (key == SX_K_X_ENDED)
        write_number(clause, field++, expectation->what);
    if (clause->row->fields[field].kinds == SX_V_COMPARE)
        write_number(clause, field++, (int64_t)expectation->compare);
    write_number(clause, field, (int64_t)expectation->value);
    write_selectors(write, clause, expectation);
}

/* ---- the whole ---- */

static void write_settings(struct write *write)
{
    const struct simnet_scenario *s = write->scenario;

    if (s->seed != 1)
        write_number(write_start(write, SX_S_SEED), 0, (int64_t)s->seed);
    if (s->ties != SIMNET_TIES_FIFO)
        write_number(write_start(write, SX_S_TIES), 0, s->ties);
    if (s->heal_ns != SIPC_NEVER)
        write_number(write_start(write, SX_S_HEAL), 0, (int64_t)s->heal_ns);
    if (s->until_ns != SIPC_NEVER)
        write_number(write_start(write, SX_S_UNTIL), 0, (int64_t)s->until_ns);
    if (s->event_max != 0 || s->time_max_ns != 0 || s->moment_max != 0)
        write_start(write, SX_S_BUDGET);
    if (s->event_max != 0)
        write_number(write_clause(write, SX_K_EVENTS), 0, (int64_t)s->event_max);
    if (s->time_max_ns != 0)
        write_number(write_clause(write, SX_K_TIME_MAX), 0, (int64_t)s->time_max_ns);
    if (s->moment_max != 0)
        write_number(write_clause(write, SX_K_MOMENT), 0, s->moment_max);
    if (s->chance_off || s->faults.count > 0)
        write_number(write_start(write, SX_S_CHANCE), 0, 0);
    if (s->deliveries_unchecked)
        write_number(write_start(write, SX_S_DELIVERIES), 0, 0);
}

/* The names that a tape of this scenario may speak of. */
static void write_names(struct write *write)
{
    const struct simnet_scenario *s = write->scenario;
    struct sx_world *world = write->script->world;
    const char **hosts = sx_world_allocate(write->script, (s->hosts.count + 1) * sizeof *hosts);
    const char **links = sx_world_allocate(write->script, (s->links.count + 1) * sizeof *links);
    const char **sessions =
        sx_world_allocate(write->script, (s->sessions.count + 1) * sizeof *sessions);
    char name[256];

    for (size_t i = 0; i < s->hosts.count; i++)
        hosts[i] = s->hosts.at[i].name;
    for (size_t i = 0; i < s->links.count; i++) {
        simnet_scenario_link_name(s, i, name, sizeof name);
        links[i] = write_copy(write, name);
    }
    for (size_t i = 0; i < s->sessions.count; i++)
        sessions[i] = s->sessions.at[i].name;
    world->hosts = (struct sx_names){hosts, s->hosts.count};
    world->links = (struct sx_names){links, s->links.count};
    world->sessions = (struct sx_names){sessions, s->sessions.count};
}

struct sx_script *simnet_scenario_to_script(const struct simnet_scenario *scenario)
{
    struct write write = {.scenario = scenario};

    write.script =
        sx_world_new(scenario->id, scenario->story, scenario->rules, scenario->rule_count);
    write_names(&write);
    write_settings(&write);
    write_hosts(&write);
    write_links(&write);
    write_sessions(&write);
    write_reactions(&write);
    write_timeline(&write);
    struct scenario_keys *keys = scenario->faults.count > 0 ? scenario_keys_new(scenario) : NULL;
    for (size_t i = 0; i < scenario->faults.count; i++)
        scenario_write_fault(scenario, keys, write.script, &scenario->faults.faults[i]);
    scenario_keys_free(keys);
    for (size_t i = 0; i < scenario->expectations.count; i++)
        write_expectation(&write, &scenario->expectations.at[i]);
    return write.script;
}

void simnet_scenario_print(const struct simnet_scenario *scenario, FILE *out)
{
    struct sx_script *script = simnet_scenario_to_script(scenario);

    sx_print(script, out);
    sx_script_free(script);
}
