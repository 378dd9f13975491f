/* Attributes of a message as options, ready to be sent (SND-3, SND-4, OPT-7). */
#include "state.h"

/* Names the application may not use: framing ones and pieces (SND-4). s_03 stands for skip. */
static bool attribute_is_forbidden(uint32_t id)
{
    const uint32_t forbidden =
        (SIPC_OPT_FRAMING & ~(uint32_t)SIPC_OPT_SKIP) | SIPC_OPT_LONG_ATTRIBUTE;
    return (id & forbidden) != 0;
}

/* A known option must have a value that the peer does not discard (OPT-4). */
static bool attribute_check_known(const struct sipc_attribute *a, uint32_t id)
{
    int32_t number;
    bool flag;

    if (attribute_is_forbidden(id))
        return false; /* SIPC_RULE_SND_4 */
    if (id == SIPC_OPT_IDLE_TIMEOUT)
        return sipc_option_parse_int(a->value, &number);
    return id != SIPC_OPT_SKIP || sipc_option_parse_bool(a->value, &flag);
}

bool sipc__attributes_skip(const struct sipc_message *message)
{
    bool skip = message->skip;

    for (size_t i = 0; i < message->attribute_count && !skip; i++)
        if (sipc_option_find(message->attributes[i].name) == SIPC_OPT_SKIP)
            (void)sipc_option_parse_bool(message->attributes[i].value, &skip);
    return skip;
}

enum sipc_status sipc__attributes_encode(const struct sipc_config *config,
                                         const struct sipc_message *message, uint8_t *out,
                                         size_t size, uint32_t *used)
{
    size_t option_size_max = sipc__plan_option_size_max(config);
    enum sipc_status status = SIPC_OK;
    uint32_t long_count = 0;
    size_t filled = 0;

    for (size_t i = 0; i < message->attribute_count && status == SIPC_OK; i++) {
        const struct sipc_attribute *a = &message->attributes[i];
        uint32_t id = sipc_option_find(a->name);
        if (!attribute_check_known(a, id))
            status = SIPC_E_ATTRIBUTES;
        else if (id == SIPC_OPT_SKIP)
            continue; /* framed on every PDU (OPN-4a) */
        else if (sipc_option_size(a->name, a->value) <= option_size_max)
            status = sipc_option_encode(a->name, a->value, out, size, &filled);
        else
            status = sipc_long_attribute_encode(a->name, a->value, long_count++, option_size_max,
                                                out, size, &filled);
    }
    *used = (uint32_t)filled;
    if (status == SIPC_OK)
        return SIPC_OK;
    memset(out, 0, filled);
    *used = 0;
    return status == SIPC_E_NO_SPACE ? SIPC_E_NO_SPACE : SIPC_E_ATTRIBUTES;
}
