/* Prints statements of a world or a tape, by the rows of world_words.c. A number takes the unit in
 * which it is shortest. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* ---- numbers ---- */

/* `value` in `unit` with up to three decimals; false: it takes more. */
static bool world_in_unit(uint64_t value, const struct sx_unit *unit, char *out, size_t size)
{
    uint64_t scale = (uint64_t)unit->scale, whole = value / scale, rest = value % scale;
    uint64_t decimals = 0;

    if (rest * 1000 % scale != 0 || rest > UINT64_MAX / 1000) {
        return false;
    }
    decimals = rest * 1000 / scale;
    int width = decimals % 100 == 0 ? 1 : decimals % 10 == 0 ? 2 : 3;
    for (int i = width; i < 3; i++) {
        decimals /= 10;
    }
    if (decimals == 0) {
        snprintf(out, size, "%" PRIu64 "%s", whole, unit->word);
    } else {
        snprintf(out, size, "%" PRIu64 ".%0*" PRIu64 "%s", whole, width, decimals, unit->word);
    }
    return true;
}

void sx_print_quantity(enum sx_value_kind kind, int64_t number, FILE *out)
{
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char best[64] = "", text[64];
    size_t best_length = 0;

    if (kind == SX_V_COUNT) {
        fprintf(out, "%" PRId64, number);
        return;
    }
    if (number < 0) {
        fputc('-', out);
    }
    for (const struct sx_unit *unit = sx_units; unit->word != NULL; unit++) {
        if (unit->kind != kind || !world_in_unit(size, unit, text, sizeof(text))) {
            continue;
        }
        bool whole = size % (uint64_t)unit->scale == 0;
        size_t length = strlen(text) + (!whole && text[0] == '0'); /* 500ms before 0.5s */
        if (size == 0 && best_length > 0) {
            break;
        }
        if (best_length == 0 || length < best_length || (length == best_length && whole)) {
            strcpy(best, text);
            best_length = length;
        }
    }
    fputs(best, out);
}

static void world_print_number(const struct sx_value *value, FILE *out)
{
    if (value->expr != NULL && value->unit != NULL) {
        fputc('(', out);
        sx__print_expr(value->expr, out);
        fprintf(out, ")%s", value->unit->word);
    } else if (value->expr != NULL) {
        fputs(value->expr->op == SX_VAR ? "" : "(", out);
        sx__print_expr(value->expr, out);
        fputs(value->expr->op == SX_VAR ? "" : ")", out);
    } else {
        sx_print_quantity(value->kind, value->number, out);
    }
}

/* ---- values ---- */

static void world_print_key_part(int64_t part, FILE *out)
{
    if (part < 0) {
        fputc('*', out);
    } else {
        fprintf(out, "%" PRId64, part);
    }
}

static void world_print_key(const struct sx_value *value, FILE *out)
{
    const struct sx_key_value *key = &value->key;
    bool any = key->window_id < 0 && key->seq_nr < 0 && value->kind == SX_V_PATTERN;

    if (key->opcode == 0) {
        fputs("raw", out);
        return;
    }
    fputs(key->opcode < 0 ? "*" : sx__opcode_words[key->opcode - 1], out);
    if (any && key->opcode < 0) {
        return;
    }
    fputc(' ', out);
    world_print_key_part(key->window_id, out);
    fputc(':', out);
    world_print_key_part(key->seq_nr, out);
}

static void world_print_name(const struct sx_value *value, FILE *out)
{
    const char *arrow = value->both ? strchr(value->name, '>') : NULL;

    if (arrow != NULL) {
        fprintf(out, "%.*s<>%s", (int)(arrow - value->name), value->name, arrow + 1);
    } else {
        fputs(value->name, out);
    }
    if (value->place != NULL) {
        fputc('[', out);
        sx__print_expr(value->place, out);
        fputc(']', out);
    }
}

static void world_print_value(const struct sx_field_row *row, const struct sx_value *value,
                              FILE *out)
{
    static const char compare[][3] = {"==", "!=", "<", "<=", ">", ">="};

    switch (value->kind) {
    case SX_V_FLAG:
        break;
    case SX_V_WHOLE:
        fprintf(out, "%" PRIu64, (uint64_t)value->number);
        break;
    case SX_V_HEX:
        fprintf(out, "0x%016" PRIx64, (uint64_t)value->number);
        break;
    case SX_V_LIST:
        for (size_t i = 0; i < value->list_count; i++) {
            fprintf(out, "%s%" PRIu64, i > 0 ? " " : "", value->list[i]);
        }
        break;
    case SX_V_WORD:
        fputs(row->words[value->number], out);
        break;
    case SX_V_COMPARE:
        fputs(compare[value->number], out);
        break;
    case SX_V_RULE:
        fputs(sipc_rule_info((enum sipc_rule)value->number)->id, out);
        break;
    case SX_V_TEXT:
        fputc('"', out);
        sx__print_text(value->bytes, out);
        fputc('"', out);
        break;
    case SX_V_DATA:
        sx__print_data(value->data, out);
        break;
    case SX_V_OPTIONS:
        sx__print_options(value->options, value->option_count, out);
        break;
    case SX_V_PDU:
    case SX_V_ANSWER:
        sx__print_pdu(value->pdu, out);
        break;
    case SX_V_KEY:
    case SX_V_PATTERN:
        world_print_key(value, out);
        break;
    default:
        if ((value->kind & SX_V_NUMBERS) != 0) {
            world_print_number(value, out);
        } else {
            world_print_name(value, out);
        }
        break;
    }
}

static void world_print_clause(const struct sx_clause *clause, FILE *out)
{
    const struct sx_field_row *rows = clause->row->fields;

    if (clause->row->word[0] != '\0') {
        fprintf(out, " %s", clause->row->word);
    }
    for (size_t i = 0; rows[i].kinds != 0; i++) {
        const struct sx_value *value = &clause->values[i];
        if (!value->given) {
            continue;
        }
        if (rows[i].word != NULL) {
            fprintf(out, " %s", rows[i].word);
        }
        if (value->kind != SX_V_FLAG) {
            fputc(' ', out);
        }
        world_print_value(&rows[i], value, out);
    }
}

void sx_print_statement(const struct sx_statement *statement, FILE *out)
{
    fputs(statement->row->word, out);
    world_print_clause(&statement->head, out);
    for (size_t i = 0; i < statement->clause_count; i++) {
        world_print_clause(&statement->clauses[i], out);
    }
}
