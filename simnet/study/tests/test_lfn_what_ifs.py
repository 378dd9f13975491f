"""Engines that are another protocol: each does what its patch says, and is else the engine.

SPDX-License-Identifier: MIT
"""

import pytest

from lfn import model, plan, run, what_ifs


@pytest.fixture(name="result")
def fixture_result(build_dir):
    """Runs a point with a program: its result."""
    def of(program, **parameters):
        path = build_dir / "bin" / program
        if not path.is_file():
            pytest.fail(f"no program {path}")
        return run.run_point(path, plan.key_of(plan.point(**parameters)))["result"]
    return of


def test_selective_retry_when_pdus_are_lost_then_fewer_timeouts_and_more_goodput(result):
    lossy = {"loss": 10_000, "count": 300}
    own, other = (result(name, **lossy) for name in ("sipc", "sipc-lfn-selective_retry"))
    assert other["ack_timeouts"] < own["ack_timeouts"] / 4
    assert other["goodput_bps"] > 1.2 * own["goodput_bps"]
    # Only what is missing goes again, and PDU 0 of the retries that are left.
    assert other["repeated_pdus"] <= other["lost"] + other["ack_timeouts"]


def test_selective_retry_when_nothing_is_lost_then_the_protocol(result):
    still = {"message": 150_000, "sessions": 3, "count": 4}
    assert result("sipc", **still) == result("sipc-lfn-selective_retry", **still)


def test_larger_groups_when_they_are_then_the_bound_with_such_groups(result):
    data = model.cut_group(1 << 40, 1400, 1 << 18)
    large = {"group": 1 << 18, "window": len(data), "message": sum(data), "count": 3}
    measured = result("sipc-lfn-larger_groups", **large)["goodput_bps"]
    assert measured == pytest.approx(model.bound(plan.point(**large)).goodput, rel=0.02)


def test_larger_groups_when_they_are_not_then_the_protocol(result):
    assert result("sipc", loss=5000, count=50) == result("sipc-lfn-larger_groups", loss=5000,
                                                         count=50)


# ---- windows in flight side by side ----

@pytest.mark.parametrize("rate, rtt, in_flight", [
    (10_000_000, 10_000, 2), (10_000_000, 100_000, 4), (100_000_000, 1_000, 2),
    (100_000_000, 100_000, 4), (1_000_000_000, 600_000, 8), (100_000_000, 100_000, 1),
])
def test_stream_when_nothing_is_lost_then_the_bound(result, rate, rtt, in_flight):
    point = what_ifs.setting({"rate": rate, "rtt": rtt, "sessions": in_flight, "stream": 1,
                              "count": 12})
    bound = model.bound(point)
    assert model.tolerance(point, bound) == 0.02
    measured = result("sipc", **point)
    assert measured["goodput_bps"] == pytest.approx(bound.goodput, rel=0.02)
    assert measured["held_max"] == 0 and measured["delivered_bytes"] > 0


def in_order(point, throws):
    """Goodput of a stream, by dice and MODEL.md: a message begins when the one before has left and
    all but the last few have ended."""
    sending = model.Link(point).serialise(sum(model.windows_of(point)[0].sizes))
    begun, done, good = -sending, [0.0] * point["sessions"], 0
    for time, ok in throws:
        begun = max(done[0], begun + sending)
        done = done[1:] + [max(done[-1], begun + time)]
        good += ok
    return good * 8 * point["message"] / done[-1]


@pytest.mark.parametrize("loss", [1_000, 10_000])
def test_stream_when_pdus_are_lost_then_all_wait_for_one(result, lottery, loss):
    point = what_ifs.setting({"loss": loss, "sessions": 4, "stream": 1, "count": 700})
    bound = model.bound(point)
    assert model.tolerance(point, bound) is None
    measured = result("sipc", **point)
    assert measured["goodput_bps"] < 0.9 * bound.goodput
    expected = in_order(point, lottery(point, 1, 20_000))
    assert measured["goodput_bps"] == pytest.approx(expected, rel=0.10)
    assert measured["held_max"] == 3


def test_entries_when_listed_then_each_once_and_all_settings_legal():
    names = [what_ifs.name_of(entry) for entry in what_ifs.entries()]
    assert len(set(names)) == len(names)
    for entry in what_ifs.entries():
        assert len(model.windows_of(entry["point"])) == 1


def test_what_ifs_when_broken_off_then_what_had_ended_is_kept(tmp_path, monkeypatch):
    three = what_ifs.entries()[:3]
    monkeypatch.setattr(what_ifs, "entries", lambda: three)
    ran = []

    def run_point(program, key):
        ran.append(key)
        if len(ran) == 2:
            raise KeyboardInterrupt
        if len(ran) == 3:
            return {"error": "killed by SIGSEGV", "replay": f"{program} sim lfn --point {key}"}
        return {"point": plan.point(), "result": {"goodput_bps": len(ran)}}

    monkeypatch.setattr(run, "run_point", run_point)
    with pytest.raises(KeyboardInterrupt):
        what_ifs.run_missing(tmp_path, tmp_path, 1)
    assert list(what_ifs.read(tmp_path)) == [what_ifs.name_of(three[0])]
    ran[:] = ran[:2]
    records = what_ifs.run_missing(tmp_path, tmp_path, 1)
    assert ["result" in record for record in records.values()] == [True, False, True]
    failed = what_ifs.read(tmp_path)[what_ifs.name_of(three[1])]
    assert failed["error"] == "killed by SIGSEGV" and "sim lfn --point" in failed["replay"]
    count = len(ran)
    what_ifs.run_missing(tmp_path, tmp_path, 1)  # a failure is tried again, nothing else
    assert ran[count:] == [plan.key_of(three[1]["point"])]
