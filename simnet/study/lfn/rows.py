"""What was measured beside what is possible: a row for each point, as objects, CSV and JSON.

SPDX-License-Identifier: MIT
"""

import csv
import json
from dataclasses import dataclass

from . import model, plan

RESULTS = ["goodput_bps", "utilisation_ppm", "busy_ppm", "elapsed_ns", "virtual_ns",
           "delivered_bytes", "ended_ok", "ended_timeout", "ended_other", "data_pdus", "ack_pdus",
           "repeated_pdus", "ack_timeouts", "lost", "all_pdus", "held_max"]
TIMES = ["count", "mean_ns", "median_ns", "p99_ns", "max_ns"]


@dataclass
class Row:
    """A point that was run."""
    sweep: str
    point: dict
    record: dict  # its line
    bound: model.Bound

    @property
    def result(self):
        """What came of it; None: it failed."""
        return self.record.get("result")

    @property
    def goodput(self):
        """bit/s."""
        return self.result["goodput_bps"]

    @property
    def residual(self):
        """Measured by bound, less 1; 0 where both are 0, None where only the bound is."""
        if self.bound.goodput > 0:
            return self.goodput / self.bound.goodput - 1
        return 0.0 if self.goodput == 0 else None

    @property
    def tolerance(self):
        """What the residual may be; None: the model claims no more than a bound."""
        return model.tolerance(self.point, self.bound)


def rows_of(entries, records):
    """A row for each entry of a plan that was run, in the plan's order; failed ones too."""
    bounds = {}
    rows = []
    for entry in entries:
        key = plan.key_of(entry["point"])
        if key not in records:
            continue
        if key not in bounds:
            bounds[key] = model.bound(entry["point"])
        rows.append(Row(entry["sweep"], entry["point"], records[key], bounds[key]))
    return rows


def flat(row):
    """A row of the CSV."""
    out = {"sweep": row.sweep} | row.point
    result = row.result or {}
    out |= {name: result.get(name, "") for name in RESULTS}
    for times in ("first", "steady"):
        out |= {f"{times}_{name}": result.get(times, {}).get(name, "") for name in TIMES}
    measured = row.result is not None
    out |= {
        "bound_bps": round(row.bound.goodput),
        "bound_message_ns": round(row.bound.message_time * 1e9),
        "sessions_to_fill": round(row.bound.sessions_to_fill, 2),
        "residual": f"{row.residual:.6f}" if measured and row.residual is not None else "",
        "tolerance": row.tolerance or "",
        "error": row.record.get("error", ""),
        "version": row.record.get("version", ""),
        "replay": row.record.get("replay", ""),
    }
    return out


def write_csv(rows, path):
    """All rows; those that failed have an error and no figures."""
    flats = [flat(row) for row in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(flats[0]) if flats else ["sweep"])
        writer.writeheader()
        writer.writerows(flats)


def write_json(rows, path):
    """All rows: each with its point, seed, version, result or error, and bound."""
    objects = [row.record | {
        "sweep": row.sweep,
        "bound": {"goodput_bps": round(row.bound.goodput),
                  "message_ns": round(row.bound.message_time * 1e9),
                  "sessions_to_fill": row.bound.sessions_to_fill,
                  "full": row.bound.full, "early": row.bound.early, "tight": row.bound.tight,
                  "hopeless": row.bound.hopeless},
        "residual": row.residual if row.result else None,
        "tolerance": row.tolerance,
    } for row in rows]
    path.write_text(json.dumps(objects, indent=1) + "\n", encoding="utf-8")


# ---- residuals ----

CLASSES = ["without loss", "with loss", "few sessions, tight", "shared bursts", "early ack timeout"]


def class_of(row):
    """Which claim of the model a row is about."""
    if row.tolerance is not None:
        return CLASSES[1] if row.point["loss"] else CLASSES[0]
    if row.bound.tight:
        return CLASSES[2]
    return CLASSES[4] if row.bound.early else CLASSES[3]


def residuals(rows):
    """By class, sorted by size; each point once."""
    seen = set()
    out = {name: [] for name in CLASSES}
    for row in rows:
        key = plan.key_of(row.point)
        if row.result is None or key in seen or row.residual is None:
            continue
        seen.add(key)
        out[class_of(row)].append(row.residual)
    return {name: sorted(values, key=abs) for name, values in out.items() if values}


def beyond(rows):
    """The rows that are further from the bound than the model claims."""
    return [row for row in rows if row.result is not None and row.tolerance is not None
            and (row.residual is None or abs(row.residual) > row.tolerance)]
