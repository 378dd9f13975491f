/* What a session costs in memory: the block's size as its settings vary, and the pages that are
 * really used once sessions are open but idle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"
#include "sipc/session.h"

/* A power of two, so that the table of sessions is as full as its size allows. */
enum { MEMORY_SESSIONS = 16384 };

static double memory_by_session(const struct sipc_config *config)
{
    struct sipc_config many = *config;

    many.max_sessions = MEMORY_SESSIONS;
    return (double)sipc_endpoint_size(&many) / MEMORY_SESSIONS;
}

/* Pages of the block that are in memory, in bytes. */
static double memory_resident(void *block, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page;
    unsigned char *present = malloc(pages);
    size_t count = 0;

    if (present == NULL || mincore(block, size, present) != 0)
        pages = 0;
    for (size_t i = 0; i < pages; i++)
        count += present[i] & 1u;
    free(present);
    return (double)(count * page);
}

static bool memory_open_sessions(struct sipc_endpoint *ep)
{
    struct sipc_action action;
    sipc_session session;

    for (uint32_t i = 0; i < MEMORY_SESSIONS; i++) {
        uint8_t id[SIPC_SESSION_ID_SIZE] = {0};
        memcpy(id, &i, sizeof i);
        if (sipc_session_open(ep, 0, 1, id, INT64_MIN, &session) != SIPC_OK)
            return false;
        while (sipc_endpoint_next_action(ep, &action))
            continue;
    }
    return true;
}

static bool memory_measure_idle(double *bytes)
{
    struct sipc_config config;
    struct sipc_endpoint *ep;
    size_t size;
    void *block;
    bool good;

    sipc_config_default(&config);
    config.max_sessions = MEMORY_SESSIONS;
    size = sipc_endpoint_size(&config);
    block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (block == MAP_FAILED)
        return false;
    madvise(block, size, MADV_NOHUGEPAGE); /* or the pages counted are of two megabytes */
    good = sipc_endpoint_init(block, size, &config, 0, &ep) == SIPC_OK && memory_open_sessions(ep);
    *bytes = memory_resident(block, size) / MEMORY_SESSIONS;
    munmap(block, size);
    return good;
}

bool bench_measure_memory(struct bench_memory *memory)
{
    struct sipc_config least, more;
    double base;

    sipc_config_default(&least);
    memory->session_default = memory_by_session(&least);
    least.max_window_size = 1;
    least.group_bytes_max = 128;
    least.attribute_limit = 0;
    least.unreliable_queue = 0;
    base = memory_by_session(&least);
    more = least;
    more.max_window_size++;
    memory->window_position = memory_by_session(&more) - base;
    more = least;
    more.group_bytes_max += 16;
    memory->group_byte = (memory_by_session(&more) - base) / 16;
    more = least;
    more.attribute_limit += 16;
    memory->attribute_byte = (memory_by_session(&more) - base) / 16;
    more = least;
    more.unreliable_queue++;
    memory->unreliable_entry = memory_by_session(&more) - base;
    memory->session = base - memory->window_position - 128 * memory->group_byte;
    if (memory_measure_idle(&memory->resident_idle))
        return true;
    fprintf(stderr, "sipc bench engine: no memory for %d idle sessions\n", MEMORY_SESSIONS);
    return false;
}
