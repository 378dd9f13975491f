/* The session table (END-1): finding by address and id, collisions, the wrap at its end, removal
 * without traces, and what a key does to the order.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"

void sipc_panic(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
    abort();
}

static struct sipc_endpoint *endpoint_of(uint32_t sessions, bool stream, uint64_t table_key)
{
    struct sipc_config config;
    struct sipc_endpoint *ep;
    void *block;
    size_t size;

    sipc_config_default(&config);
    config.max_sessions = sessions;
    config.max_window_size = 1;
    config.unreliable_queue = 0;
    config.attribute_limit = 0;
    config.stream = stream;
    config.table_key = table_key;
    size = sipc_endpoint_size(&config);
    block = calloc(1, size);
    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, &config, 0, &ep), SIPC_OK);
    return ep;
}

static const uint8_t *id_of(uint64_t n)
{
    static uint8_t id[SIPC_SESSION_ID_SIZE];

    for (int i = 0; i < 8; i++)
        id[24 + i] = (uint8_t)(n >> 8 * i);
    return id;
}

static void put(struct sipc_endpoint *ep, uint32_t slot, sipc_peer remote, uint64_t id)
{
    struct session *s = session_at(ep, slot);

    s->remote = remote;
    memcpy(s->id, id_of(id), sizeof s->id);
    sipc__table_add(ep, slot);
}

static const uint32_t *table_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->table_offset);
}

/* Which slot's entry stands there, plus 1; 0: none. */
static uint32_t at(const struct sipc_endpoint *ep, uint32_t index)
{
    return table_of(ep)[index] & (ep->table_size - 1);
}

/* Where slot 0 comes to stand in an empty table. */
static uint32_t home_of(struct sipc_endpoint *ep, sipc_peer remote, uint64_t id)
{
    uint32_t index = 0;

    put(ep, 0, remote, id);
    while (table_of(ep)[index] == 0)
        index++;
    sipc__table_remove(ep, 0);
    return index;
}

static void assert_empty(const struct sipc_endpoint *ep)
{
    for (uint32_t i = 0; i < ep->table_size; i++)
        assert_int_equal(table_of(ep)[i], 0);
}

static void test_table_when_sessions_grow_then_at_most_half_full(void **state)
{
    static const struct {
        uint32_t sessions, table_size;
    } rows[] = {{1, 4}, {2, 4}, {3, 8}, {4, 8}, {5, 16}, {1024, 2048}, {1025, 4096}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_endpoint *ep = endpoint_of(rows[i].sessions, false, 0);
        assert_int_equal(ep->table_size, rows[i].table_size);
        free(ep);
    }
}

static void test_table_when_address_or_id_differs_then_another_session(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(4, false, 0);

    (void)state;
    put(ep, 0, 1, 7);
    put(ep, 1, 2, 7);
    put(ep, 2, 1, 8);
    assert_int_equal(sipc__table_find(ep, 1, id_of(7)), 0);
    assert_int_equal(sipc__table_find(ep, 2, id_of(7)), 1);
    assert_int_equal(sipc__table_find(ep, 1, id_of(8)), 2);
    assert_int_equal(sipc__table_find(ep, 2, id_of(8)), SLOT_NONE);
    sipc__table_remove(ep, 0);
    assert_int_equal(sipc__table_find(ep, 1, id_of(7)), SLOT_NONE);
    assert_int_equal(sipc__table_find(ep, 2, id_of(7)), 1);
    assert_int_equal(sipc__table_find(ep, 1, id_of(8)), 2);
    free(ep);
}

/* END-1a */
static void test_table_when_stream_then_the_connection_is_no_part_of_the_key(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(4, true, 0);

    (void)state;
    put(ep, 0, 1, 7);
    assert_int_equal(sipc__table_find(ep, 1, id_of(7)), 0);
    assert_int_equal(sipc__table_find(ep, 2, id_of(7)), 0);
    session_at(ep, 0)->remote = 9; /* answers go elsewhere from now on */
    sipc__table_remove(ep, 0);
    assert_empty(ep);
    free(ep);
}

