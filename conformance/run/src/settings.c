/* The SUT's settings for one case: the defaults of the protocol (RULES.md, section 9), T as the run
 * wants it, and over them what the script sets. They are what `configure` says, what a script sees
 * as variables, and what its times are multiples of. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { SETTING_WALL_ACK_TIMEOUT_MS = 200 };

/* Integers and booleans; the two words, aftermath and network, are no variables. */
static const struct {
    const char *name;
    int64_t value;
    bool boolean;
} settings_table[RUN_SETTING_COUNT] = {
    [RUN_SETTING_ACK_TIMEOUT] = {"ack_timeout_ms", RUN_ACK_TIMEOUT_MS, false},
    [RUN_SETTING_MAX_RETRY_COUNT] = {"max_retry_count", 3, false},
    [RUN_SETTING_OPEN_TIMEOUT] = {"open_timeout_ms", 10000, false},
    [RUN_SETTING_IDLE_TIMEOUT] = {"idle_timeout_ms", 0, false},
    [RUN_SETTING_ENQUIRE_LINK_INTERVAL] = {"enquire_link_interval_ms", 0, false},
    [RUN_SETTING_LINGER] = {"linger_ms", 0, false},
    [RUN_SETTING_MTU] = {"mtu", 1400, false},
    [RUN_SETTING_OTHERS] = {"max_window_size", 16, false},
    {"min_remote_idle_timeout_ms", 0, false},
    {"max_remote_idle_timeout_ms", 600000, false},
    {"max_sessions", 1024, false},
    {"attribute_limit", 30000, false},
    {"accept", 1, true},
    {"require_first_in_window_group", 1, true},
    {"unreliable_queue", 64, false},
    {"window_id_step", SIPC_WINDOW_ID_STEP, false},
    {"window_id_max", SIPC_WINDOW_ID_MAX, false},
    {"group_bytes_max", SIPC_GROUP_BYTES_MAX, false},
};

