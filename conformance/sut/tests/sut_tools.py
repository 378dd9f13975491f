"""PDUs for the tests of the adapters, made from the layout of the wire alone."""

SESSION = bytes(range(0xA0, 0xC0))


def option(name, value="True"):
    name, value = name.encode(), value.encode()
    length = (len(name) + len(value) + 1).to_bytes(2, "big")
    return length + name + b"\0" + length + value


def pdu_hex(opcode, window_id, seq_nr, options=(), data=b"", session=SESSION):
    """One PDU as hex, made from the layout of the wire alone."""
    body = session + window_id.to_bytes(8, "big") + seq_nr.to_bytes(4, "big") + bytes([opcode])
    body += b"".join(options) + b"\0\0" + session[:8] + data
    return ((len(body) + 2).to_bytes(2, "big") + body).hex()


WHOLE = [option("s_00"), option("s_01"), option("s_02"), option("s_03")]
