"""The Python endpoint with a fault that shows in some combinations of parameters only: `value`, a
receiver that has no room for a sixteenth PDU; `pair`, one that while opening takes no id which is
100 above the last; `triple`, one that while opening loses an empty PDU which comes before the first
of its window; `both`, the first two. SPDX-License-Identifier: MIT"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pyendpoint"))

from scalableipc_endpoint import receiver  # noqa: E402
from scalableipc_endpoint.__main__ import main  # noqa: E402

FAULT = sys.argv[1]
right = receiver.Receiver.apply


def apply(self, pdu, opening):
    far = opening and self.window_id >= 0 and pdu.window_id == self.window_id + 100
    early = opening and not pdu.data and pdu.seq_nr > 0 and 0 not in self.window
    lost = {"value": pdu.seq_nr == 15, "pair": far, "triple": early,
            "both": far or pdu.seq_nr == 15}[FAULT]
    return receiver.Applied() if lost else right(self, pdu, opening)


receiver.Receiver.apply = apply
sys.exit(main())
