"""The exec binding of SUT contract 1: a request a line on stdin, a response a line on stdout."""

from __future__ import annotations

import json
import sys

from .endpoint import Endpoint


def main() -> int:
    endpoint = Endpoint()
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            response = endpoint.handle({})
            response["error"] = "the line is no JSON object"
        else:
            response = endpoint.handle(request)
        sys.stdout.write(json.dumps(response, separators=(",", ":")) + "\n")
        sys.stdout.flush()
        if response["ok"] and request is not None and request["op"] == "bye":
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
