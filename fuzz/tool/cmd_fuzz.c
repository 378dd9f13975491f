/* sipc fuzz show, seed and case.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "play/pair.h"
#include "sim_cli.h"
#include "tool/fuzz_cli.h"
#include "tool/story.h"
#include "tool/targets.h"

enum { INPUT_BYTES_MAX = 1 << 20, PATH_SIZE = 4096 };
enum { OPTION_SUT, OPTION_ID, OPTION_OUT, OPTION_WHOLE, OPTION_TARGET };

struct args {
    const char *sut, *id, *out;
    const struct fuzz_target *target;
    bool whole;
};

static bool take(void *ctx, int id, const char *value)
{
    struct args *args = ctx;

    if (id == OPTION_SUT)
        args->sut = value;
    else if (id == OPTION_ID)
        args->id = value;
    else if (id == OPTION_WHOLE)
        args->whole = true;
    else if (id == OPTION_TARGET)
        return (args->target = fuzz_target_find(value)) != NULL;
    else
        args->out = value;
    return true;
}

/* ---- files ---- */

/* malloc'ed; NULL: told. Records of another version are refused: they would mean something else. */
static uint8_t *read_input(const char *path, const struct fuzz_target *target, size_t *size)
{
    const bool records = target->inputs != FUZZ_PDU && target->inputs != FUZZ_BYTES;
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    unsigned version;

    SIPC_ASSERT(bytes != NULL);
    if (file == NULL || (*size = fread(bytes, 1, INPUT_BYTES_MAX, file), ferror(file))) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else if (records && sfz_mark(bytes, *size, &version) == SFZ_OTHER_VERSION) {
        fprintf(stderr, "%s: expected an input of version %d, found version %c\n", path,
                SFZ_VERSION, bytes[SFZ_MARK_SIZE - 1]);
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL)
        fclose(file);
    return bytes;
}

static FILE *create(const char *folder, const char *name, const char *suffix)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    else
        printf("%s\n", path);
    return file;
}

static bool close_file(FILE *file)
{
    bool good = ferror(file) == 0;

    good = fclose(file) == 0 && good;
    if (!good)
        fprintf(stderr, "writing failed: %s\n", strerror(errno));
    return good;
}

/* Letters, digits, - and _, as ids of scripts are. */
static void make_id(const char *path, char *id, size_t size)
{
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    size_t used = 0;

    for (; *name != '\0' && *name != '.' && used + 1 < size; name++)
        id[used++] = (char)(isalnum((unsigned char)*name) || *name == '_' ? *name : '-');
    id[used] = '\0';
    if (used == 0)
        snprintf(id, size, "input");
}

/* ---- playing ---- */

static const struct fuzz_driver *attach(const char *spec, void **self)
{
    struct conform_error error;

    if (spec == NULL) {
        *self = fuzz_engine_new(&simnet_explore_engine);
        return &fuzz_engine_driver;
    }
    *self = fuzz_sut_new(spec, &error);
    if (*self == NULL)
        fprintf(stderr, "%s\n", error.text);
    return *self != NULL ? &fuzz_sut_driver : NULL;
}

static void detach(const char *spec, void *self)
{
    if (spec == NULL)
        fuzz_engine_free(self);
    else
        fuzz_sut_free(self);
}

struct capture {
    struct cli_capture *capture;
    const char *id;
};

static void capture_pdu(void *ctx, bool out, uint64_t peer, uint64_t at_ns, struct sipc_span pdu)
{
    static const char *const peers[] = {"?", "P", "P1", "P2"};
    struct capture *capture = ctx;
    const struct cli_pdu entry = {
        .from_sut = out, .peer = peers[peer <= SFZ_PEERS ? peer : 0], .at_ns = at_ns, .bytes = pdu};

    cli_capture_pdu(capture->capture, &entry, capture->id);
}

/* What happens to an endpoint: a view of the malloc'ed bytes returned, NULL: told. A PDU comes to
 * one with the settings that are usual. */
static uint8_t *load(const char *path, const struct fuzz_target *target, struct sfz_input *input)
{
    const bool pdu = target->inputs == FUZZ_PDU;
    size_t size;
    uint8_t *bytes = read_input(path, target, &size);

    if (bytes == NULL)
        return NULL;
    sfz_decode(bytes, pdu ? 0 : size, input);
    if (!pdu)
        return bytes;
    if (size == 0 || size > SFZ_RAW_MAX) {
        fprintf(stderr, "%s: no case says it: expected a PDU of 1 to %d bytes, found %zu\n", path,
                SFZ_RAW_MAX, size);
        free(bytes);
        return NULL;
    }
    input->records[0] =
        (struct sfz_record){.op = SFZ_RAW, .raw = bytes, .raw_size = (uint16_t)size};
    input->count = 1;
    return bytes;
}

