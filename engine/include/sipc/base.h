/* Types, limits, status and assertion shared by every public header of the engine.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_BASE_H
#define SIPC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Virtual nanoseconds since whatever zero the driver of the engine chose. Never goes back. */
typedef uint64_t sipc_time;
#define SIPC_NEVER      UINT64_MAX /* a deadline that does not exist */
#define SIPC_NS_PER_MS  UINT64_C(1000000)

/* Network address of a peer, as the driver names it. On stream networks: the connection. */
typedef uint64_t sipc_peer;

/* Borrowed bytes. `data` may be NULL only if `size` is 0. */
struct sipc_span {
    const uint8_t *data;
    size_t size;
};

enum sipc_limit {
    SIPC_SESSION_ID_SIZE = 32,
    SIPC_PDU_SIZE_MIN = 57,               /* WIRE-2 */
    SIPC_PDU_SIZE_MAX = 65500,            /* WIRE-2 */
    SIPC_MTU_MIN = 512,                   /* SND-2a */
    SIPC_MTU_MAX = SIPC_PDU_SIZE_MAX,     /* SND-2a */
    SIPC_GROUP_BYTES_MAX = 65500,         /* GRP-1 */
    SIPC_WINDOW_ID_STEP = 100,            /* WID-1, WID-3 */
};
#define SIPC_WINDOW_ID_MAX INT64_C(9000000000000000) /* WID-2: 9E15 */

/* What a call into the library came to. Never travels on the wire. */
enum sipc_status {
    SIPC_OK = 0,
    SIPC_E_INVALID,    /* an argument or setting makes no sense */
    SIPC_E_NO_SPACE,   /* the buffer or table given is too small or full */
    SIPC_E_UNKNOWN,    /* no such session, or no such token */
    SIPC_E_EXISTS,     /* the session is held already, or its id still lingers (END-3) */
    SIPC_E_BUSY,       /* a send operation or close is in progress (SND-1a) */
    SIPC_E_STATE,      /* not in this state of the session */
    SIPC_E_OPENING,    /* refused by the opening restrictions (OPN-2, FAF-2a) */
    SIPC_E_ATTRIBUTES, /* attributes over the limit or with a forbidden name (SND-3, SND-4) */
    SIPC_E_SIZE,       /* does not fit what the rule allows (FAF-3) */
    SIPC_E_NO_ID,      /* no window id below *top* for a fire-and-forget message (WID-11) */
    SIPC_E_PENDING,    /* actions wait: drain them with sipc_endpoint_next_action first */
};

#if defined(__GNUC__)
#define SIPC_MUST_USE __attribute__((warn_unused_result))
#define SIPC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define SIPC_MUST_USE
#define SIPC_PRINTF(fmt, args)
#endif

/* Called when an assertion fails; must not return. The library has a weak one that traps; a
 * driver may define its own, to print what it knows of the run. */
void sipc_panic(const char *file, int line, const char *expression);

/* On in every build. Means "proven": no byte of a peer and no setting can make it fail. */
#define SIPC_ASSERT(expression) \
    ((expression) ? (void)0 : sipc_panic(__FILE__, __LINE__, #expression))

#ifdef __cplusplus
}
#endif
#endif
