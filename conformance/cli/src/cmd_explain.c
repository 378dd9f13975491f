/* sipc conform explain: a rule, why it is so and the cases that test it; or a case, its story and
 * its script. The reasons are read from the rules document: one text for readers and the tool. */
#include "cli.h"

#include <string.h>

enum { EXPLAIN_JSON = 2000, EXPLAIN_SUITE };

static const struct cli_option explain_options[] = {
    {0, "suite", "PATH", "folder or file with scripts, instead of the shipped suite",
     EXPLAIN_SUITE},
    {0, "json", NULL, "as a JSON object", EXPLAIN_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command explain_command = {
    .name = "sipc conform explain",
    .usage = "[options] RULE|CASE",
    .about = "Explains a rule: its level, who has to keep it, the sentence, why it is so, and the "
             "cases\nthat test it. Or a case: its story and its script in canonical form.",
    .examples = "sipc conform explain WID-3\n"
                "sipc conform explain WID-7-repeats-the-last-ack",
    .options = explain_options,
};

struct explain_args {
    struct cli_words paths;
    bool json;
};

static bool explain_take(void *ctx, int id, const char *value)
{
    struct explain_args *args = ctx;
    if (id == EXPLAIN_JSON) {
        args->json = true;
        return true;
    }
    cli_words_add(&args->paths, value);
    return true;
}

/* The text below the heading "### ID" of the rules document, malloc'ed; NULL where there is none.
 */
static char *explain_why(const char *id)
{
    char *path = cli_data("RULES.md");
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    free(path);
    if (file == NULL)
        return NULL;
    char *line = NULL, *text = NULL;
    size_t capacity = 0, size = 0;
    bool inside = false;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    while (getline(&line, &capacity, file) != -1) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#') {
            if (inside)
                break;
            inside = strncmp(line, "### ", 4) == 0 && strcmp(line + 4, id) == 0;
        } else if (inside) {
            fprintf(out, "%s\n", line);
        }
    }
    free(line);
    fclose(out);
    fclose(file);
    char *begin = text + strspn(text, "\n");
    memmove(text, begin, strlen(begin) + 1);
    for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--)
        text[end - 1] = '\0';
    if (*text != '\0')
        return text;
    free(text);
    return NULL;
}

static void explain_indent(const char *text)
{
    while (*text != '\0') {
        const size_t size = strcspn(text, "\n");
        printf("%s%.*s\n", size > 0 ? "  " : "", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void explain_who(unsigned roles, FILE *out)
{
    static const char *const names[] = {"as receiver", "as sender", "as endpoint"};
    const char *separator = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((roles & 1u << i) == 0)
            continue;
        fprintf(out, "%s%s", separator, names[i]);
        separator = ", ";
    }
}

static void explain_print_cases(enum sipc_rule rule, const struct cli_suite *suite)
{
    int width = 0;
    for (size_t i = 0; i < suite->case_count; i++) {
        const int size = (int)strlen(suite->cases[i].script->id);
        if (cli_case_is_about(&suite->cases[i], rule) && size > width)
            width = size;
    }
    printf("\ncases\n");
    if (width == 0)
        printf("  None of %s.\n", suite->source);
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct cli_case *entry = &suite->cases[i];
        if (cli_case_is_about(entry, rule) && entry->index == 0)
            printf("  %-*s  %2zu %-5s  %s\n", width, entry->script->id, entry->script->case_count,
                   entry->script->case_count == 1 ? "case" : "cases", entry->script->path);
    }
}

static void explain_print_rule(enum sipc_rule rule, const char *why, const struct cli_suite *suite)
{
    const struct sipc_rule_info *info = sipc_rule_info(rule);
    const bool colour = cli_colour(stdout);
    printf("%s%s%s  %s, ", colour ? "\033[1m" : "", info->id, colour ? "\033[0m" : "",
           info->level == SIPC_MUST ? "MUST" : "advisory");
    explain_who(info->roles, stdout);
    printf("\n\n  ");
    conform_report_print_wrapped(info->sentence, 2, 2, stdout);
    printf("\nwhy\n");
    if (why == NULL)
        printf("  The rules document gives no reason.\n");
    else
        explain_indent(why);
    explain_print_cases(rule, suite);
}

static void explain_json_rule(enum sipc_rule rule, const char *why, const struct cli_suite *suite)
{
    const struct sipc_rule_info *info = sipc_rule_info(rule);
    static const char *const names[] = {"receiver", "sender", "endpoint"};
    json_t *roles = json_array(), *cases = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((info->roles & 1u << i) != 0)
            json_array_append_new(roles, json_string(names[i]));
    for (size_t i = 0; i < suite->case_count; i++)
        if (cli_case_is_about(&suite->cases[i], rule))
            json_array_append_new(cases, json_string(suite->cases[i].name));
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:o}", "rule", info->id, "level",
                             info->level == SIPC_MUST ? "MUST" : "advisory", "sentence",
                             info->sentence, "roles", roles, "why", why, "cases", cases);
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

