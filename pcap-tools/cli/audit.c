/* Feeds judges with a capture. See audit.h. */
#include "audit.h"

#include <string.h>

enum { AUDIT_BUCKETS = 4096 };

struct audit_held {
    uint64_t at_ns, peer;
    size_t size;
    uint8_t *bytes;
};
struct audit_endpoint {
    struct audit_endpoint *chain;
    struct pcapt_address address;
    uint64_t hash; /* of the address: what it is called as a peer */
    enum pcapt_transport transport;
    enum { AUDIT_UNKNOWN, AUDIT_LOCAL, AUDIT_REMOTE } place;
    bool trusted;                /* what it sent is seen whole and in order */
    struct judge *judge;         /* NULL: not judged */
    bool off[JUDGE_CHECK_COUNT]; /* the judge's */
    size_t told;
    struct audit_held held[AUDIT_HELD_MAX];
    size_t held_count;
    bool overflow;
};

struct audit {
    struct judge_config config;
    void (*found)(void *ctx, const struct audit_finding *finding);
    void *ctx;
    struct audit_endpoint *buckets[AUDIT_BUCKETS];
    struct audit_endpoint *all[AUDIT_ENDPOINTS_MAX];
    size_t count;
    struct pcapt_address only[PCAP_TEXTS_MAX], at[PCAP_TEXTS_MAX];
    size_t only_count, at_count;
    uint64_t unjudged;
    uint64_t frame, at_ns;
    struct audit_endpoint *last[2]; /* the source and destination looked for last, by place */
};

struct audit *audit_new(const struct judge_config *config,
                        void (*found)(void *ctx, const struct audit_finding *finding), void *ctx)
{
    struct audit *audit = calloc(1, sizeof *audit);
    SIPC_ASSERT(audit != NULL);
    audit->config = *config;
    audit->found = found;
    audit->ctx = ctx;
    return audit;
}

static void audit_drop_held(struct audit_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->held_count; i++)
        free(endpoint->held[i].bytes);
    endpoint->held_count = 0;
    endpoint->overflow = false;
}

void audit_free(struct audit *audit)
{
    for (size_t i = 0; i < audit->count; i++) {
        audit_drop_held(audit->all[i]);
        judge_free(audit->all[i]->judge);
        free(audit->all[i]);
    }
    free(audit);
}

void audit_only(struct audit *audit, const struct pcapt_address *address)
{
    if (audit->only_count < PCAP_TEXTS_MAX)
        audit->only[audit->only_count++] = *address;
}

void audit_at(struct audit *audit, const struct pcapt_address *address)
{
    if (audit->at_count < PCAP_TEXTS_MAX)
        audit->at[audit->at_count++] = *address;
}

/* ---- endpoints ---- */

/* Whether a single PDU shows that the rule is broken, whatever was before it. */
static bool audit_shows_alone(enum sipc_rule rule)
{
    const char *id = sipc_rule_info(rule)->id;
    return strncmp(id, "WIRE-", 5) == 0 || strncmp(id, "OPT-", 4) == 0 ||
           strncmp(id, "ERR-", 4) == 0 || rule == SIPC_RULE_SND_2 || rule == SIPC_RULE_SND_2a ||
           rule == SIPC_RULE_WID_2;
}

static void audit_trust(struct audit_endpoint *endpoint, bool trusted)
{
    endpoint->trusted = trusted;
    for (int check = 0; check < JUDGE_CHECK_COUNT; check++)
        endpoint->off[check] = !trusted && !audit_shows_alone(judge_check_info(check)->rule);
}

static void audit_is_local(struct audit_endpoint *endpoint)
{
    if (endpoint->place == AUDIT_LOCAL)
        return;
    endpoint->place = AUDIT_LOCAL;
    audit_trust(endpoint, true);
}

