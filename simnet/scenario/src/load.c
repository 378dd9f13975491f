/* A parsed script with a world becomes a scenario: numbers are evaluated for one case, names are
 * indices already. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

bool scenario_load_fail(const struct scenario_load *load, const char *format, ...)
{
    va_list arguments;

    if (load->errors == NULL)
        return false;
    fprintf(load->errors, "%s:%d: error: ", load->script->path, load->statement->line);
    va_start(arguments, format);
    vfprintf(load->errors, format, arguments);
    va_end(arguments);
    fputs("\n  ", load->errors);
    sx_print_statement(load->statement, load->errors);
    fputc('\n', load->errors);
    return false;
}

/* ---- parameters ---- */

/* In a world nothing else has a name with a $, and what parsed names what there is: a text where
 * one is wanted, else a number. */
static const struct sx_param_value *load_param(const struct scenario_load *load, const char *name,
                                               bool text)
{
    for (size_t i = 0;; i++) {
        SIPC_ASSERT(i < load->script->param_count);
        if (strcmp(load->script->params[i].name, name) == 0) {
            const struct sx_param_value *value = sx_case_value(load->script, load->index, i);
            SIPC_ASSERT(value->text == text);
            return value;
        }
    }
}

static bool load_ask_number(void *ctx, const char *name, int64_t *out)
{
    *out = load_param(ctx, name, false)->number;
    return true;
}

static bool load_ask_text(void *ctx, const char *name, struct sipc_span *out)
{
    *out = load_param(ctx, name, true)->bytes;
    return true;
}

/* ---- values ---- */

bool scenario_load_number(const struct scenario_load *load, const struct sx_clause *clause,
                          int field, int64_t *out)
{
    char error[256];

    if (sx_value_number(&clause->values[field], &clause->row->fields[field], &load->env, out, error,
                        sizeof error))
        return true;
    return scenario_load_fail(load, "%s", error);
}

bool scenario_load_unsigned(const struct scenario_load *load, const struct sx_clause *clause,
                            int field, uint64_t *out)
{
    int64_t number = 0;
    bool ok = !clause->values[field].given || scenario_load_number(load, clause, field, &number);

    *out = (uint64_t)number;
    return ok;
}

static bool load_expr(const struct scenario_load *load, const struct sx_expr *expr, int64_t max,
                      int64_t *out)
{
    char error[256];

    if (!sx_eval(expr, &load->env, out, error, sizeof error))
        return scenario_load_fail(load, "%s", error);
    if (*out >= 0 && *out <= max)
        return true;
    return scenario_load_fail(load, "0 to %" PRId64 " expected here, found %" PRId64, max, *out);
}

/* What the rows have of the clauses, into `base`. */
bool scenario_load_fields(const struct scenario_load *load, const struct scenario_field *fields,
                          void *base)
{
    for (size_t i = 0; i < load->statement->clause_count; i++) {
        const struct sx_clause *clause = &load->statement->clauses[i];
        for (const struct scenario_field *field = fields; field->key != 0; field++) {
            int64_t number = 1;
            if (field->key != clause->row->key ||
                (field->field >= 0 && !clause->values[field->field].given))
                continue;
            if (field->field >= 0 && !scenario_load_number(load, clause, field->field, &number))
                return false;
            scenario_field_set(field, base, number);
        }
    }
    return true;
}

