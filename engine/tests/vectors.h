/* Reads vectors/pdu.txt, whose head describes the format. What it gives lives until vectors_free;
 * the bytes of each PDU are a block of exactly their size, so that a sanitizer sees a read past it.
 * A file that breaks its format ends the program with a message.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_TESTS_VECTORS_H
#define SIPC_TESTS_VECTORS_H

#include "sipc/pdu.h"

enum { VECTOR_OPTIONS_MAX = 32, VECTOR_LONGS_MAX = 8 };

struct vector_pdu {
    const char *name;
    int line;
    struct sipc_span bytes;
    enum sipc_discard reason; /* SIPC_DISCARD_NONE: accept, with the fields below */
    const char *fields;       /* "data 2:0 skip=true" */
    struct sipc_span session;
    struct sipc_span option_names[VECTOR_OPTIONS_MAX];
    struct sipc_span option_values[VECTOR_OPTIONS_MAX];
    size_t option_count;
    struct sipc_span data;
};

struct vector_long {
    struct sipc_span key;
    bool error; /* cannot be decoded: no name and value */
    struct sipc_span name;
    struct sipc_span value;
};

struct vector_group {
    const char *name;
    int line;
    size_t of[VECTOR_LONGS_MAX]; /* indices into pdus */
    size_t of_count;
    struct vector_long longs[VECTOR_LONGS_MAX];
    size_t long_count;
};

struct vectors {
    struct vector_pdu *pdus;
    size_t pdu_count;
    struct vector_group *groups;
    size_t group_count;
    void **blocks; /* private */
    size_t block_count;
};

void vectors_read(const char *path, struct vectors *vectors);
void vectors_free(struct vectors *vectors);

#endif
