"""Makes `pytest conformance/suite --sut=...` run the cases: loads the plugin, unless it was loaded
with -p sipc_pytest. SPDX-License-Identifier: MIT"""

import sys
from pathlib import Path

if "sipc_pytest" not in sys.modules:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pytest"))
    from sipc_pytest import *  # noqa: F403
