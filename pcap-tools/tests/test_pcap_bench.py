"""`sipc bench pcap` does what it says; its figures are nobody's concern here.
SPDX-License-Identifier: MIT"""


def test_quick(sipc):
    (result,) = sipc("bench", "pcap", "-n", 2000, "--repetitions", 1, "--no-tshark",
                     "--json").lines()
    assert result["packets"] == 2000
    assert all(result[row]["pdu_s"] > 0 for row in ("libpcap", "decode", "audit"))


def test_text_and_usage(sipc):
    out = sipc("bench", "pcap", "-n", 1000, "--repetitions", 3, "--no-tshark").out
    assert [line.split()[1] for line in out.splitlines()[4:]] == ["libpcap", "decode", "audit"]
    assert sipc("bench", "pcap", "-n", 10).code == 2
    assert sipc("bench", "pcap", "x").code == 2
