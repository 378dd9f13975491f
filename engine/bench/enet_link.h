/* Where ENet's sockets lead: the link of one world at a time.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_ENET_LINK_H
#define BENCH_ENET_LINK_H

#include <enet/enet.h>

#include "world.h"

/* From now on socket number 0 is the sender's end of this world's link, number 1 the receiver's, in
 * the order in which hosts are made. NULL ends that. */
void enet_link_use(struct bench_world *world);
/* Whether ENet has called these sockets at all; false where the library binds its own. */
bool enet_link_used(void);
/* The intercept callback every host needs: ENet reads the datagram where it lies in the ring. */
int enet_link_intercept(ENetHost *host, ENetEvent *event);
/* Done with the datagram last received. */
void enet_link_release(void);

#endif