/* All that share a home at the end of the table, so that their run wraps; then each is removed. */
static void test_table_when_a_run_wraps_then_removal_closes_it(void **state)
{
    enum { COUNT = 4 };
    struct sipc_endpoint *ep = endpoint_of(COUNT, false, 0);
    uint64_t ids[COUNT];
    uint32_t found = 0;

    (void)state;
    for (uint64_t id = 0; found < COUNT; id++)
        if (home_of(ep, 1, id) == ep->table_size - 2)
            ids[found++] = id;
    for (uint32_t removed = 0; removed < COUNT; removed++) {
        for (uint32_t slot = 0; slot < COUNT; slot++)
            put(ep, slot, 1, ids[slot]);
        assert_int_equal(at(ep, ep->table_size - 2), 1);
        assert_int_equal(at(ep, ep->table_size - 1), 2);
        assert_int_equal(at(ep, 0), 3);
        assert_int_equal(at(ep, 1), 4);
        sipc__table_remove(ep, removed);
        assert_int_equal(table_of(ep)[1], 0); /* no tombstone */
        for (uint32_t slot = 0; slot < COUNT; slot++)
            assert_int_equal(sipc__table_find(ep, 1, id_of(ids[slot])),
                             slot == removed ? SLOT_NONE : slot);
        for (uint32_t slot = 0; slot < COUNT; slot++)
            if (slot != removed)
                sipc__table_remove(ep, slot);
        assert_empty(ep);
    }
    free(ep);
}

/* A session at its own home stays where it is when the run before it gets shorter. */
static void test_table_when_the_next_is_at_home_then_it_stays(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(3, false, 0);
    uint64_t pair[2] = {0, 0}, next = 0;
    uint32_t found = 0;

    (void)state;
    for (uint64_t id = 1; found < 2 || next == 0; id++) {
        uint32_t home = home_of(ep, 1, id);
        if (home == 2 && found < 2)
            pair[found++] = id;
        else if (home == 4)
            next = id;
    }
    put(ep, 0, 1, pair[0]);
    put(ep, 1, 1, pair[1]);
    put(ep, 2, 1, next);
    sipc__table_remove(ep, 0);
    assert_int_equal(at(ep, 2), 2); /* moved back */
    assert_int_equal(table_of(ep)[3], 0);
    assert_int_equal(at(ep, 4), 3); /* not moved */
    free(ep);
}

static void test_table_when_changed_at_random_then_as_a_list(void **state)
{
    enum { SLOTS = 16, IDS = 24, STEPS = 20000 };
    struct sipc_endpoint *ep = endpoint_of(SLOTS, false, 3);
    uint64_t held[SLOTS]; /* id + 1; 0: free */
    uint64_t random = 4;

    (void)state;
    memset(held, 0, sizeof held);
    for (int step = 0; step < STEPS; step++) {
        uint32_t slot = (uint32_t)random_below(&random, SLOTS);
        uint64_t id = random_below(&random, IDS);
        uint32_t expected = SLOT_NONE, entries = 0, count = 0;
        for (uint32_t i = 0; i < SLOTS; i++)
            if (held[i] == id + 1)
                expected = i;
        assert_int_equal(sipc__table_find(ep, 1, id_of(id)), expected);
        if (held[slot] != 0) {
            sipc__table_remove(ep, slot);
            held[slot] = 0;
        } else if (expected == SLOT_NONE) {
            put(ep, slot, 1, id);
            held[slot] = id + 1;
        }
        for (uint32_t i = 0; i < ep->table_size; i++)
            entries += table_of(ep)[i] != 0;
        for (uint32_t i = 0; i < SLOTS; i++)
            count += held[i] != 0;
        assert_int_equal(entries, count);
    }
    free(ep);
}

