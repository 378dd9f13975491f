"""Runs the endpoint from any directory: exec:/usr/bin/python3 conformance/pyendpoint/run.py"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scalableipc_endpoint.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
