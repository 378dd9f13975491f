/* sipc conform diff: what changed between two runs, case by case. */
#include "cli.h"

#include <string.h>

enum { DIFF_JSON = 2000 };

static const struct cli_option diff_options[] = {
    {0, "json", NULL, "the changes on stdout as JSON", DIFF_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command diff_command = {
    .name = "sipc conform diff",
    .usage = "[options] OLD.jsonl NEW.jsonl",
    .about = "Compares two runs case by case. Worse: from pass over advisory and undecided\n"
             "(unsupported, inconclusive) to red (fail, crash, hang, error), or passed and is not\n"
             "run any more. A case that the old run did not have is new, whatever its verdict.\n"
             "\n"
             "Exit code: 0 nothing is worse, 1 something is, 2 usage.",
    .examples = "sipc conform diff before.jsonl after.jsonl",
    .options = diff_options,
};

enum diff_kind { DIFF_SAME, DIFF_WORSE, DIFF_BETTER, DIFF_OTHER, DIFF_NEW, DIFF_GONE, DIFF_COUNT };
static const char *const diff_names[DIFF_COUNT] = {"same",    "worse", "better",
                                                   "changed", "new",   "gone"};

struct diff {
    const struct conform_report *before, *after;
    size_t counts[DIFF_COUNT];
    json_t *lists[DIFF_COUNT]; /* but of DIFF_SAME */
};

static int diff_rank(enum conform_verdict verdict)
{
    switch (verdict) {
    case CONFORM_PASS:
        return 0;
    case CONFORM_ADVISORY:
        return 1;
    case CONFORM_UNSUPPORTED:
    case CONFORM_INCONCLUSIVE:
        return 2;
    default:
        return 3;
    }
}

static enum diff_kind diff_kind(const struct conform_report_case *before,
                                const struct conform_report_case *after)
{
    if (before == NULL)
        return DIFF_NEW;
    if (after == NULL)
        return diff_rank(before->verdict) <= 1 ? DIFF_WORSE : DIFF_GONE;
    const int step = diff_rank(after->verdict) - diff_rank(before->verdict);
    if (step != 0)
        return step > 0 ? DIFF_WORSE : DIFF_BETTER;
    return before->verdict == after->verdict ? DIFF_SAME : DIFF_OTHER;
}

static void diff_add(struct diff *diff, const struct conform_report_case *before,
                     const struct conform_report_case *after)
{
    const enum diff_kind kind = diff_kind(before, after);
    diff->counts[kind]++;
    if (kind == DIFF_SAME)
        return;
    json_t *entry = json_pack("{s:s}", "name", (after == NULL ? before : after)->name);
    if (before != NULL)
        json_object_set_new(entry, "old", json_string(conform_verdict_name(before->verdict)));
    if (after != NULL)
        json_object_set_new(entry, "new", json_string(conform_verdict_name(after->verdict)));
    if (after != NULL && after->rule != NULL)
        json_object_set_new(entry, "rule", json_string(after->rule));
    if (after != NULL && after->reason != NULL)
        json_object_set_new(entry, "reason", json_string(after->reason));
    json_array_append_new(diff->lists[kind], entry);
}

/* Cases by name. */
static json_t *diff_index(const struct conform_report *report)
{
    json_t *index = json_object();
    for (size_t i = 0; i < report->case_count; i++)
        json_object_set_new(index, report->cases[i].name, json_integer((json_int_t)i));
    return index;
}

static const struct conform_report_case *diff_find(const struct conform_report *report,
                                                   const json_t *index, const char *name)
{
    const json_t *at = json_object_get(index, name);
    return at == NULL ? NULL : &report->cases[json_integer_value(at)];
}

static void diff_all(struct diff *diff)
{
    json_t *before = diff_index(diff->before), *after = diff_index(diff->after);
    for (size_t i = 0; i < diff->after->case_count; i++) {
        const struct conform_report_case *entry = &diff->after->cases[i];
        diff_add(diff, diff_find(diff->before, before, entry->name), entry);
    }
    for (size_t i = 0; i < diff->before->case_count; i++)
        if (diff_find(diff->after, after, diff->before->cases[i].name) == NULL)
            diff_add(diff, &diff->before->cases[i], NULL);
    json_decref(before);
    json_decref(after);
}

/* ---- telling ---- */

static const char *diff_text(const json_t *entry, const char *key, const char *absent)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return text == NULL ? absent : text;
}

static void diff_print_list(const struct diff *diff, enum diff_kind kind)
{
    if (diff->counts[kind] == 0)
        return;
    printf("%s\n", diff_names[kind]);
    size_t index;
    json_t *entry;
    json_array_foreach(diff->lists[kind], index, entry)
    {
        fputs("  ", stdout);
        conform_report_print_text(diff_text(entry, "name", ""), stdout);
        printf("  %s -> %s", diff_text(entry, "old", "no such case"),
               diff_text(entry, "new", "not run"));
        if (kind == DIFF_WORSE && json_object_get(entry, "reason") != NULL) {
            printf("  %s%s", diff_text(entry, "rule", ""),
                   json_object_get(entry, "rule") ? ": " : "");
            conform_report_print_text(diff_text(entry, "reason", ""), stdout);
        }
        putchar('\n');
    }
    putchar('\n');
}

static void diff_print(const struct diff *diff)
{
    const json_t *before = json_object_get(diff->before->about, "suite");
    const json_t *after = json_object_get(diff->after->about, "suite");
    if (!json_equal(json_object_get(before, "digest"), json_object_get(after, "digest")))
        puts("the suites differ: a case of one name may not be the same\n");
    for (int kind = DIFF_WORSE; kind < DIFF_COUNT; kind++)
        diff_print_list(diff, (enum diff_kind)kind);
    for (int kind = DIFF_WORSE; kind < DIFF_COUNT; kind++)
        printf("%zu %s, ", diff->counts[kind], diff_names[kind]);
    printf("%zu the same\n", diff->counts[DIFF_SAME]);
}

static void diff_print_json(const struct diff *diff)
{
    json_t *all = json_object();
    for (int kind = DIFF_WORSE; kind < DIFF_COUNT; kind++)
        json_object_set(all, diff_names[kind], diff->lists[kind]);
    json_object_set_new(all, "same", json_integer((json_int_t)diff->counts[DIFF_SAME]));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static int diff_run(const struct conform_report *before, const struct conform_report *after,
                    bool json)
{
    struct diff diff = {.before = before, .after = after};
    for (int kind = DIFF_WORSE; kind < DIFF_COUNT; kind++)
        diff.lists[kind] = json_array();
    diff_all(&diff);
    if (json)
        diff_print_json(&diff);
    else
        diff_print(&diff);
    for (int kind = DIFF_WORSE; kind < DIFF_COUNT; kind++)
        json_decref(diff.lists[kind]);
    return diff.counts[DIFF_WORSE] > 0 ? CLI_NONCONFORMANT : CLI_OK;
}

static bool diff_take(void *ctx, int id, const char *value)
{
    (void)value;
    SIPC_ASSERT(id == DIFF_JSON);
    *(bool *)ctx = true;
    return true;
}

int cli_cmd_diff(int argc, char **argv)
{
    bool json = false;
    int first;
    int exit_code = cli_parse(&diff_command, argc, argv, &first, diff_take, &json);
    if (exit_code != -1)
        return exit_code;
    if (argc - first != 2)
        return cli_usage(&diff_command, "expected two files of JSON lines, found %d arguments",
                         argc - first);
    struct conform_report reports[2];
    struct conform_error error;
    for (int i = 0; i < 2; i++) {
        if (conform_report_read(&reports[i], argv[first + i], &error))
            continue;
        fprintf(stderr, "sipc: %s\n", error.text);
        if (i == 1)
            conform_report_clear(&reports[0]);
        return CLI_USAGE;
    }
    exit_code = diff_run(&reports[0], &reports[1], json);
    conform_report_clear(&reports[0]);
    conform_report_clear(&reports[1]);
    return exit_code;
}
