/* The settings of `configure` as the engine's configuration; see engine_settings.h.
 * SPDX-License-Identifier: MIT */
#include "engine_settings.h"

#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

enum settings_kind {
    SETTINGS_COUNT,    /* uint32_t */
    SETTINGS_CLAMPED,  /* uint32_t; numbers beyond it are brought to the nearer end */
    SETTINGS_DURATION, /* sipc_time, given in ms */
    SETTINGS_IDLE,     /* int64_t ns, given in ms, any sign */
    SETTINGS_NUMBER,   /* int64_t */
    SETTINGS_BOOL,
};

static const struct settings_row {
    const char *name;
    enum settings_kind kind;
    size_t offset;
} settings_rows[] = {
#define ROW(name, kind, field)                                                                     \
    {                                                                                              \
        name, kind, offsetof(struct sipc_config, field)                                            \
    }
    ROW("mtu", SETTINGS_CLAMPED, mtu),
    ROW("max_window_size", SETTINGS_COUNT, max_window_size),
    ROW("ack_timeout_ms", SETTINGS_DURATION, ack_timeout_ns),
    ROW("max_retry_count", SETTINGS_COUNT, max_retry_count),
    ROW("open_timeout_ms", SETTINGS_DURATION, open_timeout_ns),
    ROW("idle_timeout_ms", SETTINGS_IDLE, idle_timeout_ns),
    ROW("min_remote_idle_timeout_ms", SETTINGS_IDLE, min_remote_idle_timeout_ns),
    ROW("max_remote_idle_timeout_ms", SETTINGS_IDLE, max_remote_idle_timeout_ns),
    ROW("enquire_link_interval_ms", SETTINGS_DURATION, enquire_link_interval_ns),
    ROW("linger_ms", SETTINGS_DURATION, linger_ns),
    ROW("attribute_limit", SETTINGS_COUNT, attribute_limit),
    ROW("max_sessions", SETTINGS_COUNT, max_sessions),
    ROW("unreliable_queue", SETTINGS_COUNT, unreliable_queue),
    ROW("accept", SETTINGS_BOOL, accept),
    ROW("require_first_in_window_group", SETTINGS_BOOL, require_first_in_window_group),
    ROW("window_id_step", SETTINGS_NUMBER, window_id_step),
    ROW("window_id_max", SETTINGS_NUMBER, window_id_max),
    ROW("group_bytes_max", SETTINGS_COUNT, group_bytes_max),
#undef ROW
};

int64_t conform__ms_to_ns(int64_t ms)
{
    const int64_t max = CONFORM__INTEGER_MAX;
    const int64_t ns_per_ms = SIPC_NS_PER_MS;
    if (ms > max / ns_per_ms) {
        return max;
    }
    return ms < -max / ns_per_ms ? -max : ms * ns_per_ms;
}

void conform__engine_settings_default(struct conform__engine_settings *settings, bool stream)
{
    sipc_config_default(&settings->config);
    settings->config.stream = stream;
    settings->manual = false;
}

/* Writes the value where the row says; false if that field cannot hold it. */
static bool settings_store(const struct settings_row *row, const struct conform_setting *setting,
                           struct sipc_config *config)
{
    void *field = (char *)config + row->offset;
    int64_t value = setting->value;
    if (setting->word || (setting->boolean && row->kind != SETTINGS_BOOL)) {
        return false;
    }
    switch (row->kind) {
    case SETTINGS_CLAMPED:
        value = value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : value;
        *(uint32_t *)field = (uint32_t)value;
        return true;
    case SETTINGS_COUNT:
        *(uint32_t *)field = (uint32_t)value;
        return value >= 0 && value <= UINT32_MAX;
    case SETTINGS_DURATION:
        *(sipc_time *)field = (sipc_time)conform__ms_to_ns(value);
        return value >= 0;
    case SETTINGS_IDLE:
        *(int64_t *)field = conform__ms_to_ns(value);
        return true;
    case SETTINGS_NUMBER:
        *(int64_t *)field = value;
        return true;
    case SETTINGS_BOOL:
        *(bool *)field = value != 0; /* 0 and 1 are booleans too: the C ABI has no others */
        return value == 0 || value == 1;
    }
    return false;
}

static const struct settings_row *settings_find(const char *name)
{
    for (size_t i = 0; i < sizeof settings_rows / sizeof *settings_rows; i++) {
        if (strcmp(settings_rows[i].name, name) == 0) {
            return &settings_rows[i];
        }
    }
    return NULL;
}

/* The two settings that are words. */
static bool settings_apply_word(const struct conform_setting *setting, bool wall_clock,
                                struct conform__engine_settings *settings)
{
    const char *word = setting->word ? setting->word : "";
    if (strcmp(setting->name, "aftermath") == 0) {
        bool manual = strcmp(word, "manual") == 0;
        if ((!manual && strcmp(word, "auto") != 0) || (manual && wall_clock)) {
            return false;
        }
        settings->manual = manual;
        return true;
    }
    if (strcmp(setting->name, "network") == 0) {
        bool stream = strcmp(word, "stream") == 0;
        if ((!stream && strcmp(word, "datagram") != 0) ||
            (wall_clock && stream != settings->config.stream)) {
            return false;
        }
        settings->config.stream = stream;
        return true;
    }
    return false;
}

static bool settings_apply_one(const struct conform_setting *setting, bool wall_clock,
                               struct conform__engine_settings *settings)
{
    const struct settings_row *row = settings_find(setting->name);
    if (!row) {
        return settings_apply_word(setting, wall_clock, settings);
    }
    struct sipc_config changed = settings->config;
    if (!settings_store(row, setting, &changed)) {
        return false;
    }
    settings->config = changed;
    return true;
}

void conform__engine_settings_apply(struct conform__engine_settings *settings,
                                    const struct conform_request *request, bool wall_clock,
                                    struct conform_response *response)
{
    size_t count = request->setting_count;
    bool *taken = conform__alloc(count * sizeof *taken);
    bool stream = settings->config.stream;
    for (size_t i = 0; i < count; i++) {
        taken[i] = settings_apply_one(&request->settings[i], wall_clock, settings);
    }
    /* What contradicts is found in the whole; what is named goes, with what the name leaves open.
     */
    struct sipc_config checked = settings->config;
    const char *field;
    while (sipc_config_check(&checked, &field) != SIPC_OK) {
        bool found = false;
        for (size_t i = 0; i < count; i++) {
            if (taken[i] && strncmp(request->settings[i].name, field, strlen(field)) == 0) {
                taken[i] = false;
                found = true;
            }
        }
        for (size_t i = 0; i < count && !found; i++) {
            const struct settings_row *row = settings_find(request->settings[i].name);
            taken[i] = taken[i] && !row; /* a default contradicts one of these numbers */
        }
        conform__engine_settings_default(settings, stream);
        for (size_t i = 0; i < count; i++) {
            if (taken[i]) {
                settings_apply_one(&request->settings[i], wall_clock, settings);
            }
        }
        checked = settings->config;
    }
    response->refused = conform__alloc(count * sizeof *response->refused);
    for (size_t i = 0; i < count; i++) {
        if (!taken[i]) {
            response->refused[response->refused_count++] =
                conform__strdup(request->settings[i].name);
        }
    }
    free(taken);
}
