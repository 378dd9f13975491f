/* The printer: the canonical form of a script. Parsing what it prints gives a script that prints
 * the same; comments stand above the step they belong to. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { PRINT_INDENT = 4, PRINT_ROUND_ZEROS = 6 };

/* ---- values ---- */

bool sx__is_name(struct sipc_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return bytes.size > 0;
}

/* The length of the UTF-8 character at the start; 0 if it is ASCII, or none: longer than it need
 * be, a surrogate, or beyond the last character. */
static size_t print_utf8_size(const uint8_t *c, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = c[0] >> 5 == 6 ? 2 : c[0] >> 4 == 14 ? 3 : c[0] >> 3 == 30 ? 4 : 0;
    if (size == 0 || size > left) {
        return 0;
    }
    uint32_t character = c[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (c[i] >> 6 != 2) {
            return 0;
        }
        character = character << 6 | (c[i] & 0x3fu);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < least[size] || character > 0x10ffff || surrogate ? 0 : size;
}

void sx__print_text(struct sipc_span bytes, FILE *out)
{
    static const char raw[] = "\n\r\t\\\"", letters[] = "nrt\\\"";
    for (size_t i = 0; i < bytes.size;) {
        uint8_t c = bytes.data[i];
        const char *escape = c != 0 ? strchr(raw, c) : NULL;
        size_t wide = print_utf8_size(bytes.data + i, bytes.size - i);
        if (escape != NULL) {
            fprintf(out, "\\%c", letters[escape - raw]);
        } else if (c == 0) {
            fputs("\\0", out);
        } else if (wide > 0) {
            fwrite(bytes.data + i, 1, wide, out);
        } else if (c < ' ' || c >= 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
        i += wide > 0 ? wide : 1;
    }
}

static void print_quoted(struct sipc_span bytes, FILE *out)
{
    fputc('"', out);
    sx__print_text(bytes, out);
    fputc('"', out);
}

static void print_hex(struct sipc_span bytes, FILE *out)
{
    for (size_t i = 0; i < bytes.size; i++) {
        fprintf(out, "%02x", bytes.data[i]);
    }
}

/* Round numbers as 9E15. */
static void print_number(int64_t value, FILE *out)
{
    int zeros = 0;
    int64_t short_value = value;
    while (short_value != 0 && short_value % 10 == 0) {
        short_value /= 10;
        zeros++;
    }
    if (zeros >= PRINT_ROUND_ZEROS) {
        fprintf(out, "%" PRId64 "E%d", short_value, zeros);
    } else {
        fprintf(out, "%" PRId64, value);
    }
}

static int print_precedence(enum sx_expr_op op)
{
    switch (op) {
    case SX_ADD:
    case SX_SUB:
        return 1;
    case SX_MUL:
    case SX_DIV:
    case SX_MOD:
        return 2;
    default:
        return 3;
    }
}

/* In parentheses if it binds looser than `precedence`. */
static void print_expr_in(const struct sx_expr *expr, int precedence, FILE *out)
{
    int own = print_precedence(expr->op);
    if (own < precedence) {
        fputc('(', out);
    }
    switch (expr->op) {
    case SX_CONST:
        print_number(expr->value, out);
        break;
    case SX_VAR:
        fprintf(out, "$%s", expr->name);
        break;
    case SX_NEG:
        fputc('-', out);
        print_expr_in(expr->a, 3, out);
        break;
    case SX_SIZE_OF_DATA:
        fputs("size(", out);
        sx__print_data(expr->data, out);
        fputc(')', out);
        break;
    case SX_SIZE_OF_LABEL:
        fprintf(out, "size(#%s)", expr->name);
        break;
    case SX_OPCODE_OF_LABEL:
        fprintf(out, "opcode(#%s)", expr->name);
        break;
    default:
        print_expr_in(expr->a, own, out);
        fputc("+-*/%"[expr->op - SX_ADD], out);
        print_expr_in(expr->b, own + 1, out);
        break;
    }
    if (own < precedence) {
        fputc(')', out);
    }
}

void sx__print_expr(const struct sx_expr *expr, FILE *out)
{
    print_expr_in(expr, 0, out);
}

void sx__print_data(const struct sx_data *data, FILE *out)
{
    switch (data->kind) {
    case SX_DATA_NONE:
        break;
    case SX_DATA_ANY:
        fputc('*', out);
        break;
    case SX_DATA_LITERAL:
        if (data->hex) {
            fputs("hex:", out);
            print_hex(data->literal, out);
        } else {
            print_quoted(data->literal, out);
        }
        break;
    case SX_DATA_PATTERN:
        fputs("bytes(", out);
        sx__print_expr(data->size, out);
        if (data->from != NULL) {
            fputs(", ", out);
            sx__print_expr(data->from, out);
        }
        fputc(')', out);
        break;
    case SX_DATA_VAR:
        fprintf(out, "$%s", data->name);
        break;
    }
}

static void print_field(const struct sx_field *field, FILE *out)
{
    switch (field->kind) {
    case SX_FIELD_ABSENT:
        break;
    case SX_FIELD_ANY:
        fputc('*', out);
        break;
    case SX_FIELD_EXPR:
        sx__print_expr(field->expr, out);
        break;
    case SX_FIELD_BIND:
        fprintf(out, "$%s", field->name);
        break;
    }
}

static void print_time(const struct sx_time *time, FILE *out)
{
    for (size_t i = 0; i < time->count; i++) {
        const struct sx_time_term *term = &time->terms[i];
        int64_t size = term->thousandths < 0 ? -term->thousandths : term->thousandths;
        if (i > 0) {
            fputs(term->thousandths < 0 ? " - " : " + ", out);
        }
        fprintf(out, "%" PRId64, size / 1000);
        if (size % 1000 != 0) {
            int decimals = size % 100 != 0 ? size % 10 != 0 ? 3 : 2 : 1;
            int64_t rest = size % 1000 / (decimals == 3 ? 1 : decimals == 2 ? 10 : 100);
            fprintf(out, ".%0*" PRId64, decimals, rest);
        }
        if (term->unit == SX_ACK_TIMEOUT) {
            fputc('T', out);
        } else {
            fprintf(out, "*%s", sx__time_unit_words[term->unit]);
        }
    }
}

/* ---- options ---- */

static void print_option(const struct sx_option *option, FILE *out)
{
    const struct sx_expr *expr = option->value.kind == SX_FIELD_EXPR ? option->value.expr : NULL;
    bool boolean = option->id != 0 && option->id < SIPC_OPT_MAX_WINDOW_SIZE;

    if (option->id != 0) {
        fputs(sx__option_word(option->id), out);
    } else {
        print_quoted(option->name, out);
    }
    if (option->optional) {
        fputc('?', out);
    }
    if (option->text) {
        fputc('=', out);
        sx__print_data(&option->data, out);
    } else if (boolean && expr != NULL && expr->op == SX_CONST) {
        if (expr->value == 0 || option->optional) {
            fputs(expr->value == 0 ? "=false" : "=true", out);
        }
    } else if (option->value.kind != SX_FIELD_ABSENT) {
        fputc('=', out);
        print_field(&option->value, out);
    }
}

static void print_options(const struct sx_option *options, size_t count, bool open, FILE *out)
{
    if (count == 0 && !open) {
        return;
    }
    fputs(" {", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? " " : "", out);
        print_option(&options[i], out);
    }
    fputs(!open ? "}" : count > 0 ? " *}" : "*}", out);
}

/* As they stand in braces, without a blank before them. */
void sx__print_options(const struct sx_option *options, size_t count, FILE *out)
{
    fputc('{', out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? " " : "", out);
        print_option(&options[i], out);
    }
    fputc('}', out);
}