struct endpoint {
    const struct fuzz_driver *driver;
    void *self;
};

static void play_endpoint(void *ctx, const struct sfz_input *input, struct fuzz_finding *finding)
{
    const struct endpoint *endpoint = ctx;
    struct fuzz_play_options options = {.advisories = endpoint->driver == &fuzz_engine_driver};
    struct fuzz_played played;

    fuzz_play(endpoint->driver, endpoint->self, input, &options, &played);
    *finding = played.finding;
}

/* What a script is made of, and what comes of it. */
struct told {
    const char *path, *id;
    struct sfz_input input; /* as it is said best, in the end */
    FILE *out;
    struct capture *capture; /* or NULL */
    struct fuzz_finding finding;
};

/* An input of one endpoint, as a case; the exit code. */
static int tell_endpoint(const struct args *args, struct told *told)
{
    static struct sfz_input canonical;
    struct fuzz_played played;
    struct endpoint endpoint;

    endpoint.driver = attach(args->sut, &endpoint.self);
    if (endpoint.driver == NULL)
        return CLI_NO_SUT;
    if (endpoint.driver->settle != NULL)
        endpoint.driver->settle(endpoint.self, told->input.settings);
    if (!args->whole)
        fuzz_story_shrink(play_endpoint, &endpoint, &told->input);
    bool good = fuzz_story_print(endpoint.driver, endpoint.self, &told->input, told->id, told->out,
                                 stderr, &canonical, &played,
                                 told->capture != NULL ? capture_pdu : NULL, told->capture);
    detach(args->sut, endpoint.self);
    if (!good) {
        fprintf(stderr, "%s: cannot be told as a script\n", told->path);
        return CLI_HARNESS;
    }
    told->input = canonical;
    told->finding = played.finding;
    return CLI_OK;
}

static void play_pair(void *ctx, const struct sfz_input *input, struct fuzz_finding *finding)
{
    struct fuzz_pair_played played;

    fuzz_pair_play(input, ctx, &played);
    *finding = played.finding;
}

/* An input of two, as a scenario; the exit code. */
static int tell_pair(const struct args *args, struct told *told)
{
    struct fuzz_pair_options options = {
        .id = told->id, .sut = args->sut, .advisories = args->sut == NULL};
    struct fuzz_pair_played played;

    for (int i = 0; i < 2; i++) {
        options.driver = attach(args->sut, &options.selves[i]);
        if (options.driver == NULL) {
            if (i > 0)
                detach(args->sut, options.selves[0]);
            return CLI_NO_SUT;
        }
    }
    if (!args->whole)
        fuzz_story_shrink(play_pair, &options, &told->input);
    options.scenario = told->out;
    fuzz_pair_play(&told->input, &options, &played);
    for (int i = 0; i < 2; i++)
        detach(args->sut, options.selves[i]);
    told->finding = played.finding;
    if (played.refused)
        fprintf(stderr, "%s: its settings are refused\n", told->path);
    return played.refused ? CLI_HARNESS : CLI_OK;
}

static int tell(const struct args *args, struct told *told)
{
    return args->target->inputs == FUZZ_OF_PAIR ? tell_pair(args, told) : tell_endpoint(args, told);
}

/* ---- show ---- */

#define TARGET_OPTION                                                                              \
    {                                                                                              \
        0, "target", "NAME", "whose input it is (default: fuzz_session)", OPTION_TARGET            \
    }

static const struct cli_option show_options[] = {
    TARGET_OPTION,
    {0, "sut", "SPEC", "so:PATH or exec:CMD instead of the engine", OPTION_SUT},
    {0, "id", "NAME", "of the script; by default made of the file's name", OPTION_ID},
    {0, "whole", NULL, "with records that a broken oracle does not need", OPTION_WHOLE},
    {0, NULL, NULL, NULL, 0}};
static const struct cli_command show_command = {
    "sipc fuzz show", "[options] FILE",
    "Prints an input of a fuzz target as a conformance case, of fuzz_pair as a scenario: what\n"
    "goes in, and what comes of it.",
    "sipc fuzz show crash-1f2e\n"
    "sipc fuzz show --target fuzz_pair --sut so:./mine.so found-1.sfz\n"
    "sipc fuzz show --target fuzz_pdu_decode crash-90ab\n",
    show_options};

/* No script says inputs of this target. */
static int cannot_show(const struct fuzz_target *target)
{
    fputs("sipc fuzz show: expected a target whose inputs a script says (", stderr);
    fuzz_target_names(true, stderr);
    fprintf(stderr, "); found %s\n", target->name);
    return CLI_USAGE;
}

