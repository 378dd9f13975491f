/* How a message is cut: into window groups, and each group into PDUs (SND-2, SND-3, GRP-2).
 *
 * Every PDU keeps room for the framing options it may turn out to need: last_in_window on each, as
 * the peer's window may end anywhere, first_in_window_group on the first, last_in_window_group on
 * the last. So where a PDU begins follows from its index alone, however the windows fall, and a
 * retry sends the same bytes. The attributes come first, whole options as they fit, then the data:
 *
 *     PDU 0 .. option_last         attributes, then first_room bytes of data in the last of them
 *     option_last + 1 ..           room bytes of data each
 *     pdu_count - 1                the rest, from tail_start
 *
 * Pure functions. */
#include "state.h"

/* What a PDU costs beside options and data of the message. */
static uint32_t plan_overhead(bool skip)
{
    return SIPC_PDU_SIZE_MIN + FRAMING_OPTION_SIZE + (skip ? FRAMING_OPTION_SIZE : 0);
}

/* Bytes for attributes and data in PDU `index` where it is not the group's last. */
static uint32_t plan_room(const struct sipc_config *config, bool skip, uint32_t index)
{
    return config->mtu - plan_overhead(skip) - (index == 0 ? FRAMING_OPTION_SIZE : 0);
}

uint32_t sipc__plan_option_size_max(const struct sipc_config *config)
{
    return config->mtu - plan_overhead(true) - 2 * FRAMING_OPTION_SIZE;
}

/* The whole options from `start` on that fit `room`. */
static uint32_t plan_options_fit(struct sipc_span options, uint32_t start, uint32_t room)
{
    const size_t left = options.size - start;
    struct sipc_span rest;
    struct sipc_option option;
    uint32_t fit = 0;

    if (left <= room)
        return (uint32_t)left;
    rest = (struct sipc_span){options.data + start, left};
    for (;;) { /* ends before the options do, as they do not all fit */
        uint32_t end;
        SIPC_ASSERT(sipc_option_next(&rest, &option));
        end = (uint32_t)(left - rest.size);
        if (end > room)
            return fit;
        fit = end;
    }
}

/* The range of options that PDU `index` carries, one up to which they reach. */
static void plan_options(const struct sipc_config *config, struct sipc_span options, bool skip,
                         uint32_t index, uint32_t *start, uint32_t *size)
{
    *start = 0;
    for (uint32_t i = 0;; i++) {
        *size = plan_options_fit(options, *start, plan_room(config, skip, i));
        if (i == index)
            break;
        *start += *size;
    }
}

/* Where the data of the last PDU begins, in bytes of the group's data. */
static uint32_t plan_tail_start(const struct plan *plan, bool padded)
{
    uint32_t start;

    if (padded)
        return plan->data_size;
    if (plan->pdu_count - 1 == plan->option_last)
        return 0;
    start = plan->first_room + (plan->pdu_count - 2 - plan->option_last) * plan->room;
    if (start >= plan->data_size) /* no PDU goes empty where one byte can be moved into it */
        start = plan->data_size > 0 ? plan->data_size - 1 : 0;
    return start;
}

bool sipc__plan_group(const struct sipc_config *config, struct sipc_span options, uint64_t offset,
                      uint64_t message_size, bool skip, bool two_windows, struct plan *plan)
{
    const uint32_t overhead = plan_overhead(skip);
    const uint64_t left = message_size - offset;
    uint32_t start = 0, size = 0;
    int64_t fits, fixed, budget;
    bool padded = false;

    memset(plan, 0, sizeof *plan);
    plan->data_offset = offset;
    plan->room = plan_room(config, skip, 1);
    for (;; plan->option_last++) { /* the PDU where the options end */
        size = plan_options_fit(options, start, plan_room(config, skip, plan->option_last));
        start += size;
        if (start == options.size)
            break;
    }
    plan->first_room = plan_room(config, skip, plan->option_last) - size;
    plan->pdu_count = plan->option_last + 1;
    fits = (int64_t)plan->first_room - FRAMING_OPTION_SIZE;
    /* SIPC_RULE_GRP_2, SIPC_RULE_GRP_2a: bytes that are there before any data. */
    fixed = (int64_t)options.size + 2 * FRAMING_OPTION_SIZE;
    budget = (int64_t)config->group_bytes_max - fixed - (int64_t)plan->pdu_count * overhead;
    while (fits < 0 || ((uint64_t)fits < left && budget - overhead > fits)) {
        fits += plan->room;
        budget -= overhead;
        plan->pdu_count++;
    }
    if (two_windows && plan->pdu_count == 1) { /* SIPC_RULE_OPN_3a: an empty PDU is added */
        plan->pdu_count = 2;
        budget -= overhead;
        padded = true;
    }
    if (budget < fits)
        fits = budget;
    if (fits < 0 || (fits == 0 && left > 0))
        return false; /* SIPC_RULE_SND_3 */
    plan->data_size = (uint64_t)fits < left ? (uint32_t)fits : (uint32_t)left;
    plan->tail_start = plan_tail_start(plan, padded);
    return true;
}

struct plan_pdu sipc__plan_pdu(const struct sipc_config *config, struct sipc_span options,
                               const struct plan *plan, bool skip, uint32_t index)
{
    struct plan_pdu pdu = {0, 0, 0, 0};
    uint32_t end = plan->tail_start;

    if (index <= plan->option_last && options.size > 0)
        plan_options(config, options, skip, index, &pdu.option_start, &pdu.option_size);
    if (index > plan->option_last)
        pdu.data_start = plan->first_room + (index - plan->option_last - 1) * plan->room;
    if (index + 1 == plan->pdu_count) {
        pdu.data_start = plan->tail_start;
        end = plan->data_size;
    } else if (index < plan->option_last) {
        end = 0;
    } else if (plan->first_room + (index - plan->option_last) * plan->room < end) {
        end = plan->first_room + (index - plan->option_last) * plan->room;
    }
    pdu.data_size = end - pdu.data_start;
    return pdu;
}
