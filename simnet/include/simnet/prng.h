/* Randomness of the simulator, all of it: a stream for workloads (xoshiro256**, seeded by
 * splitmix64) and a counter-based draw for faults. Integers only; the same numbers on every
 * machine.
 *
 * A stream moves with each draw: one draw more shifts all that follow. A fault is therefore never
 * drawn from a stream but computed from what it is about (seed, link, stage, PDU), so that removing
 * one fault leaves all others where they are.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_PRNG_H
#define SIMNET_PRNG_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SIMNET_PPM = 1000000 }; /* probabilities are parts of this */

/* The finaliser of splitmix64: a bijection in which each bit of `x` reaches each of the result. */
static inline uint64_t simnet_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The next number of splitmix64; *state may start anywhere. */
static inline uint64_t simnet_splitmix(uint64_t *state)
{
    return simnet_mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}

/* A draw that is a function of its two arguments alone; both may be small numbers. */
static inline uint64_t simnet_draw(uint64_t a, uint64_t b)
{
    return simnet_mix(simnet_mix(a + UINT64_C(0x9e3779b97f4a7c15)) ^
                      b * UINT64_C(0xd1342543de82ef95));
}

struct simnet_prng {
    uint64_t state[4]; /* never all zero */
};

static inline void simnet_prng_seed(struct simnet_prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        prng->state[i] = simnet_splitmix(&seed);
}

static inline uint64_t simnet_rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256**. */
static inline uint64_t simnet_prng_next(struct simnet_prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = simnet_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = simnet_rotl(s[3], 45);
    return result;
}

/* The high 64 bits of a * b. */
static inline uint64_t simnet_multiply_high(uint64_t a, uint64_t b)
{
    uint64_t al = a & UINT32_MAX, ah = a >> 32, bl = b & UINT32_MAX, bh = b >> 32;
    uint64_t low = al * bl, mid1 = ah * bl + (low >> 32), mid2 = al * bh + (mid1 & UINT32_MAX);

    return ah * bh + (mid1 >> 32) + (mid2 >> 32);
}

/* Brings a draw to 0..bound-1 (bound 0: the draw itself), uneven by less than bound in 2^64. */
static inline uint64_t simnet_scale(uint64_t draw, uint64_t bound)
{
    return bound ? simnet_multiply_high(draw, bound) : draw;
}

/* min..max, both included. */
static inline uint64_t simnet_scale_range(uint64_t draw, uint64_t min, uint64_t max)
{
    return min + simnet_scale(draw, max - min + 1);
}

/* True for `ppm` of a million draws; 0 never, 1,000,000 always. */
static inline bool simnet_chance(uint64_t draw, uint32_t ppm)
{
    return simnet_scale(draw, SIMNET_PPM) < ppm;
}

#ifdef __cplusplus
}
#endif
#endif