/* ---- PDUs ---- */

static void print_key(const char *key, const char *name, FILE *out)
{
    if (name != NULL) {
        fprintf(out, " %s=%s", key, name);
    }
}

static void print_tamper(const struct sx_tamper *tamper, FILE *out)
{
    fprintf(out, " tamper %s", sx__tamper_words[tamper->kind]);
    if (tamper->kind == SX_TAMPER_BYTE) {
        fputc('[', out);
        sx__print_expr(tamper->index, out);
        fputc(']', out);
    }
    if (tamper->kind == SX_TAMPER_APPEND) {
        fputs("=hex:", out);
        print_hex(tamper->bytes, out);
    } else if (tamper->kind != SX_TAMPER_PREFIX) {
        fputc('=', out);
        sx__print_expr(tamper->value, out);
    }
}

static void print_opcode(const struct sx_expr *opcode, FILE *out)
{
    bool known = opcode->op == SX_CONST && opcode->value >= SIPC_DATA &&
                 opcode->value <= SIPC_ENQUIRE_LINK_ACK;
    if (known) {
        fputs(sx__opcode_words[opcode->value - 1], out);
    } else {
        fputs("opcode(", out);
        sx__print_expr(opcode, out);
        fputc(')', out);
    }
}

static void print_pdu_fields(const struct sx_pdu *pdu, FILE *out)
{
    print_opcode(pdu->opcode, out);
    fputc(' ', out);
    print_field(&pdu->window_id, out);
    fputc(':', out);
    print_field(&pdu->seq_nr, out);
    print_key("session", pdu->session, out);
    print_key("peer", pdu->peer, out);
    if (pdu->session_id != NULL) {
        fputs(" session_id=", out);
        print_hex((struct sipc_span){pdu->session_id, SIPC_SESSION_ID_SIZE}, out);
    }
    print_options(pdu->options, pdu->option_count, pdu->options_open, out);
    if (pdu->options_raw) {
        fputs(" options hex:", out);
        print_hex(pdu->raw_options, out);
    }
    if (pdu->data.kind != SX_DATA_NONE) {
        fputc(' ', out);
        sx__print_data(&pdu->data, out);
    }
    for (size_t i = 0; i < pdu->tamper_count; i++) {
        print_tamper(&pdu->tampers[i], out);
    }
}

