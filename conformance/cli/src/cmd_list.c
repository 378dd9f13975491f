/* sipc conform list: the cases there are. */
#include "cli.h"

#include <string.h>

enum { LIST_JSON = 2000 };

static const struct cli_option list_options[] = {
    CLI_SELECT_OPTIONS,
    {0, "json", NULL, "as a JSON array, one object for each expanded case", LIST_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command list_command = {
    .name = "sipc conform list",
    .usage = "[options] [PATH...]",
    .about = "Lists the scripts of the shipped suite, or at PATHs: id, how many cases they expand "
             "to,\nthe part the SUT plays, the rules they are about, and what the SUT must be "
             "able to do.",
    .examples = "sipc conform list\n"
                "sipc conform list --rule 'WID-*'\n"
                "sipc conform list --json conformance/suite/wid",
    .options = list_options,
};

struct list_args {
    struct cli_selection selection;
    struct cli_words paths;
    bool json;
};

static bool list_take(void *ctx, int id, const char *value)
{
    struct list_args *args = ctx;
    if (id == LIST_JSON) {
        args->json = true;
        return true;
    }
    return cli_select_take(&args->selection, &args->paths, id, value);
}

static const char *list_role(enum sx_role role)
{
    static const char *const roles[] = {[SX_ROLE_RECEIVER] = "receiver",
                                        [SX_ROLE_SENDER] = "sender",
                                        [SX_ROLE_ENDPOINT] = "endpoint"};
    return roles[role];
}

static json_t *list_params(const struct cli_case *entry)
{
    json_t *params = json_object();
    for (size_t p = 0; p < entry->script->param_count; p++) {
        const struct sx_param_value *value = sx_case_value(entry->script, entry->index, p);
        json_t *json = value->text
                           ? json_stringn((const char *)value->bytes.data, value->bytes.size)
                           : json_integer(value->number);
        json_object_set_new(params, entry->script->params[p].name,
                            json == NULL ? json_null() : json);
    }
    return params;
}

static void list_json(const struct cli_suite *suite)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct cli_case *entry = &suite->cases[i];
        const struct sx_script *script = entry->script;
        if (!entry->selected)
            continue;
        json_t *rules = json_array(), *needs = json_array(), *tags = json_array();
        for (size_t r = 0; r < script->rule_count; r++)
            json_array_append_new(rules, json_string(sipc_rule_info(script->rules[r])->id));
        for (size_t n = 0; n < script->need_count; n++)
            json_array_append_new(needs, json_string(script->needs[n]));
        for (size_t t = 0; t < script->tag_count; t++)
            json_array_append_new(tags, json_string(script->tags[t]));
        json_array_append_new(cases,
                              json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "name",
                                        entry->name, "id", script->id, "path", script->path, "role",
                                        list_role(script->role), "needs_control",
                                        script->needs_control, "rules", rules, "needs", needs,
                                        "tags", tags, "params", list_params(entry)));
    }
    json_dumpf(cases, stdout, JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(cases);
}

static size_t list_selected(const struct cli_suite *suite, const struct sx_script *script)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->case_count; i++)
        count += suite->cases[i].script == script && suite->cases[i].selected;
    return count;
}

static int list_rules_width(const struct sx_script *script)
{
    int width = -1;
    for (size_t r = 0; r < script->rule_count; r++)
        width += 1 + (int)strlen(sipc_rule_info(script->rules[r])->id);
    return width;
}

static void list_print_script(const struct sx_script *script, size_t count, int id_width,
                              int rules_width)
{
    printf("%-*s  %5zu  %-8s  ", id_width, script->id, count, list_role(script->role));
    for (size_t r = 0; r < script->rule_count; r++)
        printf("%s%s", r == 0 ? "" : " ", sipc_rule_info(script->rules[r])->id);
    if (script->need_count > 0)
        printf("%*s ", rules_width - list_rules_width(script), "");
    for (size_t n = 0; n < script->need_count; n++)
        printf(" %s", script->needs[n]);
    putchar('\n');
}

static void list_print(const struct cli_suite *suite)
{
    const bool colour = cli_colour(stdout);
    int id_width = 2, rules_width = 5;
    for (size_t i = 0; i < suite->script_count; i++) {
        const int id = (int)strlen(suite->scripts[i]->id);
        const int rules = list_rules_width(suite->scripts[i]);
        id_width = id > id_width ? id : id_width;
        rules_width = rules > rules_width ? rules : rules_width;
    }
    printf("%s%-*s  cases  %-8s  %-*s  needs%s\n", colour ? "\033[1m" : "", id_width, "id", "role",
           rules_width, "rules", colour ? "\033[0m" : "");
    size_t scripts = 0;
    for (size_t i = 0; i < suite->script_count; i++) {
        const size_t count = list_selected(suite, suite->scripts[i]);
        if (count > 0)
            list_print_script(suite->scripts[i], count, id_width, rules_width);
        scripts += count > 0;
    }
    printf("\n%zu scripts, %zu cases\n", scripts, suite->selected_count);
}

int cli_cmd_list(int argc, char **argv)
{
    struct list_args args = {0};
    struct cli_suite suite;
    int first;
    int exit_code = cli_parse(&list_command, argc, argv, &first, list_take, &args);
    if (exit_code == -1) {
        exit_code = CLI_USAGE;
        for (int i = first; i < argc; i++)
            cli_words_add(&args.paths, argv[i]);
        if (cli_suite_load(&suite, args.paths.items, args.paths.count)) {
            if (cli_select(&args.selection, &suite)) {
                if (args.json)
                    list_json(&suite);
                else
                    list_print(&suite);
                exit_code = CLI_OK;
            }
            cli_suite_clear(&suite);
        }
    }
    cli_select_clear(&args.selection);
    cli_words_clear(&args.paths);
    return exit_code;
}
