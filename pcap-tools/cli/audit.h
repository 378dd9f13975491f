/* Judges over a capture: private to the command.
 *
 * Each address is an endpoint with a judge of its own. What it is fed depends on where the capture
 * was made, as the packets' direction flags tell:
 *   no flags          somewhere between: each PDU leaves its source and may reach its destination
 *   outbound          at the source: it left it
 *   inbound           at the destination: it reached it
 * An endpoint at which the capture was made is fed only what was seen there; one that was not, by
 * what is seen at its peer. Which it is shows at the latest with the first PDU it sends; until then
 * what may reach it is held back.
 *
 * What an endpoint sent is seen whole and in order only where it was sent. Elsewhere PDUs of it may
 * be lost, late or there twice before they are captured: it is judged then by what a single PDU
 * shows (WIRE, OPT, ERR, sizes). */
#ifndef PCAPT_AUDIT_H
#define PCAPT_AUDIT_H

#include "conform/judge.h"
#include "pcap_cli.h"

enum { AUDIT_ENDPOINTS_MAX = 1024, AUDIT_HELD_MAX = 64 };

struct audit_finding {
    const struct judge_finding *finding;
    const struct pcapt_address *endpoint;
    uint64_t frame, at_ns; /* where it was seen */
};

struct audit;
/* `found` is called as findings are made. `config` is the judges'. */
struct audit *audit_new(const struct judge_config *config,
                        void (*found)(void *ctx, const struct audit_finding *finding), void *ctx);
void audit_free(struct audit *audit);
/* Only this endpoint (port 0: this host) is judged; of several, those. */
void audit_only(struct audit *audit, const struct pcapt_address *address);
/* The capture was made at this endpoint, or (port 0) host, whether flags say so or not. */
void audit_at(struct audit *audit, const struct pcapt_address *address);
void audit_item(struct audit *audit, const struct pcapt_item *item);
/* The capture is over: what is owed by then is missing. */
void audit_finish(struct audit *audit, uint64_t at_ns, uint64_t frame);

uint64_t audit_exercised(const struct audit *audit, enum sipc_rule rule);
bool audit_watches(const struct audit *audit, enum sipc_rule rule);
size_t audit_endpoints(const struct audit *audit);
/* Those at which the capture was made, as far as that is known. */
size_t audit_places(const struct audit *audit);
/* Findings beyond those a judge keeps; PDUs of endpoints there was no room for. */
uint64_t audit_untold(const struct audit *audit);
uint64_t audit_unjudged(const struct audit *audit);

#endif