const char *scenario_load_text(struct scenario_load *load, struct sipc_span bytes)
{
    char *copy = scenario_allocate(load->scenario, bytes.size + 1);

    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

static bool load_place(const struct scenario_load *load, const struct sx_value *value,
                       uint32_t *out)
{
    int64_t place;

    *out = SIMNET_NONE;
    if (value->place == NULL)
        return true;
    uint32_t count = load->scenario->sessions.at[value->number].count;
    if (!load_expr(load, value->place, count - 1, &place))
        return false;
    *out = (uint32_t)place;
    return true;
}

/* ---- hosts ---- */

static bool load_host(struct scenario_load *load)
{
    struct simnet_scenario_host host = {.line = load->statement->line};

    sipc_config_default(&host.settings);
    host.name = simnet_scenario_string(load->scenario, load->statement->head.values[0].name);
    for (size_t i = 0; i < load->statement->clause_count; i++) {
        const struct sx_clause *clause = &load->statement->clauses[i];
        if (clause->row->key == SX_K_SUT) {
            host.sut = scenario_load_text(load, clause->values[0].bytes);
            if (strncmp(host.sut, "exec:", 5) != 0 && strncmp(host.sut, "so:", 3) != 0)
                return scenario_load_fail(
                    load,
                    "expected \"exec:COMMAND\" or \"so:PATH\", which run under "
                    "virtual time, found \"%s\"",
                    host.sut);
        }
        if (clause->row->key == SX_K_SUT || clause->row->key == SX_K_SCRIPTED) {
            if (host.kind != SIMNET_HOST_ENGINE)
                return scenario_load_fail(load, "a host has one of 'sut' and 'scripted'");
            host.kind = clause->row->key == SX_K_SUT ? SIMNET_HOST_FOREIGN : SIMNET_HOST_SCRIPTED;
        }
    }
    if (!scenario_load_fields(load, scenario_host_fields, &host))
        return false;
    simnet_scenario_add(&load->scenario->hosts, &host);
    return true;
}

/* ---- sessions, traffic ---- */

static bool load_route(struct scenario_load *load)
{
    const struct sx_value *values = load->statement->head.values;
    struct simnet_scenario_route route = {.from = (simnet_host)values[0].number,
                                          .to = (simnet_host)values[0].other,
                                          .link = (simnet_link)values[1].number,
                                          .line = load->statement->line};

    simnet_scenario_add(&load->scenario->routes, &route);
    return true;
}

static bool load_session(struct scenario_load *load)
{
    const struct sx_clause *head = &load->statement->head;
    struct simnet_scenario_session session = {.a = (simnet_host)head->values[1].number,
                                              .b = (simnet_host)head->values[1].other,
                                              .line = load->statement->line};
    uint64_t count = 1;

    session.name = simnet_scenario_string(load->scenario, head->values[0].name);
    if (head->values[2].given && !scenario_load_unsigned(load, head, 2, &count))
        return false;
    session.count = (uint32_t)count;
    load->session_count += count;
    if (load->session_count > SX_SESSION_PLACES_MAX)
        return scenario_load_fail(load, "a world has at most %d sessions", SX_SESSION_PLACES_MAX);
    simnet_scenario_add(&load->scenario->sessions, &session);
    return true;
}

/* The host must be one of the session's two. */
static bool load_takes_part(const struct scenario_load *load, simnet_host host,
                            const struct sx_value *value)
{
    const struct simnet_scenario_session *session = &load->scenario->sessions.at[value->number];

    if (session->a == host || session->b == host)
        return true;
    return scenario_load_fail(load, "session %s is of %s and %s, not of %s", session->name,
                              load->scenario->hosts.at[session->a].name,
                              load->scenario->hosts.at[session->b].name,
                              load->scenario->hosts.at[host].name);
}

static bool load_traffic(struct scenario_load *load)
{
    const struct sx_value *values = load->statement->head.values;
    struct simnet_scenario_traffic traffic = {.line = load->statement->line};
    bool ranged = false, counted = false;

    traffic.what.host = (simnet_host)values[0].number;
    traffic.what.session = (uint32_t)values[1].number;
    if (values[1].place != NULL)
        return scenario_load_fail(load, "traffic is in every session of the name, without [...]");
    if (!load_takes_part(load, traffic.what.host, &values[1]) ||
        !scenario_load_fields(load, scenario_traffic_fields, &traffic))
        return false;
    for (size_t i = 0; i < load->statement->clause_count; i++) {
        const struct sx_clause *clause = &load->statement->clauses[i];
        ranged |= clause->row->key == SX_K_SIZE && clause->values[1].given;
        counted |= clause->row->key == SX_K_COUNT;
    }
    if (!counted)
        return scenario_load_fail(load, "traffic needs 'count N'");
    if (!ranged)
        traffic.what.size_max = traffic.what.size_min;
    if (traffic.what.size_min > traffic.what.size_max)
        return scenario_load_fail(load, "a range of sizes goes from the smaller to the larger");
    simnet_scenario_add(&load->scenario->traffic, &traffic);
    return true;
}

/* ---- scripted hosts ---- */

/* The bytes of a PDU as written; in session S where it names none. */
static bool load_pdu_bytes(struct scenario_load *load, const struct sx_pdu *pdu,
                           struct sipc_span *out)
{
    uint8_t id[SIPC_SESSION_ID_SIZE], *bytes;
    size_t size;
    char error[256];

    simnet_scenario_session_id(pdu->session != NULL ? pdu->session : "S", 0, id);
    if (!sx_build_pdu(pdu, &load->env, id, &bytes, &size, error, sizeof error))
        return scenario_load_fail(load, "%s", error);
    *out = simnet_scenario_bytes(load->scenario, bytes, size);
    free(bytes);
    return true;
}

/* Whether the id is to be taken from what came; it is 0 until then. */
static bool load_takes(struct sx_field *field)
{
    static const struct sx_expr zero = {.op = SX_CONST};
    bool takes = field->kind == SX_FIELD_ANY;

    if (takes)
        *field = (struct sx_field){SX_FIELD_EXPR, &zero, NULL};
    return takes;
}

static bool load_reaction(struct scenario_load *load)
{
    const struct sx_value *values = load->statement->head.values;
    const struct sx_key_value *key = &values[1].key;
    struct sx_pdu pdu = *load->statement->clauses[0].values[0].pdu;
    struct simnet_scenario_reaction reaction = {
        .host = (simnet_host)values[0].number,
        .to = {key->opcode, key->window_id, key->seq_nr, -1},
        .line = load->statement->line};

    if (load->scenario->hosts.at[reaction.host].kind != SIMNET_HOST_SCRIPTED)
        return scenario_load_fail(load,
                                  "host %s is not 'scripted': it answers what its endpoint answers",
                                  load->scenario->hosts.at[reaction.host].name);
    reaction.takes_session = pdu.kind == SX_PDU_FIELDS && pdu.session == NULL &&
                             pdu.session_id == NULL && key->opcode != 0;
    reaction.takes_window_id = load_takes(&pdu.window_id);
    reaction.takes_seq_nr = load_takes(&pdu.seq_nr);
    if (!load_pdu_bytes(load, &pdu, &reaction.bytes))
        return false;
    const char *why = scenario_reaction_check(&reaction);
    if (why != NULL)
        return scenario_load_fail(load, "%s", why);
    simnet_scenario_add(&load->scenario->reactions, &reaction);
    return true;
}

/* ---- the timeline ---- */

static bool load_attributes(struct scenario_load *load, const struct sx_value *value,
                            struct simnet_operation *operation)
{
    struct sipc_attribute *attributes =
        scenario_allocate(load->scenario, value->option_count * sizeof *attributes);
    char error[256];

    for (size_t i = 0; i < value->option_count; i++) {
        struct sipc_span name;
        uint8_t *bytes;
        size_t size;
        if (!sx_build_option(&value->options[i], &load->env, &name, &bytes, &size, error,
                             sizeof error))
            return scenario_load_fail(load, "%s", error);
        attributes[i].name = simnet_scenario_bytes(load->scenario, name.data, name.size);
        attributes[i].value = simnet_scenario_bytes(load->scenario, bytes, size);
        free(bytes);
    }
    operation->attributes = attributes;
    operation->attribute_count = value->option_count;
    return true;
}

uint32_t scenario_usual_from(size_t operation)
{
    return (uint32_t)(operation * 16 % 251);
}

/* A message: so many bytes, bytes(N, FROM), or these. */
static bool load_message(struct scenario_load *load, const struct sx_clause *clause,
                         struct simnet_operation *operation)
{
    const struct sx_value *value = &clause->values[1];
    int64_t size, from = 0;

    operation->skip = clause->values[2].given;
    if (!load_attributes(load, &clause->values[3], operation))
        return false;
    if (value->kind == SX_V_BYTES) { /* each with other bytes, so that they are told apart */
        operation->from = scenario_usual_from(load->scenario->operations.count + 1);
        return scenario_load_unsigned(load, clause, 1, &operation->size);
    }
    if (value->data->kind == SX_DATA_PATTERN) {
        if (!load_expr(load, value->data->size, INT64_C(1) << 30, &size) ||
            (value->data->from != NULL && !load_expr(load, value->data->from, UINT32_MAX, &from)))
            return false;
        operation->size = (uint64_t)size;
        operation->from = (uint32_t)from;
        return true;
    }
    struct sipc_span bytes = value->data->kind == SX_DATA_VAR
                                 ? load_param(load, value->data->name, true)->bytes
                                 : value->data->literal;
    operation->data = simnet_scenario_bytes(load->scenario, bytes.data, bytes.size).data;
    operation->size = bytes.size;
    return true;
}

static bool load_operation(struct scenario_load *load, const struct sx_clause *clause,
                           sipc_time at_ns)
{
    struct simnet_scenario_operation operation = {
        .at_ns = at_ns, .place = SIMNET_NONE, .line = load->statement->line};
    struct simnet_operation *what = &operation.what;
    const struct sx_value *session = &clause->values[0];
    int64_t number = 0;

    what->command = scenario_pair_value(scenario_commands, clause->row->key);
    what->host = (simnet_host)load->statement->head.values[1].number;
    what->idle_timeout_ns = INT64_MIN;
    if (what->command == SIMNET_COMMAND_SHUTDOWN) {
        if (!scenario_load_unsigned(load, clause, 0, &what->grace_ns))
            return false;
    } else {
        what->session = (uint32_t)session->number;
        if (!load_takes_part(load, what->host, session) ||
            !load_place(load, session, &operation.place))
            return false;
    }
    bool coded = what->command == SIMNET_COMMAND_CLOSE || what->command == SIMNET_COMMAND_DISPOSE;
    bool timed = what->command == SIMNET_COMMAND_OPEN && clause->values[1].given;
    if ((coded || timed) && !scenario_load_number(load, clause, 1, &number))
        return false;
    what->code = coded ? (int32_t)number : 0;
    what->idle_timeout_ns = timed ? number : INT64_MIN;
    if ((what->command == SIMNET_COMMAND_SEND || what->command == SIMNET_COMMAND_SEND_UNRELIABLE) &&
        !load_message(load, clause, what))
        return false;
    simnet_scenario_add(&load->scenario->operations, &operation);
    return true;
}

static bool load_pdu(struct scenario_load *load, const struct sx_clause *clause, sipc_time at_ns)
{
    struct simnet_scenario_pdu out = {.at_ns = at_ns,
                                      .from = (simnet_host)load->statement->head.values[1].number,
                                      .to = (simnet_host)clause->values[0].number,
                                      .line = load->statement->line};

    if (load->scenario->hosts.at[out.from].kind != SIMNET_HOST_SCRIPTED)
        return scenario_load_fail(load,
                                  "host %s is not 'scripted': it sends what its endpoint sends",
                                  load->scenario->hosts.at[out.from].name);
    if (!load_pdu_bytes(load, clause->values[1].pdu, &out.bytes))
        return false;
    simnet_scenario_add(&load->scenario->pdus, &out);
    return true;
}

static bool load_change(struct scenario_load *load, const struct sx_clause *clause, sipc_time at_ns)
{
    struct simnet_scenario_change change = {.line = load->statement->line};
    int64_t number = 0;

    change.what.at_ns = at_ns;
    change.what.kind = scenario_pair_value(scenario_changes, clause->row->key);
    change.what.target = (uint32_t)load->statement->head.values[1].number;
    if (clause->row->fields[0].kinds != 0 && clause->values[0].given &&
        !scenario_load_number(load, clause, 0, &number))
        return false;
    change.what.value = (uint64_t)number;
    if (change.what.kind == SIMNET_LINK_RATE &&
        load->scenario->links.at[change.what.target].config.rate_bps == 0)
        return scenario_load_fail(load, "the link has no rate that could change");
    simnet_scenario_add(&load->scenario->changes, &change);
    return true;
}

static bool load_at(struct scenario_load *load)
{
    const struct sx_clause *clause = &load->statement->clauses[0];
    uint64_t at_ns;

    if (!scenario_load_unsigned(load, &load->statement->head, 0, &at_ns))
        return false;
    if (load->timeline && at_ns < load->last_at_ns)
        return scenario_load_fail(
            load, "time runs backwards: the line before is later, at %" PRIu64 " ns",
            load->last_at_ns);
    load->last_at_ns = at_ns;
    load->timeline = true;
    if (clause->row->key == SX_K_DO_PDU)
        return load_pdu(load, clause, at_ns);
    if (clause->row->key >= SX_K_DOWN)
        return load_change(load, clause, at_ns);
    return load_operation(load, clause, at_ns);
}

/* ---- faults ---- */

bool scenario_load_fault(const struct simnet_scenario *scenario,
                         const struct sx_statement *statement, struct simnet_fault *out,
                         char *error, size_t error_size)
{
    const struct sx_value *values = statement->head.values;
    const struct sx_clause *clause = &statement->clauses[0];
    bool drop = clause->row->key == SX_K_LOST || clause->row->key == SX_K_RED_DROP;
    static const enum simnet_stage stages[SIMNET_VERDICT_COUNT] = {
        [SIMNET_COPIES] = SIMNET_STAGE_DUPLICATE, [SIMNET_FLIP] = SIMNET_STAGE_CORRUPT,
        [SIMNET_TRUNCATE] = SIMNET_STAGE_CORRUPT, [SIMNET_EXTEND] = SIMNET_STAGE_CORRUPT,
        [SIMNET_DELAY] = SIMNET_STAGE_PROPAGATE,  [SIMNET_SWAP] = SIMNET_STAGE_REORDER,
        [SIMNET_JUMP] = SIMNET_STAGE_REORDER,     [SIMNET_DROP] = SIMNET_STAGE_LOSS};
    uint8_t id[SIPC_SESSION_ID_SIZE];
    int64_t place = 0;

    *out = (struct simnet_fault){.link = (uint32_t)values[0].number};
    out->verdict =
        (uint8_t)(drop ? SIMNET_DROP : scenario_pair_value(scenario_verdicts, clause->row->key));
    out->stage =
        (uint8_t)(clause->row->key == SX_K_RED_DROP ? SIMNET_STAGE_QUEUE : stages[out->verdict]);
    out->key = (struct simnet_pdu_key){
        .opcode = (uint8_t)values[1].key.opcode,
        .window_id = values[1].key.window_id,
        .seq_nr = (int32_t)values[1].key.seq_nr,
        .xmit = values[4].given ? (uint32_t)values[4].number : 1,
        .copy = (uint8_t)values[5].number,
    };
    if (values[2].place != NULL &&
        !sx_eval(values[2].place, &(struct sx_env){0}, &place, error, error_size))
        return false;
    if (values[2].given) {
        simnet_scenario_session_id(scenario->sessions.at[values[2].number].name, (uint32_t)place,
                                   id);
        out->key.session = simnet_session_key(id);
    } else if (values[3].given) {
        out->key.session = (uint64_t)values[3].number;
    }
    if (!drop)
        out->value = (uint64_t)clause->values[0].number;
    if (out->verdict == SIMNET_FLIP)
        out->extra = (uint32_t)clause->values[1].number;
    if (values[4].expr != NULL || values[5].expr != NULL ||
        (!drop && clause->values[0].expr != NULL)) {
        snprintf(error, error_size, "a fault has plain numbers");
        return false;
    }
    const char *why = simnet_fault_check(out);
    if (why != NULL)
        snprintf(error, error_size, "%s", why);
    return why == NULL;
}

static bool load_fault(struct scenario_load *load)
{
    struct simnet_fault fault;
    char error[256];

    if (!scenario_load_fault(load->scenario, load->statement, &fault, error, sizeof error))
        return scenario_load_fail(load, "%s", error);
    simnet_tape_add(&load->scenario->faults, &fault);
    return true;
}

/* ---- expectations ---- */

/* Where a field of this word is; -1: nowhere, or not given. */
static int load_find(const struct sx_clause *clause, const char *word)
{
    for (int i = 0; clause->row->fields[i].kinds != 0; i++)
        if (clause->row->fields[i].word != NULL && clause->values[i].given &&
            strcmp(clause->row->fields[i].word, word) == 0)
            return i;
    return -1;
}

static bool load_selectors(struct scenario_load *load, const struct sx_clause *clause,
                           struct simnet_expectation *out)
{
    int of = load_find(clause, "of"), at = load_find(clause, "at"), in = load_find(clause, "in");
    int on = load_find(clause, "on"), by = load_find(clause, "by");

    out->command = of >= 0 ? (int)clause->values[of].number : -1;
    out->host = at >= 0 ? (simnet_host)clause->values[at].number : SIMNET_NONE;
    out->link = on >= 0 ? (simnet_link)clause->values[on].number : SIMNET_NONE;
    out->stage = by >= 0 ? (int)clause->values[by].number : -1;
    if (in < 0)
        return true;
    out->session = (uint32_t)clause->values[in].number;
    return load_place(load, &clause->values[in], &out->place);
}

static bool load_expect(struct scenario_load *load)
{
    const struct sx_clause *clause = &load->statement->clauses[0];
    const struct sx_value *values = clause->values;
    struct simnet_expectation out = SIMNET_EXPECTATION_ANY;
    int key = clause->row->key, field = 0;

    out.line = load->statement->line;
    if (!load_selectors(load, clause, &out))
        return false;
    if (key == SX_K_X_FAILS) {
        out.metric = SIMNET_METRIC_FAILS;
        out.invariant = simnet_scenario_string(load->scenario, values[0].name);
        out.rule = values[1].given ? (enum sipc_rule)values[1].number : SIPC_RULE_NONE;
        simnet_scenario_add(&load->scenario->expectations, &out);
        return true;
    }
    if (key >= SX_K_X_ENTERED && key <= SX_K_X_BUSY) {
        out.metric = SIMNET_METRIC_LINK;
        out.what = key - SX_K_X_ENTERED;
    } else {
        out.metric = scenario_pair_value(scenario_metrics, key);
    }
    if (key == SX_K_X_ENDED)
        out.what = (int)values[field++].number;
    if (clause->row->fields[field].kinds == SX_V_COMPARE)
        out.compare = (enum simnet_compare)values[field++].number;
    if (!scenario_load_unsigned(load, clause, field, &out.value))
        return false;
    simnet_scenario_add(&load->scenario->expectations, &out);
    return true;
}

/* ---- the whole ---- */

static bool load_setting(struct scenario_load *load)
{
    struct simnet_scenario *scenario = load->scenario;
    const struct sx_clause *head = &load->statement->head;
    uint64_t moment;

    switch (load->statement->row->kind) {
    case SX_S_SEED:
        scenario->seed = (uint64_t)head->values[0].number;
        return true;
    case SX_S_TIES:
        scenario->ties = (enum simnet_ties)head->values[0].number;
        return true;
    case SX_S_HEAL:
        return scenario_load_unsigned(load, head, 0, &scenario->heal_ns);
    case SX_S_UNTIL:
        return scenario_load_unsigned(load, head, 0, &scenario->until_ns);
    case SX_S_CHANCE:
        scenario->chance_off = true;
        return true;
    case SX_S_DELIVERIES:
        scenario->deliveries_unchecked = true;
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < load->statement->clause_count; i++) {
        const struct sx_clause *clause = &load->statement->clauses[i];
        uint64_t *into = clause->row->key == SX_K_EVENTS     ? &scenario->event_max
                         : clause->row->key == SX_K_TIME_MAX ? &scenario->time_max_ns
                                                             : &moment;
        if (!scenario_load_unsigned(load, clause, 0, into))
            return false;
        if (into == &moment)
            scenario->moment_max = (uint32_t)moment;
    }
    return true;
}

static bool load_statement(struct scenario_load *load)
{
    switch (load->statement->row->kind) {
    case SX_S_HOST:
        return load_host(load);
    case SX_S_LINK:
        return scenario_load_link(load);
    case SX_S_ROUTE:
        return load_route(load);
    case SX_S_SESSION:
        return load_session(load);
    case SX_S_TRAFFIC:
        return load_traffic(load);
    case SX_S_ON:
        return load_reaction(load);
    case SX_S_AT:
        return load_at(load);
    case SX_S_FAULT:
        return load_fault(load);
    case SX_S_EXPECT:
        return load_expect(load);
    default:
        return load_setting(load);
    }
}

bool simnet_scenario_from_script(const struct sx_script *script, size_t index,
                                 struct simnet_scenario *out, FILE *errors)
{
    struct scenario_load load = {
        .scenario = out, .script = script, .index = index, .errors = errors};
    char name[512] = "";

    SIPC_ASSERT(script->world != NULL && index < script->case_count);
    load.env = (struct sx_env){&load, load_ask_number, load_ask_text, NULL};
    simnet_scenario_init(out, script->id);
    sx_case_name(script, index, name, sizeof name);
    out->name = simnet_scenario_string(out, name);
    out->path = simnet_scenario_string(out, script->path);
    out->story = simnet_scenario_string(out, script->story);
    enum sipc_rule *rules = scenario_allocate(out, script->rule_count * sizeof *rules);
    for (size_t i = 0; i < script->rule_count; i++)
        rules[i] = script->rules[i];
    out->rules = rules;
    out->rule_count = script->rule_count;
    for (size_t i = 0; i < script->world->count; i++) {
        load.statement = &script->world->statements[i];
        if (load_statement(&load))
            continue;
        simnet_scenario_fini(out);
        return false;
    }
    return true;
}
