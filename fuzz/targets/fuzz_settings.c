/* Fuzz target: any bytes as configuration: a list of known failures, a `configure` request as a
 * line of JSON, and lines of settings, `name value`. Oracles: a list is taken, or an error told for
 * it; its entries are the lines that are no comments; a setting alone is taken if a plain table of
 * ranges says so, and refused otherwise; of several only names that were given are refused, and
 * what remains makes sense to the engine. SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <string.h>

#include "cli.h"
#include "engine_settings.h"
#include "targets/target.h"

const uint32_t target_ops = 0;

enum { SETTINGS_MAX = 24, LINE_MAX_SIZE = 80, BLOCK_MAX = 4 << 20 };

/* What a setting may be where all others are as the protocol has them. */
static const struct range {
    const char *name;
    int64_t low, high;
    bool boolean;
} ranges[] = {
    {"mtu", INT64_MIN, INT64_MAX, false}, /* brought into its range (SND-2a) */
    {"max_window_size", 1, 65535, false},
    {"ack_timeout_ms", 1, 2251799813, false}, /* eight of them are a time */
    {"max_retry_count", 0, 1000000, false},
    {"open_timeout_ms", 0, INT64_MAX, false},
    {"idle_timeout_ms", INT64_MIN, INT64_MAX, false},
    {"min_remote_idle_timeout_ms", INT64_MIN, 600000, false},
    {"max_remote_idle_timeout_ms", 0, INT64_MAX, false},
    {"enquire_link_interval_ms", 0, INT64_MAX, false},
    {"linger_ms", 0, INT64_MAX, false},
    {"attribute_limit", 0, 65535, false},
    {"max_sessions", 1, 1 << 24, false},
    {"accept", 0, 1, true},
    {"require_first_in_window_group", 0, 1, true},
    {"unreliable_queue", 0, 65535, false},
    {"window_id_step", 2, SIPC_WINDOW_ID_MAX / 4, false},
    {"window_id_max", 300, SIPC_WINDOW_ID_MAX, false},
    {"group_bytes_max", SIPC_MTU_MIN / 4, SIPC_GROUP_BYTES_MAX, false},
};
enum { RANGES = sizeof ranges / sizeof ranges[0] };

static bool is_good_alone(const struct conform_setting *setting)
{
    if (setting->word != NULL && strcmp(setting->name, "aftermath") == 0)
        return strcmp(setting->word, "auto") == 0 || strcmp(setting->word, "manual") == 0;
    if (setting->word != NULL && strcmp(setting->name, "network") == 0)
        return strcmp(setting->word, "datagram") == 0 || strcmp(setting->word, "stream") == 0;
    for (size_t i = 0; i < RANGES && setting->word == NULL; i++)
        if (strcmp(ranges[i].name, setting->name) == 0)
            return setting->value >= ranges[i].low && setting->value <= ranges[i].high &&
                   (ranges[i].boolean || !setting->boolean);
    return false;
}

/* ---- settings ---- */

/* An endpoint can be made of what remains. */
static void check_config(const struct sipc_config *given)
{
    struct sipc_config config = *given;
    const char *field = "";

    FUZZ_CHECK(sipc_config_check(&config, &field) == SIPC_OK && field == NULL,
               "what was taken makes sense");
    FUZZ_CHECK_RULE(SIPC_RULE_SND_2a, config.mtu >= SIPC_MTU_MIN && config.mtu <= SIPC_MTU_MAX,
                    "the mtu is in its range");
    FUZZ_CHECK_RULE(
        SIPC_RULE_END_3,
        config.linger_ns != SIPC_NEVER &&
            (given->linger_ns != SIPC_NEVER ||
             config.linger_ns / 2 / config.ack_timeout_ns == config.max_retry_count + UINT64_C(1)),
        "the linger follows from others");
    size_t size = sipc_endpoint_size(&config);
    FUZZ_CHECK(size > 0, "an endpoint has a size");
    if (size > BLOCK_MAX)
        return;
    struct sipc_endpoint *endpoint;
    void *block = calloc(1, size);
    FUZZ_CHECK(block != NULL, "out of memory");
    FUZZ_CHECK(sipc_endpoint_init(block, size, &config, 0, &endpoint) == SIPC_OK,
               "an endpoint can be made");
    FUZZ_CHECK(sipc_endpoint_check(endpoint) == NULL, "and is whole");
    free(block);
}

static size_t apply(const struct conform_setting *list, size_t count, bool wall_clock)
{
    struct conform__engine_settings settings;
    struct conform_response response = {0};
    const struct conform_request request = {
        .op = CONFORM_CONFIGURE, .settings = list, .setting_count = count};

    conform__engine_settings_default(&settings, false);
    conform__engine_settings_apply(&settings, &request, wall_clock, &response);
    check_config(&settings.config);
    size_t refused = response.refused_count;
    FUZZ_CHECK(refused <= count, "no more is refused than was given");
    for (size_t i = 0; i < refused; i++) {
        bool given = false;
        for (size_t k = 0; k < count; k++)
            given = given || strcmp(list[k].name, response.refused[i]) == 0;
        FUZZ_CHECK(given, "what is refused was given");
    }
    conform_response_clear(&response);
    return refused;
}

