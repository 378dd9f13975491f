/* Which PDUs are wanted. */
#include <string.h>

#include "pcap_cli.h"

void pcap_filter_init(struct pcap_filter *filter)
{
    *filter = (struct pcap_filter){.until_ns = UINT64_MAX};
}

bool pcap_address_fits(const struct pcapt_address *wanted, const struct pcapt_address *address)
{
    return wanted->family == address->family &&
           memcmp(wanted->bytes, address->bytes, sizeof wanted->bytes) == 0 &&
           (wanted->port == 0 || wanted->port == address->port);
}

static bool filter_session(const struct pcap_filter *filter, const struct pcapt_item *item)
{
    char text[PCAP_ID_TEXT];

    if (item->pdu.session_id == NULL)
        return false;
    pcap_id_text(item->pdu.session_id, SIPC_SESSION_ID_SIZE, text);
    for (size_t i = 0; i < filter->session_count; i++)
        if (strncmp(text, filter->sessions[i], strlen(filter->sessions[i])) == 0)
            return true;
    return false;
}

static bool filter_in(const struct pcap_range *range, int64_t value)
{
    return !range->set || (value >= range->min && value <= range->max);
}

/* Whether the option goes by this name: the wire's or the rules'. */
static bool filter_named(const struct sipc_option *option, const char *name, size_t size)
{
    const char *spec = option->id != 0 ? sipc_option_spec_name(option->id) : NULL;
    return (option->name.size == size && memcmp(option->name.data, name, size) == 0) ||
           (spec != NULL && strlen(spec) == size && memcmp(spec, name, size) == 0);
}

static bool filter_value(const struct sipc_option *option, const char *value)
{
    bool expected, found;
    const struct sipc_span span = {(const uint8_t *)value, strlen(value)};

    if (sipc_option_parse_bool(span, &expected) && sipc_option_parse_bool(option->value, &found))
        return expected == found;
    return option->value.size == span.size && memcmp(option->value.data, value, span.size) == 0;
}

static bool filter_option(const struct sipc_pdu *pdu, const char *wanted)
{
    const size_t name = strcspn(wanted, "=");
    struct sipc_span rest = pdu->options;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option))
        if (filter_named(&option, wanted, name) &&
            (wanted[name] == '\0' || filter_value(&option, wanted + name + 1)))
            return true;
    return false;
}

static bool filter_fields(const struct pcap_filter *filter, const struct pcapt_item *item)
{
    const bool any = filter->session_count > 0 || filter->window_id.set || filter->seq_nr.set ||
                     filter->opcodes != 0 || filter->option_count > 0;
    const struct sipc_pdu *pdu = &item->pdu;

    if (!any)
        return true;
    if (item->kind != PCAPT_ITEM_PDU || pdu->session_id == NULL)
        return false;
    if ((filter->session_count > 0 && !filter_session(filter, item)) ||
        !filter_in(&filter->window_id, pdu->window_id) || !filter_in(&filter->seq_nr, pdu->seq_nr))
        return false;
    if (filter->opcodes != 0 && (pdu->opcode > 7 || (filter->opcodes >> pdu->opcode & 1) == 0))
        return false;
    if (filter->option_count > 0 && !pcapt_item_is_pdu(item))
        return false;
    for (size_t i = 0; i < filter->option_count; i++)
        if (!filter_option(pdu, filter->options[i]))
            return false;
    return true;
}

bool pcap_filter_fits(const struct pcap_filter *filter, const struct pcapt_item *item,
                      uint64_t first_ns)
{
    const struct pcapt_flow *flow = &item->flow;
    const uint64_t at_ns = item->at_ns > first_ns ? item->at_ns - first_ns : 0;

    return at_ns >= filter->since_ns && at_ns <= filter->until_ns &&
           !(filter->no_copies && item->copy_of != 0) &&
           !(filter->has_direction && filter->direction != item->direction) &&
           !(filter->has_from && !pcap_address_fits(&filter->from, &flow->source)) &&
           !(filter->has_to && !pcap_address_fits(&filter->to, &flow->destination)) &&
           !(filter->has_with && !pcap_address_fits(&filter->with, &flow->source) &&
             !pcap_address_fits(&filter->with, &flow->destination)) &&
           filter_fields(filter, item);
}
