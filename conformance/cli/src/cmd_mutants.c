/* sipc conform mutants: the kill matrix. Every broken SUT is run against the suite: does the case
 * made for its fault fail, and does it blame the rule that is broken? */
#include "mutants.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MUTANTS_ONLY = 2000, MUTANTS_HEADS, MUTANTS_FULL, MUTANTS_JOBS, MUTANTS_SEED, MUTANTS_JSON };

static const struct cli_option mutants_options[] = {
    {'m', "mutant", "GLOB", "only mutants of this name (repeatable)", MUTANTS_ONLY},
    {0, "rule", "GLOB", "only mutants that break such a rule (repeatable)", CLI_RULE},
    {0, "full", NULL, "run the whole suite against each, also when it is known what becomes of it",
     MUTANTS_FULL},
    {'j', "jobs", "N", "mutants side by side (as many as there are processors)", MUTANTS_JOBS},
    {0, "heads", "DIR", "folder with the patches and programs (the shipped ones)", MUTANTS_HEADS},
    {0, "suite", "PATH", "folder or file with scripts, instead of the shipped suite", CLI_SUITE},
    {0, "seed", "N", "what session ids are made of (1)", MUTANTS_SEED},
    {0, "json", NULL, "the matrix on stdout as JSON", MUTANTS_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command mutants_command = {
    .name = "sipc conform mutants",
    .usage = "[options] [DIR]",
    .about =
        "Attaches mutants, SUTs that are broken on purpose, and says what the suite notices. DIR\n"
        "holds their modules, NAME.so; they are built with the target conform_mutants, and looked\n"
        "for beside the program. A mutant is\n"
        "  own           killed: the case that its head names fails, and blames the rule it "
        "breaks\n"
        "  equivalent    as its head says, with a reason: no case can notice it\n"
        "  misblamed     its case fails, but over something else\n"
        "  other         its case passes, another one fails\n"
        "  nothing       no case fails: a hole in the suite\n"
        "  noticed       its head says that no case can notice it, and one does\n"
        "  not attached  its module is not there, or cannot be loaded\n"
        "Programs in Python are run by $PYTHON, else python3.\n"
        "Its own case is run first, then those about its rule, then all others, until that is "
        "clear.\n"
        "\n"
        "Exit code: 0 each is own or equivalent, 1 one is not, 2 usage, 3 one cannot be attached,\n"
        "4 an error of the harness.",
    .examples = "sipc conform mutants\n"
                "sipc conform mutants --rule 'WID-*' -m '*101'\n"
                "sipc conform mutants --full --json build/release/conformance/mutants",
    .options = mutants_options,
};

struct mutants_args {
    struct cli_words only, rules, suite;
    const char *heads, *built;
    struct conform_run_options options;
    unsigned jobs;
    bool full, json;
};

/* What is run: the workers take the next mutant under the lock, and count their kills there. */
struct mutants_run {
    const struct mutants_args *args;
    const char *heads, *built;
    struct cli_suite suite;
    struct mutants mutants;
    bool *selected;
    size_t selected_count, next, ended;
    size_t *killed; /* by case: mutants it failed for, of those it was run against */
    bool progress;
    pthread_mutex_t lock;
};

static bool mutants_take(void *ctx, int id, const char *value)
{
    struct mutants_args *args = ctx;
    uint64_t number;
    switch (id) {
    case MUTANTS_ONLY:
        cli_words_add(&args->only, value);
        return true;
    case CLI_RULE:
        cli_words_add(&args->rules, value);
        return true;
    case CLI_SUITE:
        cli_words_add(&args->suite, value);
        return true;
    case MUTANTS_HEADS:
        args->heads = value;
        return true;
    case MUTANTS_FULL:
        args->full = true;
        return true;
    case MUTANTS_JSON:
        args->json = true;
        return true;
    case MUTANTS_SEED:
        return cli_number("--seed", value, 0, INT64_MAX, &args->options.seed);
    default:
        SIPC_ASSERT(id == MUTANTS_JOBS);
        if (!cli_number("--jobs", value, 1, CLI_JOBS_MAX, &number))
            return false;
        args->jobs = (unsigned)number;
        return true;
    }
}

/* The modules' folder beside the program, in a build tree. malloc'ed. */
static char *mutants_beside(void)
{
    char program[PATH_MAX], *path;
    const ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    SIPC_ASSERT(size > 0);
    program[size] = '\0';
    for (int up = 0; up < 2; up++)
        *strrchr(program, '/') = '\0'; /* /bin/sipc */
    const int used = asprintf(&path, "%s/conformance/mutants", program);
    SIPC_ASSERT(used >= 0);
    return path;
}

/* ---- selection ---- */

static const char *mutants_rule_id(const struct mutant *m)
{
    return m->rule == SIPC_RULE_NONE ? "-" : sipc_rule_info(m->rule)->id;
}

static bool mutants_any(const struct cli_words *globs, const char *text)
{
    for (size_t i = 0; i < globs->count; i++)
        if (cli_glob(globs->items[i], text))
            return true;
    return globs->count == 0;
}

/* Whether each pattern fits some mutant. */
static bool mutants_check(const struct mutants *mutants, const struct cli_words *globs,
                          const char *option, bool rules)
{
    bool ok = true;
    for (size_t g = 0; g < globs->count; g++) {
        struct cli_words names = {0};
        bool matched = false;
        for (size_t i = 0; i < mutants->count; i++) {
            const struct mutant *m = &mutants->items[i];
            const char *name = rules ? mutants_rule_id(m) : m->name;
            matched = matched || cli_glob(globs->items[g], name);
            cli_words_add(&names, name);
        }
        if (!matched) {
            char *near = cli_near(globs->items[g], names.items, names.count);
            fprintf(stderr, "sipc: %s %s: no mutant %s%s\n", option, globs->items[g],
                    rules ? "breaks such a rule" : "has such a name", near);
            free(near);
            ok = false;
        }
        cli_words_clear(&names);
    }
    return ok;
}

static bool mutants_select(struct mutants_run *run)
{
    const struct mutants_args *args = run->args;
    const bool ok = mutants_check(&run->mutants, &args->only, "--mutant", false);
    if (!mutants_check(&run->mutants, &args->rules, "--rule", true) || !ok)
        return false;
    run->selected = calloc(run->mutants.count + 1, sizeof *run->selected);
    SIPC_ASSERT(run->selected != NULL);
    for (size_t i = 0; i < run->mutants.count; i++) {
        const struct mutant *m = &run->mutants.items[i];
        run->selected[i] =
            mutants_any(&args->only, m->name) && mutants_any(&args->rules, mutants_rule_id(m));
        run->selected_count += run->selected[i];
    }
    if (run->selected_count == 0)
        fprintf(stderr, "sipc: nothing selected: none of the %zu mutants fits all of the options\n",
                run->mutants.count);
    return run->selected_count > 0;
}

/* ---- running ---- */

static struct mutant *mutants_next(struct mutants_run *run)
{
    while (run->next < run->mutants.count && !run->selected[run->next])
        run->next++;
    if (run->next == run->mutants.count)
        return NULL;
    struct mutant *m = &run->mutants.items[run->next++];
    if (run->progress)
        fprintf(stderr, "\r\033[K  %zu of %zu  %.60s", run->ended, run->selected_count, m->name);
    return m;
}

static void *mutants_work(void *ctx)
{
    struct mutants_run *run = ctx;
    struct mutant *m;
    size_t *killed = calloc(run->suite.case_count + 1, sizeof *killed);
    SIPC_ASSERT(killed != NULL);
    pthread_mutex_lock(&run->lock);
    while ((m = mutants_next(run)) != NULL) {
        pthread_mutex_unlock(&run->lock);
        mutant_run(m, &run->suite, &run->args->options, run->args->full, killed);
        pthread_mutex_lock(&run->lock);
        run->ended++;
    }
    for (size_t i = 0; i < run->suite.case_count; i++)
        run->killed[i] += killed[i];
    pthread_mutex_unlock(&run->lock);
    free(killed);
    return NULL;
}

static void mutants_run_all(struct mutants_run *run)
{
    pthread_t threads[CLI_JOBS_MAX];
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = run->args->jobs;
    if (jobs == 0)
        jobs = processors < 1 ? 1 : processors > CLI_JOBS_MAX ? CLI_JOBS_MAX : (unsigned)processors;
    run->killed = calloc(run->suite.case_count + 1, sizeof *run->killed);
    SIPC_ASSERT(run->killed != NULL);
    pthread_mutex_init(&run->lock, NULL);
    for (unsigned i = 1; i < jobs; i++) {
        const int failed = pthread_create(&threads[i], NULL, mutants_work, run);
        SIPC_ASSERT(failed == 0);
    }
    mutants_work(run);
    for (unsigned i = 1; i < jobs; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&run->lock);
    if (run->progress)
        fputs("\r\033[K", stderr);
}

/* ---- what people see ---- */

static void mutants_print_row(const struct mutant *m, int name_width, bool colour)
{
    const bool green = mutant_is_green(m);
    const char *paint = !colour ? "" : green ? "\033[32m" : "\033[1;31m";
    printf("  %-8s  %-*s  %s%-*s%s%s%s\n", mutants_rule_id(m), name_width, m->name, paint,
           m->seen == NULL ? 0 : 12, mutant_outcome_name(m->outcome), colour ? "\033[0m" : "",
           m->seen == NULL ? "" : "  ", m->seen == NULL ? "" : m->seen->name);
}

/* All there is to know of one that is not as it should be, and how to see it again. */
static void mutants_print_problem(const struct mutants_run *run, const struct mutant *m)
{
    printf("\n%s  %s\n", mutant_outcome_name(m->outcome), m->name);
    printf("  ");
    conform_report_print_wrapped(m->what, 2, 2, stdout);
    printf("  declared  breaks %s, ", mutants_rule_id(m));
    if (m->equivalent != NULL)
        printf("equivalent: %s\n", m->equivalent);
    else
        printf("%s of %s\n", conform_verdict_name(m->verdict), m->killer);
    if (m->seen != NULL) {
        printf("  found     %s of %s, blamed on %s\n", conform_verdict_name(m->seen_verdict),
               m->seen->name,
               m->seen_rule == SIPC_RULE_NONE ? "nothing" : sipc_rule_info(m->seen_rule)->id);
    } else {
        printf("  found     %s\n", m->outcome == MUTANT_NOTHING ? "no case that fails"
                                                                : mutant_outcome_name(m->outcome));
    }
    if (m->reason != NULL) {
        printf("  because   ");
        conform_report_print_wrapped(m->reason, 12, 12, stdout);
    }
    printf("  head      %s\n  replay    ", m->path);
    cli_quote(cli_program, stdout);
    printf(" conform run ");
    cli_quote(m->spec, stdout);
    if (m->killer != NULL || m->seen != NULL) {
        printf(" -t ");
        cli_quote(m->seen != NULL ? m->seen->name : m->killer, stdout);
    }
    if (run->args->options.seed != 1)
        printf(" --seed %llu", (unsigned long long)run->args->options.seed);
    putchar('\n');
}

struct mutants_counts {
    size_t outcomes[MUTANT_OUTCOME_COUNT];
    size_t patches, programs, green;
    size_t rules, green_rules; /* that have a mutant; all of whose mutants are green */
};

static struct mutants_counts mutants_count(const struct mutants_run *run, const char *family)
{
    struct mutants_counts counts = {0};
    bool seen[SIPC_RULE_COUNT] = {false}, red[SIPC_RULE_COUNT] = {false};
    const size_t size = family == NULL ? 0 : strcspn(family, "-");
    for (size_t i = 0; i < run->mutants.count; i++) {
        const struct mutant *m = &run->mutants.items[i];
        const char *id = mutants_rule_id(m);
        if (!run->selected[i] || (family != NULL && (strcspn(id, "-") != size || !m->patch ||
                                                     strncmp(id, family, size) != 0)))
            continue;
        counts.outcomes[m->outcome]++;
        counts.patches += m->patch;
        counts.programs += !m->patch;
        counts.green += mutant_is_green(m);
        seen[m->rule] = true;
        red[m->rule] = red[m->rule] || !mutant_is_green(m);
    }
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        counts.rules += seen[rule];
        counts.green_rules += seen[rule] && !red[rule];
    }
    return counts;
}

static void mutants_print_counts(const char *name, size_t name_size,
                                 const struct mutants_counts *counts)
{
    printf("  %-8.*s  %5zu  %7zu", (int)name_size, name, counts->rules,
           counts->patches + counts->programs);
    for (int outcome = 0; outcome < MUTANT_OUTCOME_COUNT; outcome++) {
        const int width = (int)strlen(mutant_outcome_name((enum mutant_outcome)outcome));
        if (counts->outcomes[outcome] == 0)
            printf("  %*s", width, "-");
        else
            printf("  %*zu", width, counts->outcomes[outcome]);
    }
    putchar('\n');
}

/* A row for each family of rules. */
static void mutants_print_table(const struct mutants_run *run)
{
    const struct mutants_counts all = mutants_count(run, NULL);
    const char *last = "";
    printf("\n  family    rules  mutants");
    for (int outcome = 0; outcome < MUTANT_OUTCOME_COUNT; outcome++)
        printf("  %s", mutant_outcome_name((enum mutant_outcome)outcome));
    putchar('\n');
    for (size_t i = 0; i < run->mutants.count; i++) {
        const char *id = mutants_rule_id(&run->mutants.items[i]);
        const size_t size = strcspn(id, "-");
        if (!run->selected[i] || !run->mutants.items[i].patch ||
            (strcspn(last, "-") == size && strncmp(last, id, size) == 0))
            continue;
        const struct mutants_counts counts = mutants_count(run, id);
        mutants_print_counts(id, size, &counts);
        last = id;
    }
    if (all.programs > 0) {
        struct mutants_counts programs = {.programs = all.programs};
        for (size_t i = 0; i < run->mutants.count; i++)
            if (run->selected[i] && !run->mutants.items[i].patch)
                programs.outcomes[run->mutants.items[i].outcome]++;
        mutants_print_counts("cheats", 6, &programs);
    }
    mutants_print_counts("all", 3, &all);
}

/* Scripts none of whose cases failed for any mutant: what are they good for? */
static void mutants_print_idle_cases(const struct mutants_run *run)
{
    size_t idle = 0;
    for (size_t s = 0; s < run->suite.script_count; s++) {
        size_t killed = 0;
        for (size_t i = 0; i < run->suite.case_count; i++)
            if (run->suite.cases[i].script == run->suite.scripts[s])
                killed += run->killed[i];
        if (killed > 0)
            continue;
        if (idle++ == 0)
            printf("\nscripts that no mutant fails\n");
        printf("  %s\n", run->suite.scripts[s]->id);
    }
}

static int mutants_exit(const struct mutants_run *run)
{
    const struct mutants_counts counts = mutants_count(run, NULL);
    if (counts.outcomes[MUTANT_NOT_BUILT] > 0)
        return CLI_NO_SUT;
    return counts.green == run->selected_count ? CLI_OK : CLI_NONCONFORMANT;
}

static void mutants_print(const struct mutants_run *run)
{
    const bool colour = cli_colour(stdout);
    const struct mutants_counts counts = mutants_count(run, NULL);
    int name_width = 6;
    for (size_t i = 0; i < run->mutants.count; i++) {
        const int width = (int)strlen(run->mutants.items[i].name);
        name_width = run->selected[i] && width > name_width ? width : name_width;
    }
    printf("mutants  %s: %zu of %zu\nsuite    %s: %zu scripts, %zu cases\n\n", run->built,
           run->selected_count, run->mutants.count, run->suite.source, run->suite.script_count,
           run->suite.case_count);
    printf("  %-8s  %-*s  %-12s  case\n", "rule", name_width, "mutant", "killed by");
    for (size_t i = 0; i < run->mutants.count; i++)
        if (run->selected[i])
            mutants_print_row(&run->mutants.items[i], name_width, colour);
    mutants_print_table(run);
    if (run->args->full)
        mutants_print_idle_cases(run);
    for (size_t i = 0; i < run->mutants.count; i++)
        if (run->selected[i] && !mutant_is_green(&run->mutants.items[i]))
            mutants_print_problem(run, &run->mutants.items[i]);
    printf("\n%s%s%s: %zu of %zu mutants are as declared, %zu killed by their own cases, "
           "%zu equivalent; %zu rules\n",
           !colour                       ? ""
           : mutants_exit(run) == CLI_OK ? "\033[1;32m"
                                         : "\033[1;31m",
           mutants_exit(run) == CLI_OK ? "as declared" : "NOT AS DECLARED", colour ? "\033[0m" : "",
           counts.green, run->selected_count, counts.outcomes[MUTANT_OWN],
           counts.outcomes[MUTANT_EQUIVALENT], counts.rules);
}

/* ---- what programs see ---- */

static json_t *mutants_string(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *mutants_json_one(const struct mutant *m, bool full)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "name", m->name, "path", m->path, "sut",
                  m->spec, "kind", m->patch ? "patch" : "program", "what", m->what, "green",
                  mutant_is_green(m), "outcome", mutant_outcome_name(m->outcome));
    const bool none = m->rule == SIPC_RULE_NONE;
    json_object_set_new(json, "breaks", mutants_string(none ? NULL : mutants_rule_id(m)));
    json_object_set_new(json, "killed_by", mutants_string(m->killer));
    json_object_set_new(json, "equivalent", mutants_string(m->equivalent));
    json_object_set_new(json, "case", mutants_string(m->seen == NULL ? NULL : m->seen->name));
    json_object_set_new(
        json, "verdict",
        mutants_string(m->seen == NULL ? NULL : conform_verdict_name(m->seen_verdict)));
    json_object_set_new(
        json, "blamed",
        mutants_string(m->seen_rule == SIPC_RULE_NONE ? NULL : sipc_rule_info(m->seen_rule)->id));
    json_object_set_new(json, "reason", mutants_string(m->reason));
    json_object_set_new(json, "cases_run", json_integer((json_int_t)m->run));
    if (full)
        json_object_set_new(json, "cases_red", json_integer((json_int_t)m->red));
    return json;
}