static void check_settings(const struct conform_setting *list, size_t count)
{
    for (size_t i = 0; i < count && i < SETTINGS_MAX; i++)
        if (apply(&list[i], 1, false) != (is_good_alone(&list[i]) ? 0u : 1u))
            target_break(SIPC_RULE_NONE, "expected %s = %lld (%s) to be %s", list[i].name,
                         (long long)list[i].value, list[i].word != NULL ? list[i].word : "a number",
                         is_good_alone(&list[i]) ? "taken" : "refused");
    apply(list, count, false);
    apply(list, count, true);
}

static void as_json(const char *text, size_t size)
{
    struct conform_request request;
    struct conform_request_memory memory = {0};
    struct conform_error error = {""};
    char *id = NULL;
    const char *end = memchr(text, '\n', size);

    size = end != NULL ? (size_t)(end - text) : size;
    bool good = conform_request_decode(text, size, &request, &memory, &id, &error);
    FUZZ_CHECK(good == (error.text[0] == '\0'), "a request, or an error");
    FUZZ_CHECK(id != NULL, "an answer can name the request");
    if (good && request.op == CONFORM_CONFIGURE && request.setting_count <= SETTINGS_MAX)
        check_settings(request.settings, request.setting_count);
    conform_request_memory_clear(&memory);
    free(id);
}

/* `name value`: an integer, true, false, or another word. */
static bool take_line(char *line, struct conform_setting *setting)
{
    char *value = line + strcspn(line, " =");

    if (*value == '\0')
        return false;
    *value++ = '\0';
    value += strspn(value, " =");
    char *end = value;
    setting->name = line;
    setting->value = strtoll(value, &end, 0);
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        setting->boolean = true;
        setting->value = *value == 't';
    } else if (*value == '\0' || *end != '\0') {
        setting->value = 0;
        setting->word = value;
    }
    return true;
}

static void as_lines(const char *text, size_t size)
{
    static char lines[SETTINGS_MAX][LINE_MAX_SIZE];
    struct conform_setting list[SETTINGS_MAX];
    size_t count = 0;

    memset(list, 0, sizeof list);
    while (size > 0 && count < SETTINGS_MAX) {
        const char *end = memchr(text, '\n', size);
        size_t length = end != NULL ? (size_t)(end - text) : size;
        if (length < LINE_MAX_SIZE && memchr(text, '\0', length) == NULL) {
            memcpy(lines[count], text, length);
            lines[count][length] = '\0';
            count += take_line(lines[count], &list[count]);
        }
        length += end != NULL;
        text += length;
        size -= length;
    }
    check_settings(list, count);
}

/* ---- known failures ---- */

/* Lines that are neither empty nor comments. */
static size_t count_entries(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t at = 0; at < size; at++) {
        size_t end = at, first = at;
        while (end < size && text[end] != '\n')
            end++;
        while (first < end && isspace((unsigned char)text[first]))
            first++;
        count += first < end && text[first] != '#';
        at = end;
    }
    return count;
}

static void check_known(const struct cli_known *known, size_t count)
{
    FUZZ_CHECK(known->count == count, "each line is an entry");
    for (size_t i = 0; i < known->count; i++) {
        const struct cli_known_entry *entry = &known->entries[i];
        FUZZ_CHECK(entry->pattern[0] != '\0' && entry->reason[0] != '\0',
                   "an entry has a pattern and a reason");
        FUZZ_CHECK(i == 0 || entry->line > entry[-1].line, "entries are in order");
        for (size_t k = 0; k < i; k++)
            FUZZ_CHECK(strcmp(known->entries[k].pattern, entry->pattern) != 0,
                       "no pattern stands twice");
    }
}

static void as_known(const char *text, size_t size)
{
    struct cli_known known = {.path = strdup("known")};
    char *errors = NULL;
    size_t error_size = 0;
    FILE *told = open_memstream(&errors, &error_size);
    FILE *file = size > 0 && memchr(text, '\0', size) == NULL
                     ? fmemopen((void *)(uintptr_t)text, size, "r")
                     : NULL;

    FUZZ_CHECK(told != NULL && known.path != NULL, "out of memory");
    if (file != NULL) {
        bool good = cli_known_take(&known, file, told);
        fclose(file);
        fflush(told);
        FUZZ_CHECK(good == (error_size == 0), "a list, or errors");
        if (good)
            check_known(&known, count_entries(text, size));
    }
    fclose(told);
    free(errors);
    cli_known_clear(&known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    as_json(text, size);
    as_lines(text, size);
    as_known(text, size);
    return 0;
}
