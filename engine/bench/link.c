/* Two rings with delay and loss: see link.h. */
#include "link.h"

#include <stdlib.h>

bool link_init(struct link *link, size_t ring_bytes, uint32_t loss_percent)
{
    *link = (struct link){.random = UINT64_C(0x5195ca1ab1e)};
    link->loss_threshold = UINT64_MAX / 100 * loss_percent;
    for (int side = 0; side < 2; side++) {
        link->to[side].capacity = ring_bytes;
        link->to[side].bytes = calloc(1, ring_bytes + LINK_ENTRY_MAX);
    }
    return link->to[0].bytes != NULL && link->to[1].bytes != NULL;
}

void bench_link_fini(struct link *link)
{
    free(link->to[0].bytes);
    free(link->to[1].bytes);
}