static int settings_find(const char *name)
{
    for (int i = 0; i < RUN_SETTING_COUNT; i++) {
        if (strcmp(settings_table[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *run_settings_name(int n)
{
    return settings_table[n].name;
}

bool run_settings_number(const struct run_env *env, const char *name, int64_t *out)
{
    int at = settings_find(name);
    if (at < 0) {
        return false;
    }
    *out = env->settings[at];
    return true;
}

bool run_settings_has(const struct sx_script *script, const char *name)
{
    for (size_t i = 0; i < script->setting_count; i++) {
        if (strcmp(script->settings[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What follows from others: linger (END-3), and the clamped mtu (SND-2a). */
static void settings_derive(struct runner *r)
{
    int64_t *values = r->env.settings;

    if (!run_settings_has(r->script, "linger_ms")) {
        int64_t tries, rounds;
        if (__builtin_add_overflow(values[RUN_SETTING_MAX_RETRY_COUNT], 1, &tries) ||
            __builtin_mul_overflow(tries, 2, &rounds) ||
            __builtin_mul_overflow(rounds, values[RUN_SETTING_ACK_TIMEOUT],
                                   &values[RUN_SETTING_LINGER])) {
            values[RUN_SETTING_LINGER] = INT64_MAX;
        }
    }
    if (values[RUN_SETTING_MTU] < SIPC_MTU_MIN) {
        values[RUN_SETTING_MTU] = SIPC_MTU_MIN;
    } else if (values[RUN_SETTING_MTU] > SIPC_MTU_MAX) {
        values[RUN_SETTING_MTU] = SIPC_MTU_MAX;
    }
}

void run_settings_set_ack_timeout(struct runner *r, int64_t ms)
{
    r->env.settings[RUN_SETTING_ACK_TIMEOUT] = ms;
    settings_derive(r);
}

static int64_t settings_ack_timeout_ms(const struct runner *r)
{
    bool wall = !r->clock.is_virtual;
    int64_t ms = RUN_ACK_TIMEOUT_MS;

    if (r->options->ack_timeout_ms > 0) {
        ms = r->options->ack_timeout_ms;
    } else if (wall && r->control) {
        ms = SETTING_WALL_ACK_TIMEOUT_MS;
    }
    ms = wall ? ms * r->clock.scale_percent / 100 : ms;
    /* On a machine that was found busy all margins are made longer, up to the rules' own T, for
     * which the other times of a case are made. */
    for (unsigned i = 0; wall && i < r->clock.doublings && ms < RUN_ACK_TIMEOUT_MS; i++) {
        ms = 2 * ms < RUN_ACK_TIMEOUT_MS ? 2 * ms : RUN_ACK_TIMEOUT_MS;
    }
    return ms > 0 ? ms : 1;
}

/* The word a setting has: written, or a parameter's. */
static const char *settings_word(struct runner *r, struct run_settings *settings,
                                 const struct sx_setting *setting)
{
    struct sipc_span word;

    if (setting->value == NULL) {
        return setting->word;
    }
    if (setting->value->op != SX_VAR || !run_env_text(&r->env, setting->value->name, &word)) {
        return NULL;
    }
    char *copy = run_printf("%.*s", (int)word.size, (const char *)word.data);
    settings->words = run_grow(settings->words, settings->word_count, &settings->word_capacity,
                               sizeof *settings->words);
    settings->words[settings->word_count++] = copy;
    return copy;
}

static struct conform_setting *settings_add(struct run_settings *settings, const char *name)
{
    settings->items =
        run_grow(settings->items, settings->count, &settings->capacity, sizeof *settings->items);
    struct conform_setting *item = &settings->items[settings->count++];
    *item = (struct conform_setting){.name = name};
    return item;
}

static bool settings_eval_one(struct runner *r, struct run_settings *settings,
                              const struct sx_setting *setting)
{
    char error[256];
    int at = settings_find(setting->name);
    const char *word = settings_word(r, settings, setting);
    int64_t value = 0;

    if (word != NULL && (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)) {
        value = strcmp(word, "true") == 0;
        word = NULL;
    } else if (word == NULL && !sx_eval(setting->value, &r->env.sx, &value, error, sizeof error)) {
        run_stop(r, CONFORM_ERROR, "line %d: set %s: %s", setting->line, setting->name, error);
        r->record->line = setting->line;
        return false;
    }
    if (at >= 0) {
        r->env.settings[at] = value;
    }
    if (strcmp(setting->name, "network") == 0) {
        settings->stream = word != NULL && strcmp(word, "stream") == 0;
        return true; /* prepare.c knows who is told */
    }
    struct conform_setting *item = settings_add(settings, setting->name);
    item->word = word;
    item->value = value;
    item->boolean = at >= 0 && settings_table[at].boolean;
    return true;
}

bool run_settings_eval(struct runner *r, struct run_settings *settings)
{
    for (size_t i = 0; i < RUN_SETTING_COUNT; i++) {
        r->env.settings[i] = settings_table[i].value;
    }
    run_settings_set_ack_timeout(r, settings_ack_timeout_ms(r));
    for (size_t i = 0; i < r->script->setting_count; i++) {
        if (!settings_eval_one(r, settings, &r->script->settings[i])) {
            return false;
        }
    }
    if (!run_settings_has(r->script, "ack_timeout_ms")) {
        settings_add(settings, "ack_timeout_ms")->value = r->env.settings[RUN_SETTING_ACK_TIMEOUT];
    }
    settings_derive(r);
    return true;
}

/* Only what the protocol fixes; all other settings are anybody's choice. */
char *run_settings_small_world(const struct run_env *env)
{
    static const char *const fixed[] = {"window_id_step", "window_id_max", "group_bytes_max"};
    struct run_text text;
    FILE *out = run_text_begin(&text);
    bool none = true;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        int at = settings_find(fixed[i]);
        if (env->settings[at] != settings_table[at].value) {
            fprintf(out, "%s%s=%" PRId64 " (%" PRId64 ")", none ? "" : ", ", fixed[i],
                    env->settings[at], settings_table[at].value);
            none = false;
        }
    }
    char *said = run_text_end(&text);
    if (none) {
        free(said);
        said = NULL;
    }
    return said;
}

void run_settings_add_network(struct run_settings *settings)
{
    settings_add(settings, "network")->word = settings->stream ? "stream" : "datagram";
}

void run_settings_clear(struct run_settings *settings)
{
    for (size_t i = 0; i < settings->word_count; i++) {
        free(settings->words[i]);
    }
    free(settings->words);
    free(settings->items);
    *settings = (struct run_settings){0};
}