static void explain_case(const struct cli_case *entry, bool json)
{
    const struct sx_script *script = entry->script;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    sx_print(script, out);
    fclose(out);
    if (json) {
        json_t *rules = json_array();
        for (size_t r = 0; r < script->rule_count; r++)
            json_array_append_new(rules, json_string(sipc_rule_info(script->rules[r])->id));
        json_t *object =
            json_pack("{s:s, s:s, s:s, s:o, s:s}", "case", script->id, "path", script->path,
                      "story", script->story, "rules", rules, "script", text);
        json_dumpf(object, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(object);
    } else {
        printf("%s: %zu %s, %s\n", script->id, script->case_count,
               script->case_count == 1 ? "case" : "cases", script->path);
        for (size_t r = 0; r < script->rule_count; r++) {
            const struct sipc_rule_info *info = sipc_rule_info(script->rules[r]);
            const char *level = info->level == SIPC_MUST ? "MUST" : "advisory";
            const int used = printf("  %s %s:", info->id, level);
            conform_report_print_wrapped(info->sentence, (size_t)used, 4, stdout);
        }
        printf("\n%s", text); /* with the story, as comments */
    }
    free(text);
}

static const struct cli_case *explain_find(const struct cli_suite *suite, const char *word)
{
    for (size_t i = 0; i < suite->case_count; i++)
        if (strcmp(suite->cases[i].name, word) == 0 ||
            strcmp(suite->cases[i].script->id, word) == 0)
            return &suite->cases[i];
    return NULL;
}

static int explain_unknown(const struct cli_suite *suite, const char *word)
{
    struct cli_words names = {0};
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++)
        cli_words_add(&names, sipc_rule_info((enum sipc_rule)rule)->id);
    for (size_t i = 0; i < suite->script_count; i++)
        cli_words_add(&names, suite->scripts[i]->id);
    char *near = cli_near(word, names.items, names.count);
    cli_usage(&explain_command, "no rule and no case is called '%s'%s", word, near);
    free(near);
    cli_words_clear(&names);
    return CLI_USAGE;
}

static int explain_word(const char *word, const struct cli_suite *suite, bool json)
{
    const enum sipc_rule rule = sipc_rule_find(word);
    const struct cli_case *entry = explain_find(suite, word);
    if (rule == SIPC_RULE_NONE && entry == NULL)
        return explain_unknown(suite, word);
    if (rule == SIPC_RULE_NONE) {
        explain_case(entry, json);
        return CLI_OK;
    }
    char *why = explain_why(word);
    if (json)
        explain_json_rule(rule, why, suite);
    else
        explain_print_rule(rule, why, suite);
    free(why);
    return CLI_OK;
}

int cli_cmd_explain(int argc, char **argv)
{
    struct explain_args args = {0};
    struct cli_suite suite;
    int first;
    int exit_code = cli_parse(&explain_command, argc, argv, &first, explain_take, &args);
    if (exit_code == -1 && argc - first != 1)
        exit_code = cli_usage(&explain_command, "expected one rule or case, found %d arguments",
                              argc - first);
    if (exit_code == -1) {
        exit_code = CLI_USAGE;
        if (cli_suite_load(&suite, args.paths.items, args.paths.count)) {
            exit_code = explain_word(argv[first], &suite, args.json);
            cli_suite_clear(&suite);
        }
    }
    cli_words_clear(&args.paths);
    return exit_code;
}
