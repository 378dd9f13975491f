/* Worlds as values and as made by programs: numbers of fields, and scripts built piece by piece.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* A bound as people write it: in the units of the field. */
static void world_bound(const struct sx_value *value, int64_t number, char *out, size_t size)
{
    FILE *file = fmemopen(out, size, "w");
    if (file == NULL) { /* no memory */
        return;
    }
    sx_print_quantity(value->kind, number, file);
    fclose(file);
    out[size - 1] = '\0';
}

bool sx_value_number(const struct sx_value *value, const struct sx_field_row *row,
                     const struct sx_env *env, int64_t *out, char *error, size_t error_size)
{
    int64_t min = row->min, max = row->min == 0 && row->max == 0 ? INT64_MAX : row->max;
    char low[64] = "", high[64] = "", found[64] = "";

    *out = value->number;
    if (value->expr != NULL) {
        if (!sx_eval(value->expr, env, out, error, error_size)) {
            return false;
        }
        if (value->unit != NULL && __builtin_mul_overflow(*out, value->unit->scale, out)) {
            snprintf(error, error_size, "this does not fit 64 bits");
            return false;
        }
    }
    if ((value->kind & SX_V_NUMBERS) == 0 || (*out >= min && *out <= max)) {
        return true;
    }
    world_bound(value, min, low, sizeof(low));
    world_bound(value, max, high, sizeof(high));
    world_bound(value, *out, found, sizeof(found));
    if (max == INT64_MAX) {
        snprintf(error, error_size, "at least %s expected here, found %s", low, found);
    } else {
        snprintf(error, error_size, "%s to %s expected here, found %s", low, high, found);
    }
    return false;
}

/* ---- made by programs ---- */

struct sx_script *sx_world_new(const char *id, const char *story, const enum sipc_rule *rules,
                               size_t rule_count)
{
    struct sx__arena *arena = sx__arena_new();
    struct sx_script *script = sx__alloc(arena, sizeof(*script));
    enum sipc_rule *copy = sx__alloc(arena, (rule_count + 1) * sizeof(*copy));

    if (rule_count > 0) {
        memcpy(copy, rules, rule_count * sizeof(*copy));
    }
    *script = (struct sx_script){.path = "",
                                 .id = sx__string(arena, id, strlen(id)),
                                 .story = sx__string(arena, story, strlen(story)),
                                 .rules = copy,
                                 .rule_count = rule_count,
                                 .case_count = 1,
                                 .world = sx__alloc(arena, sizeof(struct sx_world)),
                                 .memory = arena};
    return script;
}

void *sx_world_allocate(struct sx_script *script, size_t size)
{
    return sx__alloc(script->memory, size);
}

static struct sx_clause world_new_clause(struct sx_script *script, const struct sx_clause_row *row)
{
    struct sx_clause clause = {.row = row};
    clause.values = sx__alloc(script->memory, SX_FIELDS_MAX * sizeof(*clause.values));
    return clause;
}

struct sx_statement *sx_world_add(struct sx_script *script, enum sx_statement_kind kind)
{
    struct sx_world *world = script->world;
    struct sx_statement *statements =
        sx__grow(script->memory, world->statements, world->count, sizeof(*statements));
    struct sx_statement *statement = &statements[world->count++];
    const struct sx_statement_row *row = sx_statement_rows;

    world->statements = statements;
    while (row->kind != (int)kind) {
        row++;
    }
    *statement = (struct sx_statement){.row = row, .head = world_new_clause(script, &row->head)};
    return statement;
}

struct sx_clause *sx_world_clause(struct sx_script *script, struct sx_statement *statement,
                                  enum sx_key key)
{
    const struct sx_clause_row *row = statement->row->clauses;
    struct sx_clause *clauses =
        sx__grow(script->memory, statement->clauses, statement->clause_count, sizeof(*clauses));

    while (row->key != (int)key) {
        row++;
    }
    clauses[statement->clause_count] = world_new_clause(script, row);
    statement->clauses = clauses;
    return &clauses[statement->clause_count++];
}
