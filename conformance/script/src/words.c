/* The vocabulary of .sx: every fixed word the parser knows and the printer writes, once.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

const char *const sx__opcode_words[] = {"data",         "data_ack",         "close", "close_ack",
                                        "enquire_link", "enquire_link_ack", NULL};
const char *const sx__role_words[] = {"receiver", "sender", "endpoint", NULL};
const char *const sx__state_words[] = {"opening",           "opened",   "closing",
                                       "awaiting_disposal", "disposed", NULL};
const char *const sx__outcome_words[] = {"ok",      "timeout",  "peer_error", "network_error",
                                         "refused", "not_sent", "closed",     NULL};
const char *const sx__time_unit_words[] = {"ack_timeout",           "open_timeout", "idle_timeout",
                                           "enquire_link_interval", "linger",       NULL};
const char *const sx__compare_words[] = {"==", "!=", "<", "<=", ">", ">=", NULL};
const char *const sx__tamper_words[] = {"length", "prefix", "truncate", "append", "byte", NULL};

/* Those of SUT contract 1, and the networks. */
const char *const sx__capability_words[] = {"send",         "send_unreliable",
                                            "close",        "force_close",
                                            "dispose",      "shutdown",
                                            "attributes",   "skip",
                                            "aftermath",    "state",
                                            "preset",       "enquire_link",
                                            "idle_timeout", "linger",
                                            "endpoint",     "datagram",
                                            "stream",       NULL};

const struct sx__option_word sx__option_words[] = {
    {"first_in_window_group", SIPC_OPT_FIRST_IN_WINDOW_GROUP, SX__BOOLEAN},
    {"last_in_window", SIPC_OPT_LAST_IN_WINDOW, SX__BOOLEAN},
    {"last_in_window_group", SIPC_OPT_LAST_IN_WINDOW_GROUP, SX__BOOLEAN},
    {"skip", SIPC_OPT_SKIP, SX__BOOLEAN},
    {"is_window_full", SIPC_OPT_IS_WINDOW_FULL, SX__BOOLEAN},
    {"max_window_size", SIPC_OPT_MAX_WINDOW_SIZE, SX__INTEGER},
    {"error_code", SIPC_OPT_ERROR_CODE, SX__INTEGER},
    {"abort_code", SIPC_OPT_ABORT_CODE, SX__INTEGER},
    {"idle_timeout", SIPC_OPT_IDLE_TIMEOUT, SX__INTEGER},
    {"trace_id", SIPC_OPT_TRACE_ID, SX__TEXT},
    {NULL, 0, SX__TEXT},
};

static const char *const aftermath_words[] = {"auto", "manual", NULL};
static const char *const network_words[] = {"datagram", "stream", NULL};
static const char *const boolean_words[] = {"false", "true", NULL};

const struct sx__setting_word sx__setting_words[] = {
    {"mtu", SX__INTEGER, NULL, NULL, false},
    {"max_window_size", SX__INTEGER, NULL, NULL, false},
    {"ack_timeout_ms", SX__INTEGER, NULL, NULL, false},
    {"max_retry_count", SX__INTEGER, NULL, NULL, false},
    {"open_timeout_ms", SX__INTEGER, NULL, NULL, false},
    {"idle_timeout_ms", SX__INTEGER, NULL, "idle_timeout", true},
    {"min_remote_idle_timeout_ms", SX__INTEGER, NULL, "idle_timeout", false},
    {"max_remote_idle_timeout_ms", SX__INTEGER, NULL, "idle_timeout", false},
    {"enquire_link_interval_ms", SX__INTEGER, NULL, "enquire_link", true},
    {"linger_ms", SX__INTEGER, NULL, "linger", false},
    {"max_sessions", SX__INTEGER, NULL, "endpoint", false},
    {"attribute_limit", SX__INTEGER, NULL, "attributes", false},
    {"accept", SX__BOOLEAN, boolean_words, "endpoint", false},
    {"require_first_in_window_group", SX__BOOLEAN, boolean_words, NULL, false},
    {"unreliable_queue", SX__INTEGER, NULL, "send_unreliable", false},
    {"aftermath", SX__WORD, aftermath_words, NULL, false}, /* manual: implied where it is parsed */
    {"network", SX__WORD, network_words, NULL, false},     /* implies the network named */
    {"window_id_step", SX__INTEGER, NULL, NULL, false},
    {"window_id_max", SX__INTEGER, NULL, NULL, false},
    {"group_bytes_max", SX__INTEGER, NULL, NULL, false},
    {NULL, SX__INTEGER, NULL, NULL, false},
};

const char *sx__option_word(uint32_t id)
{
    for (const struct sx__option_word *option = sx__option_words; option->word != NULL; option++) {
        if (option->id == id) {
            return option->word;
        }
    }
    return "";
}

const struct sx__setting_word *sx__setting_find(const char *name)
{
    for (const struct sx__setting_word *row = sx__setting_words; row->word != NULL; row++) {
        if (strcmp(row->word, name) == 0) {
            return row;
        }
    }
    return NULL;
}

int sx__word_index(const char *const *list, const char *word)
{
    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], word) == 0) {
            return i;
        }
    }
    return -1;
}