void sx__print_pdu(const struct sx_pdu *pdu, FILE *out)
{
    switch (pdu->kind) {
    case SX_PDU_FIELDS:
        print_pdu_fields(pdu, out);
        break;
    case SX_PDU_LABEL:
        fprintf(out, "#%s", pdu->ref);
        print_key("peer", pdu->peer, out);
        break;
    case SX_PDU_RAW:
        fputs("raw ", out);
        sx__print_data(&pdu->data, out);
        print_key("peer", pdu->peer, out);
        break;
    }
    if (pdu->label != NULL) {
        fprintf(out, " #%s", pdu->label);
    }
}

/* ---- steps ---- */

static void print_key_expr(const char *key, const struct sx_expr *expr, FILE *out)
{
    if (expr != NULL) {
        fprintf(out, " %s=", key);
        sx__print_expr(expr, out);
    }
}

static void print_do(const struct sx_step *step, FILE *out)
{
    static const char *const words[] = {"open",  "preset",  "send",     "send_unreliable",
                                        "close", "dispose", "shutdown", "sent"};
    fprintf(out, "do %s", words[step->kind - SX_DO_OPEN]);
    if (step->kind == SX_DO_SENT) {
        fprintf(out, " #%s %s", step->label, step->ok ? "ok" : "failed");
        return;
    }
    if (step->data.kind != SX_DATA_NONE) {
        fputc(' ', out);
        sx__print_data(&step->data, out);
    }
    if (step->code.kind != SX_FIELD_ABSENT) {
        fputc(' ', out);
        print_field(&step->code, out);
    }
    if (step->label != NULL) {
        fprintf(out, " as %s", step->label);
    }
    fputs(step->skip ? " skip" : "", out);
    print_key("session", step->session, out);
    print_key("peer", step->peer, out);
    print_key_expr("idle_timeout", step->idle_timeout_ms, out);
    print_key_expr("next", step->next, out);
    print_key_expr("acked", step->acked, out);
    print_key_expr("min", step->min, out);
    fputs(step->processed ? " processed" : "", out);
    print_options(step->attributes, step->attribute_count, step->attributes_open, out);
    if (step->time.count > 0) {
        fputs(" grace=", out);
        print_time(&step->time, out);
    }
}

