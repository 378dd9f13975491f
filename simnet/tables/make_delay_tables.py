#!/usr/bin/env python3
"""Writes src/delay_tables.c: inverse distribution functions as integers, for delays.

Entry i of a table of 2,048 is the mean of the distribution between its quantiles i/2048 and
(i+1)/2048, times 2^20: the mean of the table is the mean of the distribution, whatever the step.
Exponential: mean 1. Normal: standard deviation 1. Pareto II (Lomax) with shape 3: mean 1.
All three have the integral of the quantile function in closed form, so that an entry is a
difference of two values of it; it is computed with 50 decimal digits. `--check` compares with the
file there.
"""

import argparse
import sys
from decimal import Decimal, getcontext
from pathlib import Path

ENTRIES = 2048
ONE = 1 << 20
OUTPUT = Path(__file__).resolve().parent.parent / "src" / "delay_tables.c"

getcontext().prec = 50


def exponential_integral(u):
    """Integral of -ln(1-p) for p from 0 to u."""
    rest = 1 - u
    return u if rest == 0 else u + rest * rest.ln()


def pareto_integral(u):
    """Integral of 2 ((1-p)^(-1/3) - 1): shape 3 and scale 2 have the mean 1."""
    rest = 1 - u
    power = Decimal(0) if rest == 0 else (rest.ln() * 2 / 3).exp()
    return 3 * (1 - power) - 2 * u


def normal_density(x):
    """Density of the standard normal distribution."""
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
    return (-x * x / 2).exp() / (2 * pi).sqrt()


def normal_cumulative(x):
    """Its distribution function, by the series at 0; good for |x| < 6."""
    term, total, k = x, x, 0
    while abs(term) > Decimal(10) ** -45:
        k += 1
        term = term * x * x / (2 * k + 1)
        total += term
    return Decimal("0.5") + total * normal_density(x)


def normal_quantile(u, start):
    """Where the distribution function is u, by Newton's method from a point nearby."""
    x, step = start, Decimal(1)
    while abs(step) > Decimal(10) ** -20:
        step = (normal_cumulative(x) - u) / normal_density(x)
        x -= step
    return x


def normal_integral(u):
    """Integral of the quantile function: minus the density at the quantile. Asked in order from
    the middle down, each quantile is near the one before; the other half is its mirror."""
    if u in (0, 1):
        return Decimal(0)
    u = min(u, 1 - u)
    if u not in QUANTILES:
        QUANTILES[u] = normal_quantile(u, QUANTILES[u + Decimal(1) / ENTRIES])
    return -normal_density(QUANTILES[u])


QUANTILES = {Decimal("0.5"): Decimal(0)}


def entries(integral):
    """The table: scaled means between quantiles, rounded so that errors do not add up."""
    places = list(range(ENTRIES // 2, -1, -1)) + list(range(ENTRIES // 2 + 1, ENTRIES + 1))
    exact = {i: integral(Decimal(i) / ENTRIES) * ENTRIES * ONE for i in places}
    sums = [int(exact[i].to_integral_value()) for i in range(ENTRIES + 1)]
    return [b - a for a, b in zip(sums, sums[1:])]


def render():
    """The whole C file."""
    text = ["/* Made by tables/make_delay_tables.py; delay.h says what the numbers are. */",
            '#include "delay.h"', "", "/* clang-format off */"]
    for name, integral in (("exponential", exponential_integral), ("normal", normal_integral),
                           ("pareto", pareto_integral)):
        text.append(f"const int32_t delay_table_{name}[DELAY_ENTRIES] = {{")
        line = "   "
        for value in entries(integral):
            word = f" {value},"
            if len(line) + len(word) > 100:
                text.append(line)
                line = "   "
            line += word
        text += [line, "};"]
    text.append("/* clang-format on */")
    return "\n".join(text) + "\n"


def main():
    """Writes the file, or compares it; 1 if it differs."""
    parser = argparse.ArgumentParser(description="Makes the tables of delay distributions.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    text = render()
    if not options.check:
        OUTPUT.write_text(text, encoding="ascii")
        return 0
    if OUTPUT.read_text(encoding="ascii") == text:
        return 0
    print(f"{OUTPUT}: not what make_delay_tables.py makes", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