static void mutants_print_json(const struct mutants_run *run)
{
    const struct mutants_counts counts = mutants_count(run, NULL);
    json_t *list = json_array(), *outcomes = json_object();
    for (size_t i = 0; i < run->mutants.count; i++)
        if (run->selected[i])
            json_array_append_new(list, mutants_json_one(&run->mutants.items[i], run->args->full));
    for (int outcome = 0; outcome < MUTANT_OUTCOME_COUNT; outcome++)
        json_object_set_new(outcomes, mutant_outcome_name((enum mutant_outcome)outcome),
                            json_integer((json_int_t)counts.outcomes[outcome]));
    json_t *json = json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "built", run->built,
                             "suite", run->suite.source, "cases", (json_int_t)run->suite.case_count,
                             "outcomes", outcomes, "mutants", (json_int_t)run->selected_count,
                             "green", (json_int_t)counts.green, "rules", (json_int_t)counts.rules,
                             "green_rules", (json_int_t)counts.green_rules, "matrix", list);
    json_dumpf(json, stdout, JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(json);
}

/* ---- putting it together ---- */

static int mutants_execute(struct mutants_run *run)
{
    int exit_code = CLI_USAGE;
    if (!cli_suite_load(&run->suite, run->args->suite.items, run->args->suite.count))
        return CLI_USAGE;
    if (mutants_read(&run->mutants, run->heads, run->built, &run->suite)) {
        if (mutants_select(run)) {
            mutants_run_all(run);
            if (run->args->json)
                mutants_print_json(run);
            else
                mutants_print(run);
            exit_code = mutants_exit(run);
        }
        free(run->selected);
        free(run->killed);
        mutants_clear(&run->mutants);
    }
    cli_suite_clear(&run->suite);
    return exit_code;
}

int cli_cmd_mutants(int argc, char **argv)
{
    struct mutants_args args = {.options = {.seed = 1, .time_scale_percent = 100}};
    int first;
    int exit_code = cli_parse(&mutants_command, argc, argv, &first, mutants_take, &args);
    if (exit_code == -1 && argc - first > 1)
        exit_code = cli_usage(&mutants_command,
                              "expected one folder of modules, found %d arguments", argc - first);
    if (exit_code == -1) {
        char *beside = mutants_beside();
        char *shipped = args.heads == NULL ? cli_data("mutants") : NULL;
        struct mutants_run run = {
            .args = &args,
            .heads = args.heads != NULL ? args.heads : shipped,
            .built = first < argc ? argv[first] : beside,
            .progress = cli_colour(stderr),
        };
        exit_code = run.heads == NULL ? CLI_USAGE : mutants_execute(&run);
        free(shipped);
        free(beside);
    }
    cli_words_clear(&args.only);
    cli_words_clear(&args.rules);
    cli_words_clear(&args.suite);
    return exit_code;
}
