/* Which cases to run: by name, by rule, by level. A pattern that matches nothing is an error that
 * names what comes near. */
#include "cli.h"

#include <string.h>

bool cli_select_take(struct cli_selection *selection, struct cli_words *paths, int id,
                     const char *value)
{
    switch (id) {
    case CLI_ONLY:
        cli_words_add(&selection->only, value);
        return true;
    case CLI_EXCLUDE:
        cli_words_add(&selection->exclude, value);
        return true;
    case CLI_RULE:
        cli_words_add(&selection->rules, value);
        return true;
    case CLI_TAG:
        cli_words_add(&selection->tags, value);
        return true;
    case CLI_SUITE:
        cli_words_add(paths, value);
        return true;
    default:
        SIPC_ASSERT(id == CLI_LEVEL);
        selection->level = value;
        if (strcmp(value, "must") == 0 || strcmp(value, "advisory") == 0)
            return true;
        fprintf(stderr, "sipc: --level %s: expected must or advisory\n", value);
        return false;
    }
}

static bool select_name(const char *pattern, const struct cli_case *entry)
{
    return cli_glob(pattern, entry->name) || cli_glob(pattern, entry->script->id);
}

static bool select_rule(const char *pattern, const struct cli_case *entry)
{
    for (size_t i = 0; i < entry->script->rule_count; i++)
        if (cli_glob(pattern, sipc_rule_info(entry->script->rules[i])->id))
            return true;
    return false;
}

static bool select_tag(const char *pattern, const struct cli_case *entry)
{
    for (size_t i = 0; i < entry->script->tag_count; i++)
        if (cli_glob(pattern, entry->script->tags[i]))
            return true;
    return false;
}

static bool select_level(const char *level, const struct cli_case *entry)
{
    const enum sipc_rule_level wanted = strcmp(level, "must") == 0 ? SIPC_MUST : SIPC_ADVISORY;
    for (size_t i = 0; i < entry->script->rule_count; i++)
        if (sipc_rule_info(entry->script->rules[i])->level == wanted)
            return true;
    return false;
}

typedef bool select_match(const char *pattern, const struct cli_case *entry);

static bool select_any(const struct cli_words *patterns, select_match *match,
                       const struct cli_case *entry)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (match(patterns->items[i], entry))
            return true;
    return false;
}

static void select_unmatched_case(const char *option, const char *pattern,
                                  const struct cli_suite *suite)
{
    struct cli_words names = {0};
    for (size_t i = 0; i < suite->script_count; i++)
        cli_words_add(&names, suite->scripts[i]->id);
    for (size_t i = 0; i < suite->case_count; i++)
        if (suite->cases[i].script->case_count > 1)
            cli_words_add(&names, suite->cases[i].name);
    char *near = cli_near(pattern, names.items, names.count);
    fprintf(stderr, "sipc: %s %s: no case of %s has such a name%s\n", option, pattern,
            suite->source, near);
    free(near);
    cli_words_clear(&names);
}

static void select_unmatched_rule(const char *pattern, const struct cli_suite *suite)
{
    struct cli_words ids = {0};
    bool exists = false;
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        const char *id = sipc_rule_info((enum sipc_rule)rule)->id;
        cli_words_add(&ids, id);
        exists = exists || cli_glob(pattern, id);
    }
    char *near = cli_near(pattern, ids.items, ids.count);
    if (exists)
        fprintf(stderr, "sipc: --rule %s: no case of %s is about it\n", pattern, suite->source);
    else
        fprintf(stderr, "sipc: --rule %s: there is no such rule%s\n", pattern, near);
    free(near);
    cli_words_clear(&ids);
}

static void select_unmatched_tag(const char *pattern, const struct cli_suite *suite)
{
    struct cli_words tags = {0};
    for (size_t i = 0; i < suite->script_count; i++)
        for (size_t t = 0; t < suite->scripts[i]->tag_count; t++)
            cli_words_add(&tags, suite->scripts[i]->tags[t]);
    char *near = cli_near(pattern, tags.items, tags.count);
    fprintf(stderr, "sipc: --tag %s: no case of %s has such a tag%s\n", pattern, suite->source,
            near);
    free(near);
    cli_words_clear(&tags);
}

/* Whether each pattern matches some case of the whole suite. */
static bool select_check(const struct cli_words *patterns, const char *option, select_match *match,
                         const struct cli_suite *suite)
{
    bool ok = true;
    for (size_t p = 0; p < patterns->count; p++) {
        bool matched = false;
        for (size_t i = 0; !matched && i < suite->case_count; i++)
            matched = match(patterns->items[p], &suite->cases[i]);
        if (matched)
            continue;
        ok = false;
        if (match == select_rule)
            select_unmatched_rule(patterns->items[p], suite);
        else if (match == select_tag)
            select_unmatched_tag(patterns->items[p], suite);
        else
            select_unmatched_case(option, patterns->items[p], suite);
    }
    return ok;
}

bool cli_select(const struct cli_selection *selection, struct cli_suite *suite)
{
    bool ok = select_check(&selection->only, "--only", select_name, suite);
    ok = select_check(&selection->exclude, "--exclude", select_name, suite) && ok;
    ok = select_check(&selection->rules, "--rule", select_rule, suite) && ok;
    ok = select_check(&selection->tags, "--tag", select_tag, suite) && ok;
    if (!ok)
        return false;
    suite->selected_count = 0;
    for (size_t i = 0; i < suite->case_count; i++) {
        struct cli_case *entry = &suite->cases[i];
        entry->selected =
            (selection->only.count == 0 || select_any(&selection->only, select_name, entry)) &&
            !select_any(&selection->exclude, select_name, entry) &&
            (selection->rules.count == 0 || select_any(&selection->rules, select_rule, entry)) &&
            (selection->tags.count == 0 || select_any(&selection->tags, select_tag, entry)) &&
            (selection->level == NULL || select_level(selection->level, entry));
        suite->selected_count += entry->selected;
    }
    if (suite->selected_count == 0)
        fprintf(stderr, "sipc: nothing selected: none of the %zu cases fits all of the options\n",
                suite->case_count);
    return suite->selected_count > 0;
}

static void select_set(json_t *object, const char *key, const struct cli_words *words)
{
    if (words->count == 0)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(list, json_string(words->items[i]));
    json_object_set_new(object, key, list);
}

json_t *cli_select_json(const struct cli_selection *selection)
{
    json_t *json = json_object();
    select_set(json, "only", &selection->only);
    select_set(json, "exclude", &selection->exclude);
    select_set(json, "rule", &selection->rules);
    select_set(json, "tag", &selection->tags);
    if (selection->level != NULL)
        json_object_set_new(json, "level", json_string(selection->level));
    return json;
}

void cli_select_clear(struct cli_selection *selection)
{
    cli_words_clear(&selection->only);
    cli_words_clear(&selection->exclude);
    cli_words_clear(&selection->rules);
    cli_words_clear(&selection->tags);
}