int fuzz_cmd_show(int argc, char **argv)
{
    static struct told told;
    struct args args = {.target = fuzz_target_find("fuzz_session")};
    char id[64];
    int first, code = cli_parse(&show_command, argc, argv, &first, take, &args);

    if (code != -1)
        return code;
    if (argc - first != 1)
        return cli_usage(&show_command, "expected one file, found %d arguments", argc - first);
    if (args.target->inputs >= FUZZ_RECORDS)
        return cannot_show(args.target);
    make_id(args.id != NULL ? args.id : argv[first], id, sizeof id);
    told = (struct told){.path = argv[first], .id = id, .out = stdout};
    uint8_t *bytes = load(argv[first], args.target, &told.input);
    if (bytes == NULL)
        return CLI_USAGE;
    code = tell(&args, &told);
    free(bytes);
    if (code == CLI_OK && told.finding.found) {
        fprintf(stderr, "oracle broken: %s\n", told.finding.text);
        return CLI_NONCONFORMANT;
    }
    return code;
}

/* ---- seed ---- */

static const struct cli_option seed_options[] = {
    {'o', "out", "FOLDER", "where inputs go (default: .)", OPTION_OUT}, {0, NULL, NULL, NULL, 0}};
static const struct cli_command seed_command = {
    "sipc fuzz seed", "[options] FILE.sx...",
    "Makes inputs of conformance cases: one file each, named after the case.",
    "sipc fuzz seed -o fuzz/corpus/fuzz_session conformance/suite/wid/*.sx\n", seed_options};

static bool seed_case(const char *path, size_t index, size_t cases, const struct args *args)
{
    static struct fuzz_seed seed;
    static uint8_t bytes[INPUT_BYTES_MAX];
    char id[64], name[96];

    if (!fuzz_story_seed(path, index, &seed, stderr)) {
        fprintf(stderr, "%s: no input for case %zu\n", path, index);
        return false;
    }
    size_t size = sfz_encode(&seed.input, bytes, sizeof bytes);
    make_id(path, id, sizeof id);
    if (cases == 1)
        snprintf(name, sizeof name, "%s", id);
    else
        snprintf(name, sizeof name, "%s-%zu", id, index);
    FILE *file = create(args->out != NULL ? args->out : ".", name, ".sfz");
    if (file == NULL)
        return false;
    fwrite(bytes, 1, size, file);
    return close_file(file);
}

int fuzz_cmd_seed(int argc, char **argv)
{
    struct args args = {0};
    int first, code = cli_parse(&seed_command, argc, argv, &first, take, &args);
    bool good = true;

    if (code != -1)
        return code;
    if (argc == first)
        return cli_usage(&seed_command, "expected scripts, found none");
    for (int i = first; i < argc; i++) {
        size_t cases = fuzz_story_cases(argv[i], stderr);
        good = good && cases > 0;
        for (size_t k = 0; k < cases; k++)
            good = seed_case(argv[i], k, cases, &args) && good;
    }
    return good ? CLI_OK : CLI_USAGE;
}

/* ---- case ---- */

static const struct cli_option case_options[] = {
    TARGET_OPTION,
    {0, "sut", "SPEC", "so:PATH or exec:CMD instead of the engine", OPTION_SUT},
    {0, "id", "NAME", "of the files; by default made of the input's", OPTION_ID},
    {0, "whole", NULL, "with records that a broken oracle does not need", OPTION_WHOLE},
    {'o', "out", "FOLDER", "where they go (default: .)", OPTION_OUT},
    {0, NULL, NULL, NULL, 0}};
static const struct cli_command case_command = {
    "sipc fuzz case", "[options] FILE",
    "Makes of an input, one that broke an oracle most often, all that a repair needs: a script\n"
    "(NAME.sx), a capture (NAME.pcapng), the input as it is said best (NAME.sfz), and a unit test\n"
    "that plays it (test_NAME.c; those in fuzz/regress are built).\n"
    "\n"
    "An input of fuzz_pair is made all these, too: the script is a scenario, which `sipc sim run`\n"
    "lives through for the capture.\n"
    "\n"
    "An input of any other target is kept as it is (TARGET/NAME; ctest replays those in\n"
    "fuzz/regress, which is the test). Of fuzz_pdu_decode there are a script and a capture beside\n"
    "it: the PDU comes to an endpoint.",
    "sipc fuzz case --id acks-past-a-gap -o fuzz/regress crash-1f2e\n"
    "sipc fuzz case --target fuzz_pair --id twice-over -o fuzz/regress found-1.sfz\n"
    "sipc fuzz case --target fuzz_options --id a-key-of-255 -o fuzz/regress crash-90ab\n",
    case_options};