/* An address and an id, and what of their hash can be seen. */
struct hashed {
    sipc_peer remote;
    uint64_t id;
    uint32_t hash;
};

static int hashed_order(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Two that the whole hash does not tell apart, only what it is made of. */
static void find_collision(struct sipc_endpoint *ep, bool by_address, struct hashed pair[2])
{
    enum { TRIES = 300000 }; /* ten such pairs among them, about */
    struct hashed *all = calloc(TRIES, sizeof *all);
    uint64_t random = 6;
    int i = 0;

    assert_non_null(all);
    for (int k = 0; k < TRIES; k++) {
        struct hashed *h = &all[k];
        uint64_t any = random_next(&random);
        h->remote = by_address ? any : 1;
        h->id = by_address ? 1 : any;
        uint32_t home = home_of(ep, h->remote, h->id);
        put(ep, 0, h->remote, h->id);
        h->hash = (table_of(ep)[home] & ~(ep->table_size - 1)) | home;
        sipc__table_remove(ep, 0);
    }
    qsort(all, TRIES, sizeof *all, hashed_order);
    while (i + 2 < TRIES && all[i].hash != all[i + 1].hash)
        i++;
    assert_int_equal(all[i].hash, all[i + 1].hash);
    memcpy(pair, &all[i], 2 * sizeof *pair);
    free(all);
}

static void test_table_when_hashes_are_the_same_then_address_and_id_decide(void **state)
{
    (void)state;
    for (int by_address = 0; by_address < 2; by_address++) {
        struct sipc_endpoint *ep = endpoint_of(2, false, 5);
        struct hashed pair[2];
        find_collision(ep, by_address != 0, pair);
        put(ep, 0, pair[0].remote, pair[0].id);
        assert_int_equal(sipc__table_find(ep, pair[1].remote, id_of(pair[1].id)), SLOT_NONE);
        put(ep, 1, pair[1].remote, pair[1].id);
        assert_int_equal(sipc__table_find(ep, pair[0].remote, id_of(pair[0].id)), 0);
        assert_int_equal(sipc__table_find(ep, pair[1].remote, id_of(pair[1].id)), 1);
        sipc__table_remove(ep, 0);
        assert_int_equal(sipc__table_find(ep, pair[0].remote, id_of(pair[0].id)), SLOT_NONE);
        assert_int_equal(sipc__table_find(ep, pair[1].remote, id_of(pair[1].id)), 1);
        free(ep);
    }
}

static void test_table_when_the_key_differs_then_other_places(void **state)
{
    enum { IDS = 64 };
    struct sipc_endpoint *a = endpoint_of(512, false, 1);
    struct sipc_endpoint *b = endpoint_of(512, false, 2);
    unsigned same = 0;

    (void)state;
    for (uint64_t id = 0; id < IDS; id++)
        same += home_of(a, 1, id) == home_of(b, 1, id);
    assert_in_range(same, 0, 4);
    free(a);
    free(b);
}

static void test_table_when_a_session_not_in_it_is_removed_then_assertion(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(4, false, 0);

    (void)state;
    expect_assert_failure(sipc__table_remove(ep, 0));
    free(ep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_when_sessions_grow_then_at_most_half_full),
        cmocka_unit_test(test_table_when_address_or_id_differs_then_another_session),
        cmocka_unit_test(test_table_when_stream_then_the_connection_is_no_part_of_the_key),
        cmocka_unit_test(test_table_when_a_run_wraps_then_removal_closes_it),
        cmocka_unit_test(test_table_when_the_next_is_at_home_then_it_stays),
        cmocka_unit_test(test_table_when_changed_at_random_then_as_a_list),
        cmocka_unit_test(test_table_when_hashes_are_the_same_then_address_and_id_decide),
        cmocka_unit_test(test_table_when_the_key_differs_then_other_places),
        cmocka_unit_test(test_table_when_a_session_not_in_it_is_removed_then_assertion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
