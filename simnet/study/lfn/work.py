"""Things done side by side, and how far it is.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import sys
import time


def side_by_side(function, items, jobs):
    """Yields (item, what `function` made of it) as each ends. The work is done by processes that
    the function starts, threads only wait for them."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(function, item): item for item in items}
        try:
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


class Progress:
    """How far it is, on a terminal."""

    def __init__(self, total, what="points", stream=sys.stderr):
        self.total, self.what, self.stream = total, what, stream
        self.done = self.failed = 0
        self.begun = time.monotonic()

    def step(self, failed):
        """One more has ended."""
        self.done += 1
        self.failed += failed
        if self.stream.isatty():
            left = (time.monotonic() - self.begun) / self.done * (self.total - self.done)
            bad = f", {self.failed} failed" if self.failed else ""
            self.stream.write(
                f"\r\033[K{self.done}/{self.total} {self.what}{bad}, {left:.0f} s left")
            if self.done == self.total:
                self.stream.write("\r\033[K")
            self.stream.flush()


def keep_all(results, made, progress):
    """Adds each (what it is known for, record) to open results (lines.Results) as it comes."""
    for _, record in made:
        results.add(record)
        progress.step("result" not in record)