static uint64_t audit_hash(const struct pcapt_address *address)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), words[3] = {0};
    memcpy(words, address, sizeof *address);
    for (int i = 0; i < 3; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

static bool audit_among(const struct pcapt_address *list, size_t count,
                        const struct pcapt_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (pcap_address_fits(&list[i], address))
            return true;
    return false;
}

static struct audit_endpoint *audit_make(struct audit *audit, const struct pcapt_address *address,
                                         enum pcapt_transport transport)
{
    struct audit_endpoint *endpoint = calloc(1, sizeof *endpoint);
    struct judge_config config = audit->config;

    SIPC_ASSERT(endpoint != NULL);
    endpoint->address = *address;
    endpoint->hash = audit_hash(address);
    endpoint->transport = transport;
    config.stream = transport == PCAPT_OVER_TCP;
    audit_trust(endpoint, (audit->config.knows & JUDGE_NEEDS_ARRIVALS) != 0 ||
                              audit_among(audit->at, audit->at_count, address));
    config.off = endpoint->off;
    if (audit->only_count == 0 || audit_among(audit->only, audit->only_count, address)) {
        endpoint->judge = judge_new(&config);
        SIPC_ASSERT(endpoint->judge != NULL);
    }
    struct audit_endpoint **bucket = &audit->buckets[endpoint->hash % AUDIT_BUCKETS];
    endpoint->chain = *bucket;
    *bucket = endpoint;
    return audit->all[audit->count++] = endpoint;
}

static bool audit_is(const struct audit_endpoint *endpoint, const struct pcapt_address *address,
                     enum pcapt_transport transport)
{
    return endpoint->transport == transport &&
           memcmp(&endpoint->address, address, sizeof *address) == 0;
}

/* NULL: there is no room for another. Traffic goes to and fro: the last two are tried first. */
static struct audit_endpoint *audit_endpoint(struct audit *audit,
                                             const struct pcapt_address *address,
                                             enum pcapt_transport transport)
{
    for (int i = 0; i < 2; i++)
        if (audit->last[i] != NULL && audit_is(audit->last[i], address, transport))
            return audit->last[i];
    struct audit_endpoint *endpoint = audit->buckets[audit_hash(address) % AUDIT_BUCKETS];
    while (endpoint != NULL && !audit_is(endpoint, address, transport))
        endpoint = endpoint->chain;
    if (endpoint == NULL && audit->count < AUDIT_ENDPOINTS_MAX)
        endpoint = audit_make(audit, address, transport);
    audit->last[1] = audit->last[0];
    audit->last[0] = endpoint;
    return endpoint;
}

/* ---- feeding ---- */

static void audit_tell(struct audit *audit, struct audit_endpoint *endpoint)
{
    const struct judge_finding *finding;

    while ((finding = judge_finding(endpoint->judge, endpoint->told)) != NULL) {
        endpoint->told++;
        audit->found(audit->ctx, &(struct audit_finding){finding, &endpoint->address, audit->frame,
                                                         audit->at_ns});
    }
}

static void audit_feed(struct audit *audit, struct audit_endpoint *endpoint,
                       enum judge_event_kind kind, uint64_t at_ns, uint64_t peer,
                       struct sipc_span pdu)
{
    if (endpoint->judge == NULL)
        return;
    judge_feed(endpoint->judge,
               &(struct judge_event){.kind = kind, .at_ns = at_ns, .peer = peer, .pdu = pdu});
    if (judge_finding_count(endpoint->judge) != endpoint->told)
        audit_tell(audit, endpoint);
}

static void audit_hold(struct audit_endpoint *endpoint, const struct pcapt_item *item,
                       uint64_t peer)
{
    if (endpoint->judge == NULL)
        return;
    if (endpoint->held_count == AUDIT_HELD_MAX) {
        audit_drop_held(endpoint);
        endpoint->overflow = true;
    }
    struct audit_held *held = &endpoint->held[endpoint->held_count++];
    *held = (struct audit_held){item->at_ns, peer, item->bytes.size, malloc(item->bytes.size + 1)};
    SIPC_ASSERT(held->bytes != NULL);
    memcpy(held->bytes, item->bytes.data, item->bytes.size);
}

/* It is known not to be where the capture was made: what its peer sent may have reached it. */
static void audit_release(struct audit *audit, struct audit_endpoint *endpoint)
{
    endpoint->place = AUDIT_REMOTE;
    if (endpoint->overflow)
        audit_feed(audit, endpoint, JUDGE_GAP, 0, 0, (struct sipc_span){0});
    for (size_t i = 0; i < endpoint->held_count; i++)
        audit_feed(audit, endpoint, JUDGE_RX, endpoint->held[i].at_ns, endpoint->held[i].peer,
                   (struct sipc_span){endpoint->held[i].bytes, endpoint->held[i].size});
    audit_drop_held(endpoint);
}

static void audit_pdu(struct audit *audit, const struct pcapt_item *item,
                      struct audit_endpoint *source, struct audit_endpoint *destination)
{
    const uint64_t from = source->hash, to = destination->hash;
    const bool out = item->direction == PCAPT_OUTBOUND, in = item->direction == PCAPT_INBOUND;

    if (out)
        audit_is_local(source);
    if (in) {
        audit_is_local(destination);
        audit_drop_held(destination);
        if (source->place != AUDIT_LOCAL)
            audit_release(audit, source);
    }
    if (!in || source->place == AUDIT_REMOTE)
        audit_feed(audit, source, JUDGE_TX, item->at_ns, to, item->bytes);
    if (!out || destination->place == AUDIT_REMOTE)
        audit_feed(audit, destination, JUDGE_RX, item->at_ns, from, item->bytes);
    else if (destination->place == AUDIT_UNKNOWN)
        audit_hold(destination, item, from);
}

void audit_item(struct audit *audit, const struct pcapt_item *item)
{
    if (item->copy_of != 0 || item->dropped)
        return;
    audit->frame = item->frame;
    audit->at_ns = item->at_ns;
    struct audit_endpoint *source = audit_endpoint(audit, &item->flow.source, item->flow.transport);
    struct audit_endpoint *destination =
        audit_endpoint(audit, &item->flow.destination, item->flow.transport);
    if (source == NULL || destination == NULL) {
        audit->unjudged++;
        return;
    }
    const bool spoiled = item->corrupted && item->direction != PCAPT_OUTBOUND;
    if (item->kind == PCAPT_ITEM_PDU && item->bytes.size == item->wire_size && !spoiled) {
        audit_pdu(audit, item, source, destination);
        return;
    }
    /* something went by that nobody can read any more */
    audit_feed(audit, source, JUDGE_GAP, item->at_ns, 0, (struct sipc_span){0});
    audit_feed(audit, destination, JUDGE_GAP, item->at_ns, 0, (struct sipc_span){0});
}

void audit_finish(struct audit *audit, uint64_t at_ns, uint64_t frame)
{
    audit->at_ns = at_ns;
    audit->frame = frame;
    for (size_t i = 0; i < audit->count; i++)
        audit_feed(audit, audit->all[i], JUDGE_TIME, at_ns, 0, (struct sipc_span){0});
}

/* ---- sums ---- */

static bool audit_looks(const struct audit_endpoint *endpoint, enum sipc_rule rule)
{
    return endpoint->judge != NULL && (endpoint->trusted || audit_shows_alone(rule));
}

uint64_t audit_exercised(const struct audit *audit, enum sipc_rule rule)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < audit->count; i++)
        if (audit_looks(audit->all[i], rule))
            sum += judge_exercised(audit->all[i]->judge, rule);
    return sum;
}

bool audit_watches(const struct audit *audit, enum sipc_rule rule)
{
    for (size_t i = 0; i < audit->count; i++)
        if (audit_looks(audit->all[i], rule) && judge_watches(audit->all[i]->judge, rule))
            return true;
    return false;
}

size_t audit_endpoints(const struct audit *audit)
{
    size_t judged = 0;
    for (size_t i = 0; i < audit->count; i++)
        judged += audit->all[i]->judge != NULL;
    return judged;
}

size_t audit_places(const struct audit *audit)
{
    size_t places = 0;
    for (size_t i = 0; i < audit->count; i++)
        places += audit->all[i]->judge != NULL && audit->all[i]->trusted;
    return places;
}

uint64_t audit_untold(const struct audit *audit)
{
    uint64_t untold = 0;
    for (size_t i = 0; i < audit->count; i++)
        if (audit->all[i]->judge != NULL)
            untold += judge_finding_count(audit->all[i]->judge) - audit->all[i]->told;
    return untold;
}

uint64_t audit_unjudged(const struct audit *audit)
{
    return audit->unjudged;
}
