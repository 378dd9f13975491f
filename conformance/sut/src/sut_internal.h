/* What the ways to attach share: an attached SUT is this struct and one table of functions.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_INTERNAL_H
#define CONFORM_SUT_INTERNAL_H

#include "conform/sut.h"

/* One way to attach. Functions that return a status fill *error unless it is OK. */
struct conform__way {
    const char *prefix; /* of the spec: "exec:" */
    bool virtual_clock;
    bool (*is_one)(const char *target); /* no second one can be attached by it; NULL: never */
    /* Starts it and says hello (into sut->hello). On failure everything is let go again. */
    enum conform_sut_status (*start)(struct conform_sut *sut, struct conform_error *error);
    /* Ends it: `polite` says bye first. */
    void (*stop)(struct conform_sut *sut, bool polite);
    /* One request, ADVANCE too with the virtual clock. */
    enum conform_sut_status (*call)(struct conform_sut *sut, const struct conform_request *request,
                                    struct conform_response *response, struct conform_error *error);
    /* Wall clock only; as conform_sut_step. */
    enum conform_sut_status (*step)(struct conform_sut *sut, uint64_t until_ns,
                                    struct conform_response *response, struct conform_error *error);
    /* Wall clock only. */
    uint64_t (*now)(const struct conform_sut *sut);
    uint64_t (*lateness)(const struct conform_sut *sut);
    size_t (*partial_bytes)(const struct conform_sut *sut);
    bool (*has_control)(const struct conform_sut *sut);
    bool (*is_stream)(const struct conform_sut *sut);
    char *(*take_stderr)(struct conform_sut *sut); /* NULL: it has none */
};

extern const struct conform__way conform__way_engine;
extern const struct conform__way conform__way_so;
extern const struct conform__way conform__way_so_here; /* so: in this process */
extern const struct conform__way conform__way_exec;
extern const struct conform__way conform__way_udp;
extern const struct conform__way conform__way_tcp;
extern const struct conform__way conform__way_unix;

struct conform_sut {
    const struct conform__way *way;
    char *spec;
    const char *target; /* what follows the prefix */
    struct conform_sut_options options;
    struct conform_response hello;
    enum conform_sut_status status; /* OK, or what ended it */
    struct conform_error error;     /* why, then */
    uint64_t now_ns;                /* virtual clock */
    uint64_t deadline_ns;
    uint64_t out_count, out_bytes; /* since reset */
    void *impl;                    /* the way's own */
};

/* "died", "hangs", ... for messages. */
const char *conform__status_words(enum conform_sut_status status);

#endif
