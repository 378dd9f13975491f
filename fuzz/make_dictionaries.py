#!/usr/bin/python3
"""Writes dictionaries/*.dict, the words of inputs of bytes, from the sources that know them.

Run it after a change of the script language, of options, settings or of what captures are read;
--check only says which are not as they would be written.
"""

import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
root = here.parent
SCRIPT = root / "conformance" / "script" / "src"
BOUNDARIES = [0, 1, 99, 100, 101, 199, 200, 250, 251, 252, 253, 254, 299, 300, 2**31 - 1, 2**31]


def source(*parts):
    return (root.joinpath(*parts)).read_text("utf-8")


def literals(text):
    return re.findall(r'"((?:[^"\\]|\\.)*)"', text)


def quoted(word):
    """As libFuzzer and AFL++ read it."""
    word = word.encode() if isinstance(word, str) else word
    safe = set(range(32, 127)) - set(b'"\\')
    return '"' + "".join(chr(b) if b in safe else f"\\x{b:02x}" for b in word) + '"'


# ---- what there is ----


def option_names():
    return re.findall(r'OPTION_ROW\("([^"]+)"', source("engine", "src", "options.c"))


def settings():
    """Names, and the words some of them take."""
    text = source("conformance", "script", "src", "words.c")
    names = re.findall(r'\{"(\w+)", SX__(?:INTEGER|BOOLEAN|WORD), (?:NULL|\w+_words)', text)
    arrays = re.findall(r"static const char \*const \w+_words\[\] = \{(.*?)\}", text, re.S)
    return names, [word for array in arrays for word in literals(array)]


def script_words(*names):
    """First columns of tables, arrays of words, and words that are asked for one by one."""
    found = []
    for name in names:
        text = (SCRIPT / name).read_text("utf-8")
        found += re.findall(r'\{"([^"\\]+)", ', text)
        for array in re.findall(r"_words\[\] = \{(.*?)\}", text, re.S):
            found += literals(array)
        found += re.findall(r'sx__(?:is|accept|take|eat)\w*\(parser, "([^"\\]+)"', text)
        found += re.findall(r'(?:COUNT|FLAG|WORD|TIME|SHARE)\("(\w+)"\)', text)
    return found


def parser_files():
    return sorted(path.name for path in SCRIPT.glob("parse*.c"))


def constants(text, prefix):
    found = re.findall(rf"\b{prefix}\w* = (0x[0-9a-fA-F]+|\d+)", text)
    return [int(number, 0) for number in found]


# ---- dictionaries ----


def options():
    long = ["s_e_", "s_e_0", "s_e_4294967295", "3:abc", "0:"]
    words = option_names() + long + ["True", "False", "true", "FALSE", "-1", "+1"]
    return words + [str(number) for number in BOUNDARIES]


def pdus():
    """Whole options, as a mutation hardly finds two equal lengths; and fields of the head."""
    words = []
    for name in option_names():
        for value in ("True", "False", "0", "200", "2147483648"):
            length = (len(name) + len(value) + 1).to_bytes(2, "big")
            words.append(length + name.encode() + b"\0" + length + value.encode())
    sizes = [57, 58, 512, 1400, 65500, 65501]
    ids = [100, 101, 9 * 10**15, 9 * 10**15 + 1, 2**63]
    words += [size.to_bytes(2, "big") for size in sizes]
    words += [number.to_bytes(8, "big") for number in ids]
    return words + options()


def scripts():
    marks = "-> <- == => { } ( ) [ ] .. * # : = != < <= > >= + - / , | sx 1".split()
    return script_words("words.c", *parser_files()) + settings()[0] + marks


def scenarios():
    files = ["world_words.c", "parse_world.c", "tape.c", "words.c"]
    more = ["world", "<>", ">", "tape 1", "end 0 faults", "sx 1", "id all"]
    return script_words(*files) + more


def configuration():
    names, words = settings()
    json = ['{"op":"configure","id":1,"settings":{', "}}", '":', ',"', "null", "1e3"]
    numbers = [-1, 0, 1, 2, 56, 57, 511, 512, 65500, 65535, 65536, 2**24, 2**31, 2**32, 2**53]
    numbers += [9 * 10**15, 9 * 10**15 + 1]
    known = ["crash", "hang", "# reason", "*", "?", "WID-3", "ACK-1"]
    return names + words + json + known + [str(number) for number in numbers]


def captures():
    """In both byte orders."""
    blocks = source("pcap-tools", "read", "blocks.c")
    links = source("pcap-tools", "read", "link.c")
    wide = constants(blocks, "BLOCKS_(?:SECTION|INTERFACE|PACKET|STATISTICS|ORDER)")
    wide += constants(links, "LINK_")
    wide += constants(source("pcap-tools", "include", "pcapt", "pcapng.h"), "PCAPT_LINK_")
    wide += [0xA1B2C3D4, 0xA1B23C4D]
    narrow = constants(links, "(?:ETHER|PPP)_")
    words = []
    for numbers, width in ((wide, 4), (narrow, 2)):
        for number in numbers:
            if number < 1 << (8 * width):
                words += [number.to_bytes(width, order) for order in ("big", "little")]
    return words


DICTIONARIES = {
    "fuzz_options": (options, "engine/src/options.c"),
    "fuzz_pdu_decode": (pdus, "engine/src/options.c"),
    "fuzz_script": (scripts, "conformance/script/src"),
    "fuzz_scenario": (scenarios, "conformance/script/src"),
    "fuzz_settings": (configuration, "conformance/script/src/words.c"),
    "fuzz_capture": (captures, "pcap-tools/read"),
}


def write(name):
    words, where = DICTIONARIES[name]
    lines = sorted({quoted(word) for word in words() if word})
    return "\n".join([f"# Written by make_dictionaries.py from {where}.", *lines, ""])


def main():
    check = "--check" in sys.argv[1:]
    stale = []
    for name in DICTIONARIES:
        path = here / "dictionaries" / f"{name}.dict"
        text = write(name)
        if check and (not path.is_file() or path.read_text("utf-8") != text):
            stale.append(path)
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    for path in stale:
        print(f"{path}: not as make_dictionaries.py writes it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
