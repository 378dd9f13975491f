"""The exec binding of SUT contract 1: a request a line on stdin, a response a line on stdout."""

import json
import sys

from .endpoint import Endpoint


def main():
    endpoint = Endpoint()
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, dict):
            response = endpoint.handle(request)
        else:
            response = endpoint.handle({}) | {"error": "the line is no JSON object"}
        print(json.dumps(response, separators=(",", ":")), flush=True)
        if response["ok"] and request["op"] == "bye":
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