static void print_event(const struct sx_step *step, FILE *out)
{
    if (step->kind == SX_DELIVER) {
        fputs("== deliver ", out);
        sx__print_data(&step->data, out);
    } else if (step->kind == SX_RESULT) {
        fprintf(out, "== result %s %s", step->label, step->outcome != NULL ? step->outcome : "*");
    } else {
        fprintf(out, "== state %s", step->state);
    }
    print_key("session", step->session, out);
    print_options(step->attributes, step->attribute_count, step->attributes_open, out);
    if (step->code.kind != SX_FIELD_ABSENT) {
        fputs(step->kind == SX_STATE ? " cause=" : " ", out);
        print_field(&step->code, out);
    }
}

static void print_check(const struct sx_step *step, FILE *out)
{
    fputs("check ", out);
    if (step->kind == SX_CHECK_DATA) {
        fputs("data", out);
        for (size_t i = 0; i < step->label_count; i++) {
            fprintf(out, " #%s", step->labels[i]);
        }
        fputs(" == ", out);
        sx__print_data(&step->data, out);
        return;
    }
    if (step->kind == SX_CHECK_SIZE) {
        fprintf(out, "size #%s", step->label);
    } else {
        sx__print_expr(step->left, out);
    }
    fprintf(out, " %s ", sx__compare_words[step->compare]);
    sx__print_expr(step->right, out);
}

/* A word where it is one. */
static void print_word(struct sipc_span text, FILE *out)
{
    if (sx__is_name(text)) {
        fwrite(text.data, 1, text.size, out);
    } else {
        print_quoted(text, out);
    }
}

void sx__print_condition(const struct sx_condition *condition, FILE *out)
{
    for (size_t i = 0; i < condition->count; i++) {
        const struct sx_comparison *one = &condition->any[i];
        fputs(i > 0 ? " or " : "", out);
        if (one->name != NULL) {
            fprintf(out, "$%s %s ", one->name, sx__compare_words[one->compare]);
            print_word(one->text, out);
        } else {
            sx__print_expr(one->left, out);
            fprintf(out, " %s ", sx__compare_words[one->compare]);
            sx__print_expr(one->right, out);
        }
    }
}

/* What the step says, without times and rules. */
static void print_body(const struct sx_step *step, FILE *out)
{
    switch (step->kind) {
    case SX_SEND:
    case SX_EXPECT:
        fputs(step->kind == SX_SEND ? "-> " : step->optional ? "maybe <- " : "<- ", out);
        sx__print_pdu(&step->pdu, out);
        break;
    case SX_ANY:
    case SX_ONE_OF:
        fputs(step->kind == SX_ANY ? "any {" : "one_of {", out);
        break;
    case SX_REPEAT:
        fputs("repeat ", out);
        sx__print_expr(step->count, out);
        fputs(" {", out);
        break;
    case SX_WHEN:
        fputs("when ", out);
        sx__print_condition(&step->condition, out);
        fputs(" {", out);
        break;
    case SX_DELIVER:
    case SX_RESULT:
    case SX_STATE:
        print_event(step, out);
        break;
    case SX_WAIT:
    case SX_QUIET:
        fputs(step->kind == SX_WAIT ? "wait " : "quiet ", out);
        print_time(&step->time, out);
        break;
    case SX_CHECK:
    case SX_CHECK_DATA:
    case SX_CHECK_SIZE:
        print_check(step, out);
        break;
    case SX_LET:
        fprintf(out, "let %s = ", step->name);
        sx__print_expr(step->right, out);
        break;
    case SX_EOF:
        fputs("eof", out);
        print_key("peer", step->peer, out);
        break;
    default:
        print_do(step, out);
        break;
    }
}

void sx_print_step(const struct sx_step *step, FILE *out)
{
    print_body(step, out);
    if (step->within.count > 0) {
        fputs(" within ", out);
        print_time(&step->within, out);
    }
    if (step->after.count > 0) {
        fputs(" after ", out);
        print_time(&step->after, out);
    }
    for (size_t i = 0; i < step->rule_count; i++) {
        fprintf(out, "%s%s", i == 0 ? " [" : " ", sipc_rule_info(step->rules[i])->id);
    }
    fputs(step->rule_count > 0 ? "]" : "", out);
}

