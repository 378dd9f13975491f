"""Everything a run becomes: points.csv, points.json, plots/, index.html.

SPDX-License-Identifier: MIT
"""

from . import page, plots, rows, tcp, what_ifs


def write(entries, records, out):
    """The report of a plan's points that were run; the rows."""
    table = rows.rows_of(entries, records)
    rows.write_csv(table, out / "points.csv")
    rows.write_json(table, out / "points.json")
    flows = [flow for flow in tcp.read(out).values() if "result" in flow]
    others = [record for record in what_ifs.read(out).values() if "result" in record]
    pictures = plots.draw(table, out / "plots", flows, others)
    (out / "index.html").write_text(page.page(table, pictures, others), encoding="utf-8")
    return table
