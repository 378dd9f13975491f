/* sipc sim lfn: one point of the study of long fat networks, as a line of JSON. Plans of many
 * points, their runs and reports are scripts/lfn's. */
#include "study/lfn_cli.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "study/lfn_point.h"

enum { LFN_POINT = 2000, LFN_PARAMETERS };

static const struct cli_option lfn_options[] = {
    {'p', "point", "K=V,...", "run this point: parameters that differ from their defaults",
     LFN_POINT},
    {0, "parameters", NULL, "print each parameter with its range and default, as JSON",
     LFN_PARAMETERS},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command lfn_command = {
    .name = "sipc sim lfn",
    .usage = "--point K=V,... | --parameters",
    .about =
        "Runs one point of the study of long fat networks: two endpoints on a link, sessions that\n"
        "send one message after the other. Prints what came of it as one line of JSON: goodput,\n"
        "utilisation, how long messages took, what retries cost; with the point in full, the\n"
        "version, and the command that gives the same again. All but `cost`, which is this\n"
        "machine's, is the same each time. scripts/lfn runs many points and reports.\n"
        "\n"
        "Exit status: 0 it ran, 1 it failed (the line has `error`), 2 bad options.",
    .examples = "sipc sim lfn --point rate=1000000000,rtt=100000,sessions=16\n"
                "sipc sim lfn --point rtt=600000,ack_timeout=900000,loss=10000,count=500,seed=7\n"
                "sipc sim lfn --parameters",
    .options = lfn_options,
};

struct lfn_args {
    struct study_point point;
    bool has_point, parameters;
};

static bool lfn_take_parameter(struct lfn_args *args, const char *name, const char *value)
{
    const char *names[STUDY_PARAMETER_COUNT];

    for (size_t i = 0; i < STUDY_PARAMETER_COUNT; i++) {
        const struct study_parameter_info *info = &study_parameters[i];
        char option[64];
        names[i] = info->name;
        snprintf(option, sizeof option, "--point: %s", name);
        if (strcmp(name, info->name) == 0)
            return cli_number(option, value, info->min, info->max, &args->point.value[i]);
    }
    char *near = cli_near(name, names, STUDY_PARAMETER_COUNT);
    fprintf(stderr, "sipc: --point: no parameter is called %s%s\n", name, near);
    free(near);
    return false;
}

static bool lfn_take_point(struct lfn_args *args, const char *text)
{
    char *copy = strdup(text), *rest = copy;
    bool good = copy != NULL;

    args->has_point = true;
    for (char *word; good && (word = strsep(&rest, ",")) != NULL;) {
        char *value = strchr(word, '=');
        if (*word == '\0' && rest == NULL && word == copy)
            break; /* "": all defaults */
        if (value == NULL) {
            fprintf(stderr, "sipc: --point: expected NAME=NUMBER, found '%s'\n", word);
            good = false;
            break;
        }
        *value++ = '\0';
        good = lfn_take_parameter(args, word, value);
    }
    free(copy);
    return good;
}

static bool lfn_take(void *ctx, int id, const char *value)
{
    struct lfn_args *args = ctx;

    if (id == LFN_POINT)
        return lfn_take_point(args, value);
    args->parameters = true;
    return true;
}

/* ---- output ---- */

static json_t *lfn_times(const struct study_times *times)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)times->count, "mean_ns",
                     (json_int_t)times->mean_ns, "median_ns", (json_int_t)times->median_ns,
                     "p99_ns", (json_int_t)times->p99_ns, "max_ns", (json_int_t)times->max_ns);
}

static json_t *lfn_result(const struct study_result *result)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"goodput_bps", result->goodput_bps},   {"utilisation_ppm", result->utilisation_ppm},
        {"busy_ppm", result->busy_ppm},         {"elapsed_ns", result->elapsed_ns},
        {"virtual_ns", result->virtual_ns},     {"delivered_bytes", result->delivered_bytes},
        {"ended_ok", result->ended_ok},         {"ended_timeout", result->ended_timeout},
        {"ended_other", result->ended_other},   {"data_pdus", result->data_pdus},
        {"ack_pdus", result->ack_pdus},         {"repeated_pdus", result->repeated_pdus},
        {"ack_timeouts", result->ack_timeouts}, {"lost", result->lost},
        {"all_pdus", result->all_pdus},         {"held_max", result->held_max},
    };
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].value));
    json_object_set_new(object, "first", lfn_times(&result->first));
    json_object_set_new(object, "steady", lfn_times(&result->steady));
    return object;
}

/* The point in full, so that a default that changes later changes nothing told here. */
static json_t *lfn_point(const struct study_point *point, char *replay, size_t size)
{
    json_t *object = json_object();
    size_t used = (size_t)snprintf(replay, size, "%s sim lfn --point ", cli_program);

    for (size_t i = 0; i < STUDY_PARAMETER_COUNT; i++) {
        json_object_set_new(object, study_parameters[i].name,
                            json_integer((json_int_t)point->value[i]));
        if (used < size)
            used += (size_t)snprintf(replay + used, size - used, "%s%s=%" PRIu64, i > 0 ? "," : "",
                                     study_parameters[i].name, point->value[i]);
    }
    return object;
}

static uint64_t lfn_clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void lfn_print(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static int lfn_run(const struct study_point *point)
{
    struct study_result result;
    char replay[1024];
    uint64_t wall_ns = lfn_clock_ns(CLOCK_MONOTONIC),
             cpu_ns = lfn_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    json_t *object = json_pack("{s:o}", "point", lfn_point(point, replay, sizeof replay));

    study_point_run(point, &result);
    wall_ns = lfn_clock_ns(CLOCK_MONOTONIC) - wall_ns;
    cpu_ns = lfn_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    if (result.ok)
        json_object_set_new(object, "result", lfn_result(&result));
    else
        json_object_set_new(object, "error", json_string(result.error));
    json_object_set_new(
        object, "cost",
        json_pack("{s:I, s:I}", "wall_ns", (json_int_t)wall_ns, "cpu_ns", (json_int_t)cpu_ns));
    json_object_set_new(object, "version", json_string(SIPC_VERSION));
    json_object_set_new(object, "replay", json_string(replay));
    lfn_print(object);
    return result.ok ? CLI_OK : CLI_NONCONFORMANT;
}

static int lfn_parameters(void)
{
    json_t *object = json_object();

    for (size_t i = 0; i < STUDY_PARAMETER_COUNT; i++) {
        const struct study_parameter_info *info = &study_parameters[i];
        json_object_set_new(object, info->name,
                            json_pack("{s:I, s:o, s:I, s:s}", "min", (json_int_t)info->min, "max",
                                      info->max > INT64_MAX ? json_sprintf("%" PRIu64, info->max)
                                                            : json_integer((json_int_t)info->max),
                                      "default", (json_int_t)info->standard, "help", info->help));
    }
    lfn_print(object);
    return CLI_OK;
}

int sim_cmd_lfn(int argc, char **argv)
{
    struct lfn_args args = {0};
    int first, exit_code;

    for (size_t i = 0; i < STUDY_PARAMETER_COUNT; i++)
        args.point.value[i] = study_parameters[i].standard;
    exit_code = cli_parse(&lfn_command, argc, argv, &first, lfn_take, &args);
    if (exit_code >= 0)
        return exit_code;
    if (first < argc)
        return cli_usage(&lfn_command, "unexpected argument %s", argv[first]);
    if (args.has_point == args.parameters)
        return cli_usage(&lfn_command, "say either --point or --parameters");
    return args.parameters ? lfn_parameters() : lfn_run(&args.point);
}
