"""The model against itself, against hand-made figures, and against the simulator.

SPDX-License-Identifier: MIT
"""

import itertools

import pytest

from lfn import model, plan, run

WITHOUT_LOSS = 0.02
WITH_LOSS = 0.10


# ---- against hand-made figures ----

@pytest.mark.parametrize("mtu, capacity, pdus", [
    # 47 PDUs: 65,500 - 47 x (57 + 13) - 2 x 13 = 62,184, less than 47 x 1,330 - 26
    (1400, 62_184, 47),
    (512, 65_500 - 128 * 70 - 26, 128),
    (65500, 65_500 - 70 - 26, 1),
])
def test_cut_when_a_group_is_full_then_headers_count(mtu, capacity, pdus):
    sizes = model.cut_group(1 << 40, mtu, 65500)
    assert (sum(sizes), len(sizes)) == (capacity, pdus)
    assert model.group_capacity(mtu) == capacity


@pytest.mark.parametrize("message, groups, windows, first", [
    (1, 1, 1, 2), (62_184, 1, 1, 2), (62_185, 2, 2, 3), (124_368, 2, 2, 3), (124_369, 3, 3, 4),
])
def test_windows_when_a_message_grows_then_a_round_trip_more_by_group(message, groups, windows,
                                                                      first):
    point = plan.point(message=message)
    assert len(model.groups_of(point)) == groups
    assert len(model.windows_of(point)) == windows
    assert len(model.windows_of_first(point)) == first
    assert sum(map(sum, model.groups_of(point))) == message


def test_window_when_nothing_is_lost_then_serialisation_round_trip_and_ack():
    point = plan.point(rate=8_000_000, rtt=100_000, message=1000)  # a byte is a microsecond
    data = 57 + 3 * 13 + 1000 + 28
    ack = 57 + 13 + 11 + 28
    assert model.bound(point).message_time == pytest.approx(0.1 + (data + ack) * 1e-6, rel=1e-12)


def test_bound_when_sessions_fill_the_link_then_its_payload_share():
    point = plan.point(sessions=1000)
    wire = 62_000 + 47 * (57 + 28 + 0) + 3 * 13  # one window, one group
    assert model.bound(point).goodput == pytest.approx(point["rate"] * 62_000 / wire, rel=1e-9)


# ---- the chance of it, by itself ----

@pytest.mark.parametrize("loss, window, retries", [
    (10_000, 12, 3), (100_000, 6, 1), (50_000, 1, 0),
])
def test_lossy_when_dice_are_thrown_by_the_rules_then_the_same_means(lottery, loss, window,
                                                                             retries):
    point = plan.point(loss=loss, window=window, retries=retries, message=window * 1200)
    expected = model.expect_lossy(point)
    times, oks = zip(*lottery(point, 1, 20_000))
    assert sum(times) / 20_000 == pytest.approx(expected.time, rel=0.02)
    assert sum(oks) / 20_000 == pytest.approx(expected.ok, abs=0.01)


def test_lossy_when_loss_vanishes_then_the_lossless_figures():
    point = plan.point(message=100_000)
    lossy = model.expect_lossy(point | {"loss": 0})
    exact = model.expect_lossless(point)
    for name in ("time", "ok", "bits", "ack_bits", "timeouts", "repeated"):
        assert getattr(lossy, name) == pytest.approx(getattr(exact, name), rel=1e-9)


def test_chain_when_bursts_are_single_losses_then_independent_of_the_past():
    assert (model.Chain(0.1, 1).move == [[0.9, 0.1], [0.9, 0.1]]).all()
    for loss, burst in itertools.product((0.001, 0.05), (2, 16)):
        move = model.Chain(loss, burst, steps=100_000).move
        assert move[:, 1] == pytest.approx([loss, loss], rel=1e-6)


@pytest.mark.parametrize("ack_timeout, early, hopeless", [
    (100_019, False, False),  # round trip, and 109 bytes of ack at 100 Mbit/s: 8.72 us
    (100_008, True, False), (25_000, True, False), (24_800, True, True),
])
def test_bound_when_the_ack_timeout_is_short_then_early_or_hopeless(ack_timeout, early, hopeless):
    bound = model.bound(plan.point(ack_timeout=ack_timeout))
    assert (bound.early, bound.hopeless) == (early, hopeless)
    assert (bound.goodput == 0) == hopeless


# ---- against the simulator ----

TINY = plan.load("tiny")


@pytest.mark.parametrize("entry", TINY, ids=[plan.key_of(entry["point"]) for entry in TINY])
def test_measured_when_a_point_is_run_then_the_bound_within_tolerance(sipc, entry):
    point = entry["point"]
    record = run.run_point(sipc, plan.key_of(point))
    result = record["result"]
    bound = model.bound(point)
    tolerance = WITH_LOSS if point["loss"] else WITHOUT_LOSS
    assert model.tolerance(point, bound) in (tolerance, None)
    assert result["goodput_bps"] == pytest.approx(bound.goodput, rel=tolerance)
    if bound.hopeless:
        assert result["ended_ok"] == 0
    elif not point["loss"] and point["sessions"] == 1:
        assert result["steady"]["mean_ns"] / 1e9 == pytest.approx(bound.message_time, rel=0.001)
        assert result["first"]["mean_ns"] / 1e9 == pytest.approx(bound.first_time, rel=0.001)
    if point["loss"]:
        # Counts of some hundred: 3 of their standard deviations.
        expected = bound.expectation.timeouts * (result["ended_ok"] + result["ended_timeout"])
        assert result["ack_timeouts"] == pytest.approx(expected, abs=3 * expected ** 0.5)