static bool write_test(const char *folder, const char *id, const struct sfz_input *input, bool pair)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    char name[80];
    size_t size = sfz_encode(input, bytes, sizeof bytes);
    FILE *file = create(folder, id, ".sfz");

    if (file == NULL)
        return false;
    fwrite(bytes, 1, size, file);
    if (!close_file(file))
        return false;
    snprintf(name, sizeof name, "test_%s", id);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c == '-' ? '_' : *c);
    if ((file = create(folder, name, ".c")) == NULL)
        return false;
    fprintf(file,
            "/* Plays an input that broke an oracle once, made by `sipc fuzz case`. What happens\n"
            " * is told by %s.sx.\n * SPDX-License-Identifier: MIT */\n#include \"regress.h\"\n\n"
            "static const uint8_t input[] = {",
            id);
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%s0x%02x,", i % 16 == 0 ? "\n    " : " ", bytes[i]);
    fprintf(file, "\n};\n\nREGRESS_%sMAIN(input)\n", pair ? "PAIR_" : "");
    return close_file(file);
}

/* The input itself, in the folder of its target, which is made where it is not there. */
static int keep_input(const char *path, const struct args *args, const char *id)
{
    char folder[PATH_SIZE];
    size_t size;
    uint8_t *bytes = read_input(path, args->target, &size);

    if (bytes == NULL)
        return CLI_USAGE;
    snprintf(folder, sizeof folder, "%s/%s", args->out != NULL ? args->out : ".",
             args->target->name);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
    FILE *file = create(folder, id, "");
    if (file != NULL)
        fwrite(bytes, 1, size, file);
    free(bytes);
    return file != NULL && close_file(file) ? CLI_OK : CLI_HARNESS;
}

/* The scenario once more, by the simulator, which knows how to make a capture of it. */
static int capture_scenario(const char *folder, const char *id)
{
    char script[PATH_SIZE], pcapng[PATH_SIZE];
    char run[] = "run", trace[] = "--trace";
    char *argv[] = {run, script, trace, pcapng, NULL};

    snprintf(script, sizeof script, "%s/%s.sx", folder, id);
    snprintf(pcapng, sizeof pcapng, "%s/%s.pcapng", folder, id);
    printf("%s\n", pcapng);
    return sim_cmd_run(4, argv);
}

static int write_script(const struct args *args, const char *folder, struct told *told)
{
    const bool pair = args->target->inputs == FUZZ_OF_PAIR;
    struct capture capture = {.id = told->id};
    FILE *pcapng = NULL;

    told->out = create(folder, told->id, ".sx");
    if (told->out == NULL || (!pair && (pcapng = create(folder, told->id, ".pcapng")) == NULL))
        return CLI_HARNESS;
    if (!pair) {
        capture.capture = cli_capture_begin(pcapng, args->sut != NULL ? args->sut : "engine", true);
        told->capture = &capture;
    }
    int code = tell(args, told);
    bool good = pair || cli_capture_end(capture.capture);
    good = close_file(told->out) && good;
    if (code == CLI_OK && pair)
        code = capture_scenario(folder, told->id);
    return code == CLI_OK && !good ? CLI_HARNESS : code;
}

static int make_case(const struct args *args, struct told *told)
{
    const char *folder = args->out != NULL ? args->out : ".";
    const bool pair = args->target->inputs == FUZZ_OF_PAIR;
    const bool pdu = args->target->inputs == FUZZ_PDU;
    int code = write_script(args, folder, told);

    if (code > CLI_NONCONFORMANT)
        return code;
    if (!pdu && !write_test(folder, told->id, &told->input, pair))
        return CLI_HARNESS;
    printf("%s\n", told->finding.found ? told->finding.text
                   : pdu               ? "no oracle of an endpoint is broken"
                                       : "no oracle is broken");
    return code;
}

int fuzz_cmd_case(int argc, char **argv)
{
    static struct told told;
    struct args args = {.target = fuzz_target_find("fuzz_session")};
    char id[64];
    int first, code = cli_parse(&case_command, argc, argv, &first, take, &args);

    if (code != -1)
        return code;
    if (argc - first != 1)
        return cli_usage(&case_command, "expected one file, found %d arguments", argc - first);
    if (args.target->inputs >= FUZZ_RECORDS && args.sut != NULL)
        return cli_usage(&case_command, "--sut: inputs of %s are kept as they are, and not played",
                         args.target->name);
    make_id(args.id != NULL ? args.id : argv[first], id, sizeof id);
    if (args.target->inputs >= FUZZ_PDU)
        code = keep_input(argv[first], &args, id);
    if (code > CLI_OK || args.target->inputs >= FUZZ_RECORDS)
        return code;
    told = (struct told){.path = argv[first], .id = id};
    uint8_t *bytes = load(argv[first], args.target, &told.input);
    if (bytes == NULL) /* it may be kept all the same */
        return code == CLI_OK ? CLI_OK : CLI_USAGE;
    code = make_case(&args, &told);
    free(bytes);
    return code;
}