/* ---- the script ---- */

static void print_comment(const char *comment, int indent, FILE *out)
{
    while (comment != NULL && *comment != '\0') {
        size_t size = strcspn(comment, "\n");
        fprintf(out, "%*s#%s%.*s\n", indent, "", size > 0 ? " " : "", (int)size, comment);
        comment += size + 1;
    }
}

static void print_block(const struct sx_block *block, int indent, FILE *out)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct sx_step *step = &block->steps[i];
        print_comment(step->comment, indent, out);
        fprintf(out, "%*s", indent, "");
        sx_print_step(step, out);
        fputc('\n', out);
        for (size_t k = 0; k < step->block_count; k++) {
            if (k > 0) {
                fprintf(out, "%*sor\n", indent, "");
            }
            print_block(&step->blocks[k], indent + PRINT_INDENT, out);
        }
        if (step->block_count > 0) {
            fprintf(out, "%*s}\n", indent, "");
        }
    }
}

static void print_params(const struct sx_script *script, FILE *out)
{
    for (size_t i = 0; i < script->param_count; i++) {
        const struct sx_param *param = &script->params[i];
        fprintf(out, "param   %s in ", param->name);
        for (size_t k = 0; k < param->count; k++) {
            const struct sx_param_value *value = &param->values[k];
            fputs(k > 0 ? ", " : "", out);
            if (value->text) {
                print_word(value->bytes, out);
            } else {
                print_number(value->number, out);
            }
        }
        fputc('\n', out);
    }
    for (size_t i = 0; i < script->where_count; i++) {
        fputs("where   ", out);
        sx__print_condition(&script->wheres[i], out);
        fputc('\n', out);
    }
    if (script->cover > 0) {
        fprintf(out, "cover   %d\n", script->cover);
    }
}

static void print_header(const struct sx_script *script, FILE *out)
{
    print_comment(script->story, 0, out);
    fprintf(out, "sx      1\nid      %s%s", script->id, script->rule_count > 0 ? "\nrules  " : "");
    for (size_t i = 0; i < script->rule_count; i++) {
        fprintf(out, " %s", sipc_rule_info(script->rules[i])->id);
    }
    fputc('\n', out);
    if (script->world == NULL) {
        fprintf(out, "role    %s\n", sx__role_words[script->role]);
    }
    for (size_t i = 0; i < script->need_count; i++) {
        fprintf(out, "%s %s", i == 0 ? "needs  " : "", script->needs[i]);
    }
    fputs(script->need_count > 0 ? "\n" : "", out);
    for (size_t i = 0; i < script->tag_count; i++) {
        fprintf(out, "%s %s", i == 0 ? "tags   " : "", script->tags[i]);
    }
    fputs(script->tag_count > 0 ? "\n" : "", out);
    print_params(script, out);
    for (size_t i = 0; i < script->setting_count; i++) {
        const struct sx_setting *setting = &script->settings[i];
        fprintf(out, "set     %s = ", setting->name);
        if (setting->word != NULL) {
            fputs(setting->word, out);
        } else {
            sx__print_expr(setting->value, out);
        }
        fputc('\n', out);
    }
    for (size_t i = 0; i < script->allow_count; i++) {
        fprintf(out, "%s %s", i == 0 ? "allow  " : "", sx__opcode_words[script->allow[i] - 1]);
    }
    fputs(script->allow_count > 0 ? "\n" : "", out);
}

static void print_world(const struct sx_world *world, FILE *out)
{
    fputs("\nworld\n", out);
    for (size_t i = 0; i < world->count; i++) {
        print_comment(world->statements[i].comment, 0, out);
        sx_print_statement(&world->statements[i], out);
        fputc('\n', out);
    }
}

void sx_print(const struct sx_script *script, FILE *out)
{
    print_header(script, out);
    if (script->world != NULL) {
        print_world(script->world, out);
        return;
    }
    if (script->setup.count > 0) {
        fputs("\nsetup\n", out);
        print_block(&script->setup, 0, out);
    }
    fputs("\ntest\n", out);
    print_block(&script->test, 0, out);
}
