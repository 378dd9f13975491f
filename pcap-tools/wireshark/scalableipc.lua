-- ScalableIPC for Wireshark and tshark (4.0 and later): UDP, TCP and DLT_USER0; see README.md. One
-- file, however long, so that installing it is copying it.
--
-- Three layers, each knowing only those before it: `decode` reads a PDU from a Lua string
-- (conformance/RULES.md: WIRE, OPT, ERR); `track` relates the PDUs of a session to each other, in
-- the order of the capture and once; `show` puts both into the tree. What a capture cannot tell for
-- sure (it may have holes, and begin anywhere) is a note or a warning, never an error.
-- SPDX-License-Identifier: MIT

local sipc = Proto("scalableipc", "ScalableIPC")

local PDU_MIN, PDU_MAX, HEAD, PREFIX = 57, 65500, 47, 8 -- bytes: WIRE-1, WIRE-2
local WINDOW_ID_MAX, WINDOW_ID_STEP = 9000000000000000, 100 -- below 2^53: exact as numbers
local GROUP_MAX = 65500 -- bytes: GRP-1

local DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE_LINK, ENQUIRE_LINK_ACK = 1, 2, 3, 4, 5, 6
local opcodes = { "data", "data_ack", "close", "close_ack", "enquire_link", "enquire_link_ack" }

local error_codes = {
    [0] = "none", [150] = "session ended", [250] = "window group overflow",
    [251] = "option decoding", [252] = "two-way exchange while opening",
    [253] = "single-window group while opening", [254] = "group without beginning",
}
local abort_codes = {
    [1] = "normal", [2] = "forced", [3] = "idle timeout", [4] = "internal error",
}

-- Known options (OPT-3): field, kind.
local known_options = {
    s_00 = { "first_in_window_group", "boolean" }, s_01 = { "last_in_window", "boolean" },
    s_02 = { "last_in_window_group", "boolean" }, s_03 = { "skip", "boolean" },
    s_10 = { "is_window_full", "boolean" }, s_20 = { "max_window_size", "integer" },
    s_error_code = { "error_code", "integer" }, s_abort_code = { "abort_code", "integer" },
    s_idle_timeout = { "idle_timeout", "integer" }, s_traceId = { "trace_id", "text" },
}
-- Those that frame PDUs (RCV-8a).
local framing = {
    s_00 = true, s_01 = true, s_02 = true, s_03 = true, s_10 = true, s_20 = true,
    s_error_code = true, s_abort_code = true,
}
local info_order = { "first_in_window_group", "last_in_window", "last_in_window_group", "skip",
    "is_window_full", "max_window_size", "error_code", "abort_code", "idle_timeout" }

-- Why a PDU is discarded: the rule, and what to say.
local discards = {
    too_short = { "WIRE-2", "shorter than 57 bytes" },
    too_long = { "WIRE-2", "longer than 65,500 bytes" },
    length_mismatch = { "WIRE-3", "total length is not the real length" },
    negative_window_id = { "WIRE-4", "negative window id" },
    negative_seq_nr = { "WIRE-4", "negative seq_nr" },
    opcode = { "WIRE-6", "no opcode of the wire" },
    option_cut = { "OPT-2", "an option, or the terminator, is cut short" },
    option_lengths = { "OPT-2", "the two lengths of an option differ" },
    option_name = { "OPT-2", "an option's name does not end within its length" },
    session_prefix = { "WIRE-5", "the repeated session id prefix does not match" },
    option_value = { "OPT-4", "a known option has an impossible value" },
    abort_code = { "ERR-1", "abort code not in 1..99" },
    ack_error_code = { "ERR-2a", "error code of a data_ack neither 0 nor in 200..299" },
    link_error_code = { "ERR-3a", "error code of an enquire_link_ack neither 0 nor in 100..199" },
}

-- ---- preferences ----

local prefs = sipc.prefs
prefs.udp_ports = Pref.range("UDP ports", "40001", "Datagrams of these ports are PDUs", 65535)
prefs.tcp_ports = Pref.range("TCP ports", "40001", "Streams of these ports are PDUs", 65535)
prefs.heuristic_udp = Pref.bool("Find PDUs on other UDP ports", true, "By length and prefix")
prefs.heuristic_tcp = Pref.bool("Find PDUs on other TCP ports", true, "By length and prefix")
prefs.user0 = Pref.bool("Packets of DLT_USER0 are PDUs", true, "Link type 147")
prefs.track = Pref.bool("Relate PDUs to each other", true, "Acks, round-trip times, repeats")
prefs.reassemble = Pref.bool("Reassemble window groups", true, "Needs: relate PDUs")
prefs.require_first = Pref.bool("Groups need first_in_window_group (RCV-11)", true,
    "Turn off for peers that never send it")

-- ---- fields ----

local f = sipc.fields
local function field(kind, name, ...)
    f[name] = ProtoField[kind]("scalableipc." .. name, ...)
end
field("uint16", "length", "Total length", base.DEC)
field("bytes", "session", "Session id")
field("int64", "window_id", "Window id", base.DEC)
field("int32", "seq_nr", "seq_nr", base.DEC)
field("uint8", "opcode", "Opcode", base.DEC, opcodes)
field("bytes", "option", "Option")
field("uint16", "option.length", "Length", base.DEC)
field("string", "option.name", "Name", base.UNICODE)
field("uint16", "option.length_again", "Length again", base.DEC)
field("string", "option.value", "Value", base.UNICODE)
field("bool", "first_in_window_group", "first_in_window_group")
field("bool", "last_in_window", "last_in_window")
field("bool", "last_in_window_group", "last_in_window_group")
field("bool", "skip", "skip")
field("bool", "is_window_full", "is_window_full")
field("int32", "max_window_size", "max_window_size", base.DEC)
field("int32", "error_code", "error_code", base.DEC, error_codes)
field("int32", "abort_code", "abort_code", base.DEC, abort_codes)
field("int32", "idle_timeout", "idle_timeout (ms)", base.DEC)
field("string", "trace_id", "trace_id", base.UNICODE)
field("string", "long_attribute", "Piece of long attribute", base.UNICODE)
field("bytes", "terminator", "Terminator")
field("bytes", "session_prefix", "Session id again")
field("bytes", "data", "Data")
field("uint32", "data.length", "Data length", base.DEC)
field("bytes", "noise", "No PDUs")
-- What the dissector finds out.
field("string", "discard", "Discarded for")
field("string", "rule", "Rule")
field("bool", "cut", "Cut by the capture")
field("framenum", "ack_in", "Acknowledged in", base.NONE, frametype.ACK)
field("framenum", "acks", "Acknowledges", base.NONE, frametype.ACK)
field("framenum", "duplicate_ack_of", "Repeated ack of", base.NONE, frametype.DUP_ACK)
field("relative_time", "rtt", "Round-trip time")
field("framenum", "repeat_of", "Repeated PDU of", base.NONE, frametype.RETRANS_PREV)
field("uint32", "repeat_nr", "Repeat", base.DEC)
field("framenum", "copy_of", "Copied by the network or the capture: PDU of", base.NONE)
field("framenum", "group.reassembled_in", "Window group reassembled in", base.NONE)
field("framenum", "group.frame", "PDU in", base.NONE)
field("uint32", "group.windows", "Windows", base.DEC)
field("uint32", "group.pdus", "PDUs", base.DEC)
field("uint32", "group.length", "Length", base.DEC)
field("string", "group.attribute", "Attribute", base.UNICODE)
field("string", "group.attribute.name", "Name", base.UNICODE)
field("string", "group.attribute.value", "Value", base.UNICODE)
field("bytes", "group.attribute.bytes", "Value, as bytes")
field("bytes", "group.data", "Data")

-- One expert info a rule. Which rules are an error is what a decoder can be sure of.
local experts = {}
for _, row in ipairs({
    { PI_MALFORMED, PI_ERROR, "WIRE-2 WIRE-3 WIRE-4 WIRE-5 WIRE-6 OPT-2 OPT-4 ERR-1 ERR-2a ERR-3a" },
    { PI_PROTOCOL, PI_WARN, "WID-2a OPT-8 GRP-2 RCV-7 RCV-4" },
    { PI_SEQUENCE, PI_WARN, "WID-3 SEQ-1 ACK-1 RCV-11" },
    { PI_SEQUENCE, PI_NOTE, "RTY-1 WID-5 WID-7 SND-8 PRT-1 RCV-3" },
    { PI_RESPONSE_CODE, PI_WARN, "ERR-2 ERR-3" },
    { PI_SEQUENCE, PI_CHAT, "CLS-1 CLS-2 OPN-4" },
    { PI_PROTOCOL, PI_CHAT, "OPT-5" },
}) do
    for rule in row[3]:gmatch("%S+") do
        local abbreviation = "scalableipc.expert." .. rule:lower():gsub("-", "_")
        experts[rule] = ProtoExpert.new(abbreviation, rule, row[1], row[2])
    end
end
experts.cut = ProtoExpert.new("scalableipc.expert.cut", "Cut by the capture", PI_UNDECODED, PI_NOTE)
sipc.experts = experts

-- ---- decode ----

local function u16(bytes, at) -- at: from 1
    local high, low = bytes:byte(at, at + 1)
    return high * 256 + low
end

local function parse_boolean(text)
    local small = text:lower()
    if small == "true" then return true end
    if small == "false" then return false end
    return nil
end

local function parse_integer(text) -- int32
    local sign, digits = text:match("^([+-]?)([0-9]+)$")
    if not digits then return nil end
    digits = digits:gsub("^0+", "")
    if #digits > 10 then return nil end
    local number = (sign == "-" and -1 or 1) * (tonumber(digits) or 0)
    if number < -2147483648 or number > 2147483647 then return nil end
    return number
end

-- The option at `at`, whose length is above 0. nil and the reason, or "capture" if its bytes are
-- not in the capture.
local function decode_option(bytes, at, size)
    local length = u16(bytes, at)
    local left = size - at - 1 -- behind the length
    local function short(needed)
        if needed > size then return "option_cut" end
        return needed > #bytes and "capture"
    end
    local nul = bytes:find("\0", at + 2, true)
    if not nul or nul > at + 1 + length or nul > size then
        if not nul and #bytes < math.min(size, at + 1 + length) then return nil, "capture" end
        return nil, left < length and "option_cut" or "option_name"
    end
    local reason = short(nul + 2)
    if reason then return nil, reason end
    if u16(bytes, nul + 1) ~= length then return nil, "option_lengths" end
    local last = nul + 2 + length - (nul - at - 2) - 1
    reason = short(last)
    if reason then return nil, reason end
    return {
        at = at - 1, size = last - at + 1, length = length, name = bytes:sub(at + 2, nul - 1),
        value = bytes:sub(nul + 3, last), value_at = nul + 2,
    }
end

-- Options and terminator from offset HEAD on. The reason they are bad, if they are.
local function decode_options(pdu, bytes, size)
    local at = HEAD + 1
    while true do
        if at + 1 > size then return "option_cut" end
        if at + 1 > #bytes then return "capture" end
        if u16(bytes, at) == 0 then break end
        local option, reason = decode_option(bytes, at, size)
        if not option then return reason end
        table.insert(pdu.options, option)
        at = at + option.size
    end
    pdu.terminator_at = at - 1
    pdu.data_at = at + 1 + PREFIX
    return nil
end

-- The values that count: the last ones (OPT-5). Whether all are possible (OPT-4).
local function decode_values(pdu)
    local good = true
    for _, option in ipairs(pdu.options) do
        local known = known_options[option.name]
        if known then pdu.last[option.name] = option end
    end
    for name, option in pairs(pdu.last) do
        local kind = known_options[name][2]
        if kind == "boolean" then
            option.parsed = parse_boolean(option.value)
        elseif kind == "integer" then
            option.parsed = parse_integer(option.value)
        else
            option.parsed = option.value
        end
        if option.parsed == nil then good = false end
        pdu.values[known_options[name][1]] = option.parsed
    end
    return good
end

local function check_code(pdu)
    local error = pdu.values.error_code or 0
    if pdu.opcode == CLOSE then
        local abort = pdu.values.abort_code or 0
        if abort ~= 0 and (abort < 1 or abort > 99) then return "abort_code" end
    elseif pdu.opcode == DATA_ACK and error ~= 0 and (error < 200 or error > 299) then
        return "ack_error_code"
    elseif pdu.opcode == ENQUIRE_LINK_ACK and error ~= 0 and (error < 100 or error > 199) then
        return "link_error_code"
    end
    return nil
end

-- A PDU of `size` bytes, of which `bytes` are in the capture. Everything that can be read is, but
-- `reason` is the first thing wrong; `cut` says that the capture does not hold what is missing.
local function decode(bytes, size)
    local pdu = { size = size, options = {}, last = {}, values = {}, cut = #bytes < size }
    local function wrong(reason)
        if reason and not pdu.reason then pdu.reason = reason end
    end
    if size < PDU_MIN then wrong("too_short") end
    if size > PDU_MAX then wrong("too_long") end
    if #bytes < HEAD then return pdu end
    pdu.session = bytes:sub(3, 34)
    pdu.window_bytes = bytes:sub(35, 42)
    pdu.seq_nr = u16(bytes, 43) * 65536 + u16(bytes, 45)
    pdu.opcode = bytes:byte(47)
    if u16(bytes, 1) ~= size then wrong("length_mismatch") end
    if bytes:byte(35) > 127 then wrong("negative_window_id") end
    if bytes:byte(43) > 127 then wrong("negative_seq_nr") end
    if not opcodes[pdu.opcode] then wrong("opcode") end
    local reason = decode_options(pdu, bytes, size)
    local good = decode_values(pdu)
    if reason then
        if reason ~= "capture" then wrong(reason) end
        return pdu
    end
    local held = bytes:sub(pdu.terminator_at + 3, math.min(pdu.data_at, size))
    if pdu.data_at > size or held ~= pdu.session:sub(1, #held) then wrong("session_prefix") end
    if not good then wrong("option_value") end
    wrong(check_code(pdu))
    if pdu.data_at <= size then
        pdu.data = bytes:sub(pdu.data_at + 1)
        pdu.data_size = size - pdu.data_at
    end
    pdu.whole = not pdu.reason and #held == PREFIX
    return pdu
end

-- Long attributes (OPT-7): a piece's chars as bytes; nil if it is no Latin-1 in UTF-8.
local function latin1(piece)
    local out, at = {}, 1
    while at <= #piece do
        local first, second = piece:byte(at, at + 1)
        if first >= 128 then
            if (first ~= 0xc2 and first ~= 0xc3) or not second or second < 0x80 or second > 0xbf then
                return nil
            end
            first = (first - 0xc0) * 64 + second - 0x80
            at = at + 1
        end
        table.insert(out, string.char(first))
        at = at + 1
    end
    return table.concat(out)
end

-- The length of the UTF-8 char at `at`, and its UTF-16 code units; nil if there is none.
local function utf8_char(text, at)
    local first, second = text:byte(at, at + 1)
    if not first or first < 0x80 then return first and 1, 1 end
    local size = first >= 0xc2 and first <= 0xdf and 2 or first >= 0xe0 and first <= 0xef and 3
        or first >= 0xf0 and first <= 0xf4 and 4
    if not size or not text:sub(at, at + size - 1):match("^.[\128-\191]+$") then return nil end
    if at + size - 1 > #text then return nil end
    if first == 0xe0 and second < 0xa0 or first == 0xed and second > 0x9f
        or first == 0xf0 and second < 0x90 or first == 0xf4 and second > 0x8f then
        return nil -- overlong, a surrogate, or above U+10FFFF
    end
    return size, size == 4 and 2 or 1
end

-- Name and value of a joined text `<name length>:<name><value>`; nil if it is none (OPT-8).
local function split_long(text)
    local digits = text:match("^([0-9]+):")
    if not digits then return nil end
    local units, at = tonumber(digits), #digits + 2
    local start = at
    while units > 0 do
        local size, taken = utf8_char(text, at)
        if not size or taken > units then return nil end
        at, units = at + size, units - taken
    end
    return text:sub(start, at - 1), text:sub(at)
end

-- What the application gets (RCV-8) of these options: a list of { name, value }, and the key of the
-- first long attribute that cannot be decoded.
local function attributes_of(options)
    local attributes, keys, pieces, broken = {}, {}, {}, nil
    for _, option in ipairs(options) do
        if option.name:sub(1, 4) == "s_e_" then
            if not pieces[option.name] then
                pieces[option.name] = {}
                table.insert(keys, option.name)
            end
            table.insert(pieces[option.name], latin1(option.value) or false)
        elseif not framing[option.name] then
            table.insert(attributes, { option.name, option.value })
        end
    end
    for _, key in ipairs(keys) do
        local name, value
        local good = true
        for _, piece in ipairs(pieces[key]) do good = good and piece end
        if good then name, value = split_long(table.concat(pieces[key])) end
        if name then
            table.insert(attributes, { name, value })
        else
            broken = broken or key
        end
    end
    return attributes, broken
end

-- ---- track ----
--
-- A record is kept of each PDU, in `results` by frame: what the tree shows beside the bytes. It is
-- made on the first visit; later PDUs add to earlier records. A flow is one direction of a session
-- as seen from one place: a capture may hold several places (a simulated network: both ends), told
-- apart by the direction flags of its packets.

local RETRY_MIN = 0.001 -- s: no ack_timeout is shorter (SND-7), so a repeat before that is a copy
local WINDOWS_KEPT = 256 -- per flow: late acks and repeats concern newer ones
local PARALLEL_ENQUIRIES = 64

local results, sessions, noise, directed

local function reset()
    results, sessions, noise, directed = {}, {}, {}, {}
end
reset()
sipc.init = reset

local function add_note(record, rule, text, ...)
    record.notes = record.notes or {}
    table.insert(record.notes, { rule, text:format(...) })
end

local function number_of(bytes) -- nil above the highest window id
    local number = 0
    for i = 1, 8 do number = number * 256 + bytes:byte(i) end
    return number <= WINDOW_ID_MAX and number or nil
end

-- Names of source, destination, and of whoever saw the packet; nil where there are no addresses.
local function ends_of(pinfo)
    local from, to = tostring(pinfo.src), tostring(pinfo.dst)
    if from == "" then return nil end
    from, to = from .. ":" .. pinfo.src_port, to .. ":" .. pinfo.dst_port
    local place = pinfo.p2p_dir == P2P_DIR_SENT and from or pinfo.p2p_dir == P2P_DIR_RECV and to
    return from, to, place or ""
end

-- Where packets have directions, one without has been there before: it is told that it is dropped.
local function is_drop(from, to, place)
    directed[from .. to] = directed[from .. to] or place ~= ""
    return directed[from .. to] and place == ""
end

local function session_of(record, from, to, place)
    local ends = from < to and from .. " " .. to or to .. " " .. from
    local key = place .. "\n" .. ends .. "\n" .. record.session
    local session = sessions[key]
    if not session then
        session = { id = record.session, place = place, flows = {} }
        sessions[key] = session
    end
    local flow = session.flows[from]
    if not flow then
        flow = { from = from, to = to, windows = {}, kept = {}, next_kept = 1, enquiries = {},
            receiver = { pdus = {}, run = 0 } }
        session.flows[from] = flow
    end
    return session, flow
end

-- The group that a full window's PDUs 0..count-1 go to (RCV-6, RCV-8).
local function finish_window(receiver, count, record)
    local group = receiver.group or { parts = {}, windows = 0 }
    if #group.parts == 0 then group.started = receiver.pdus[0].first end
    receiver.finished = { window = receiver.current, group = group, before = #group.parts,
        count = count }
    for seq_nr = 0, count - 1 do
        local part = receiver.pdus[seq_nr]
        part.record.group = group
        table.insert(group.parts, part)
    end
    group.windows = group.windows + 1
    receiver.done, receiver.current = receiver.current, nil
    receiver.pdus, receiver.run, receiver.last = {}, 0, nil
    receiver.group = group
    local final = group.parts[#group.parts]
    if final.last and final.group_end then
        receiver.group = nil
        if group.started or not prefs.require_first then
            group.frame, record.finishes = record.frame, group
        else
            add_note(record, "RCV-11", "ends a window group whose beginning is not here")
        end
    end
end

-- Whether the receiver takes a window id, as far as the capture shows what it has (WID-3 to WID-6).
-- One beyond its reach may follow a hole in the capture: it is believed when a second one fits it.
local function takes_window(receiver, window, record)
    local min = receiver.min
    local again = record.repeat_of or record.copy_of
    if not min or window == receiver.current then return true end
    if window == receiver.done then
        if not again then add_note(record, "WID-5", "its window has been full before") end
        return false
    end
    if min == WINDOW_ID_MAX and window <= WINDOW_ID_STEP then return true end
    if window > min + WINDOW_ID_STEP then
        add_note(record, "WID-3", "window id above %.0f + 100, or PDUs are missing here", min)
        local beyond = receiver.beyond
        receiver.beyond = window
        return beyond ~= nil and window >= beyond and window <= beyond + WINDOW_ID_STEP
    elseif window < min then
        if not again then add_note(record, "WID-3", "window id below %.0f, used before", min) end
        return false
    end
    return true
end

-- A data PDU as the peer's buffers take it (RCV-1 to RCV-6).
local function receive(flow, pdu, record)
    local receiver, window, seq_nr = flow.receiver, record.window, pdu.seq_nr
    if not takes_window(receiver, window, record) then return end
    if receiver.limit and seq_nr >= receiver.limit then
        add_note(record, "SEQ-1", "the peer takes windows of %d PDUs", receiver.limit)
        return
    end
    receiver.min = window
    if pdu.opcode ~= DATA then return end
    if receiver.current ~= window then
        receiver.current, receiver.pdus, receiver.run, receiver.last = window, {}, 0, nil
    end
    local values = pdu.values
    if values.first_in_window_group then receiver.group = nil end
    if values.last_in_window then
        for held, part in pairs(receiver.pdus) do
            if held > seq_nr or part.last and held ~= seq_nr then
                add_note(record, "RCV-3", "PDU %d is cleared by this end of the window", held)
                receiver.pdus[held] = nil
                receiver.run = 0
            end
        end
        receiver.last = seq_nr
    end
    receiver.pdus[seq_nr] = {
        record = record, data = pdu.data, options = pdu.options, cut = pdu.cut,
        first = values.first_in_window_group, last = values.last_in_window,
        group_end = values.last_in_window_group,
    }
    while receiver.pdus[receiver.run] and receiver.run <= (receiver.last or math.huge) do
        receiver.run = receiver.run + 1
    end
    if receiver.run - 1 == receiver.last or receiver.run == receiver.limit then
        finish_window(receiver, receiver.run, record)
    end
end

-- What an ack tells of the receiver's buffers: errors clear them (ACK-3), a full window may be
-- shorter than what was sent (PRT-1).
local function receive_ack(flow, pdu, record)
    local receiver, window, count = flow.receiver, record.window, pdu.seq_nr + 1
    local error, finished = pdu.values.error_code or 0, receiver.finished
    if (pdu.values.max_window_size or 0) > 0 then receiver.limit = pdu.values.max_window_size end
    if window ~= receiver.current and window ~= receiver.done then return end
    local at_end = finished and finished.window == window and finished
    if error ~= 0 then
        if at_end and at_end.group.frame then at_end.group.frame, at_end.group.error = nil, error end
        receiver.current, receiver.pdus, receiver.run, receiver.last = nil, {}, 0, nil
        receiver.group, receiver.finished = nil, nil
        if error ~= 252 then receiver.done = window end
    elseif pdu.values.is_window_full and window == receiver.current then
        if receiver.run >= count then
            finish_window(receiver, count, record)
        else -- the capture does not have it all
            receiver.group, receiver.done, receiver.current = nil, window, nil
            receiver.pdus, receiver.run, receiver.last = {}, 0, nil
        end
    elseif pdu.values.is_window_full and at_end and count < at_end.count then
        local group = at_end.group
        while #group.parts > at_end.before + count do table.remove(group.parts).record.group = nil end
        group.frame, at_end.count, receiver.group = nil, count, group
    end
end

local function window_of(flow, key)
    local window = flow.windows[key]
    if not window then
        window = { pdus = {}, top = -1, acks = {}, acked = -1 }
        flow.windows[key] = window
        local old = flow.kept[flow.next_kept]
        if old then flow.windows[old] = nil end
        flow.kept[flow.next_kept] = key
        flow.next_kept = flow.next_kept % WINDOWS_KEPT + 1
    end
    return window
end

local function track_sent(flow, pdu, record)
    local window = window_of(flow, record.window_key .. (pdu.opcode + 1)) -- what acks it
    local entry = window.pdus[pdu.seq_nr]
    if not entry then
        window.pdus[pdu.seq_nr] = { first = record, last = record, count = 1 }
        window.top = math.max(window.top, pdu.seq_nr)
    elseif record.time - entry.last.time < RETRY_MIN and entry.last.size == record.size then
        record.copy_of = entry.last.frame
    else
        entry.count = entry.count + 1
        window.repeated = true
        record.repeat_of, record.repeat_nr = entry.first.frame, entry.count - 1
        add_note(record, "RTY-1", "repeats the PDU of frame %d", entry.first.frame)
        if entry.first.size ~= record.size then
            add_note(record, "RCV-4", "repeats it with other contents")
        end
        entry.last = record
    end
    if pdu.opcode == CLOSE then
        local code = pdu.values.abort_code or 0
        if code == 0 then code = 1 end
        add_note(record, code == 1 and "CLS-1" or "CLS-2", "close: %s", abort_codes[code] or code)
    elseif pdu.values.skip and pdu.seq_nr == 0 and not entry then
        add_note(record, "OPN-4", "restrictions while opening are skipped")
    end
end

-- Whether acks of this flow are seen where what they ack was sent, or midway.
local function sees_round_trips(session, flow)
    return session.place == "" or session.place == flow.to
end

-- The flow and window an ack is for; nil if the capture has no PDU of it.
local function find_acked(session, flow, key)
    for _, other in pairs(session.flows) do
        if other ~= flow and other.windows[key] then return other, other.windows[key] end
    end
    return nil
end

local function track_ack(session, flow, pdu, record)
    local error = pdu.values.error_code or 0
    if error ~= 0 then
        add_note(record, "ERR-2", "error %d: %s", error, error_codes[error] or "not listed")
    end
    local other, window = find_acked(session, flow, record.window_key .. pdu.opcode)
    if not other then
        add_note(record, "SND-8", "no PDU of this window is here")
        return
    end
    local entry = window.pdus[pdu.seq_nr]
    local ack_key = ("%d %s %d"):format(pdu.seq_nr, pdu.values.is_window_full or false, error)
    if not entry then
        add_note(record, "ACK-1", "the capture has no PDU %d of this window", pdu.seq_nr)
    else
        record.acks = entry.last.frame
        if window.acks[ack_key] then
            record.duplicate_ack_of = window.acks[ack_key]
        elseif sees_round_trips(session, flow) and not window.repeated
            and pdu.seq_nr > window.acked then
            record.rtt = record.time - entry.last.time
        end
        window.acks[ack_key] = window.acks[ack_key] or record.frame
        window.acked = math.max(window.acked, pdu.seq_nr)
        for seq_nr, sent in pairs(window.pdus) do
            if seq_nr <= pdu.seq_nr then
                sent.first.ack_in = sent.first.ack_in or record.frame
                sent.last.ack_in = sent.last.ack_in or record.frame
            end
        end
    end
    if pdu.values.is_window_full and pdu.seq_nr < window.top then
        add_note(record, "PRT-1", "the window was taken up to PDU %d of %d", pdu.seq_nr, window.top)
    end
    if pdu.opcode == DATA_ACK and prefs.reassemble then receive_ack(other, pdu, record) end
end

-- Enquire links have no numbers: an ack is for the newest, and times only a single one (LNK-1).
local function track_enquiry_ack(session, flow, pdu, record)
    if pdu.values.error_code == 150 then add_note(record, "ERR-3", "nack: the session ended") end
    for _, other in pairs(session.flows) do
        local sent = other.enquiries
        if other ~= flow and #sent > 0 then
            record.acks = sent[#sent].frame
            if #sent == 1 and sees_round_trips(session, flow) then
                record.rtt = record.time - sent[1].time
            end
            for _, enquiry in ipairs(sent) do enquiry.ack_in = enquiry.ack_in or record.frame end
            other.enquiries = {}
            return
        end
    end
end

local function track_whole(pdu, pinfo, record)
    local from, to, place = ends_of(pinfo)
    if not from or is_drop(from, to, place) then return end
    local session, flow = session_of(record, from, to, place)
    record.in_session, record.flow = session, flow
    if pdu.opcode == DATA or pdu.opcode == CLOSE then
        track_sent(flow, pdu, record)
        if not record.window then
            add_note(record, "WID-2a", "window id above 9E15")
        elseif prefs.reassemble then
            receive(flow, pdu, record)
        end
    elseif pdu.opcode == DATA_ACK or pdu.opcode == CLOSE_ACK then
        track_ack(session, flow, pdu, record)
    elseif pdu.opcode == ENQUIRE_LINK then
        if #flow.enquiries >= PARALLEL_ENQUIRIES then table.remove(flow.enquiries, 1) end
        table.insert(flow.enquiries, record)
    else
        track_enquiry_ack(session, flow, pdu, record)
    end
end

-- The record of a PDU at `offset` of its frame.
local function track(pdu, pinfo, offset)
    local in_frame = results[pinfo.number]
    if not in_frame then
        in_frame = {}
        results[pinfo.number] = in_frame
    end
    local key = ("%d %s"):format(offset, (pdu.session or "") .. (pdu.window_bytes or ""))
        .. (pdu.seq_nr or "") .. (pdu.opcode or "")
    if in_frame[key] or pinfo.visited then return in_frame[key] or {} end
    local record = {
        frame = pinfo.number, time = pinfo.rel_ts, session = pdu.session, opcode = pdu.opcode, size = pdu.size, data_size = pdu.data_size or 0,
        reason = pdu.reason, full = pdu.values.is_window_full, error = pdu.values.error_code or 0,
    }
    in_frame[key] = record
    table.insert(in_frame, record)
    if pdu.whole and prefs.track then
        record.window_key, record.window = pdu.window_bytes, number_of(pdu.window_bytes)
        if pdu.values.last_in_window_group and not pdu.values.last_in_window then
            add_note(record, "RCV-7", "last_in_window_group without last_in_window means nothing")
        end
        track_whole(pdu, pinfo, record)
    end
    return record
end

-- ---- show ----

local TEXT_MAX = 100 -- chars of a name or value in a line; the fields below it have them all

local function add_expert(item, rule, text)
    item:add_proto_expert_info(experts[rule], rule .. ": " .. text)
    item:add(f.rule, rule):set_generated(true)
end

local function add_generated(tree, name, value)
    if value ~= nil then tree:add(f[name], value):set_generated(true) end
end

-- Text that can be shown: its start, dots for what is no text.
local function printable(bytes)
    local out, at = {}, 1
    while at <= #bytes and #out < TEXT_MAX do
        local size = bytes:byte(at) >= 32 and bytes:byte(at) ~= 127 and utf8_char(bytes, at)
        table.insert(out, size and bytes:sub(at, at + size - 1) or ".")
        at = at + (size or 1)
    end
    return table.concat(out) .. (at <= #bytes and "…" or "")
end

local function show_option(tree, tvb, pdu, option)
    local item = tree:add(f.option, tvb(option.at, option.size))
    local known = known_options[option.name]
    local name = known and ("%s (%s)"):format(option.name, known[1]) or option.name
    local at_name, at_value = option.at + 2, option.value_at
    item:set_text("Option: " .. printable(name) .. " = " .. printable(option.value))
    item:add(f["option.length"], tvb(option.at, 2))
    item:add_packet_field(f["option.name"], tvb(at_name, #option.name), ENC_UTF_8)
    item:add(f["option.length_again"], tvb(at_value - 2, 2))
    item:add_packet_field(f["option.value"], tvb(at_value, #option.value), ENC_UTF_8)
    if option.name:sub(1, 4) == "s_e_" then
        item:add_packet_field(f.long_attribute, tvb(at_value, #option.value), ENC_UTF_8)
    elseif known and pdu.last[option.name] ~= option then
        add_expert(item, "OPT-5", "a later option of this name counts")
    elseif known and option.parsed == nil then
        add_expert(item, "OPT-4", "no " .. known[2])
    elseif known and known[2] == "text" then
        item:add_packet_field(f[known[1]], tvb(at_value, #option.value), ENC_UTF_8)
    elseif known then
        item:add(f[known[1]], tvb(at_value, #option.value), option.parsed)
    end
end

-- Field, offset, size.
local head_fields = {
    { "length", 0, 2 }, { "session", 2, 32 }, { "window_id", 34, 8 }, { "seq_nr", 42, 4 },
    { "opcode", 46, 1 },
}

local function show_bytes(root, tvb, pdu)
    if tvb:len() == 0 then return end
    if pdu.size < HEAD then
        root:add(f.noise, tvb())
        return
    end
    for _, row in ipairs(head_fields) do
        if row[2] + row[3] > tvb:len() then return end
        root:add(f[row[1]], tvb(row[2], row[3]))
    end
    if #pdu.options > 0 then
        local first, last = pdu.options[1], pdu.options[#pdu.options]
        local range = tvb(first.at, last.at + last.size - first.at)
        local options = root:add(range, ("Options: %d"):format(#pdu.options))
        for _, option in ipairs(pdu.options) do show_option(options, tvb, pdu, option) end
    end
    local at = pdu.terminator_at
    if at then
        root:add(f.terminator, tvb(at, 2))
        local held = math.min(PREFIX, tvb:len() - at - 2)
        if held > 0 then root:add(f.session_prefix, tvb(at + 2, held)) end
        if pdu.data and #pdu.data > 0 then root:add(f.data, tvb(pdu.data_at, #pdu.data)) end
        if pdu.data_size then add_generated(root, "data.length", pdu.data_size) end
    elseif tvb:len() > HEAD then
        local last = pdu.options[#pdu.options]
        local rest = last and last.at + last.size or HEAD
        if rest < tvb:len() then root:add(f.noise, tvb(rest)) end
    end
end

local function show_attributes(tree, attributes)
    for _, attribute in ipairs(attributes) do
        local name, value = attribute[1], attribute[2]
        local item = tree:add(f["group.attribute"], printable(name) .. " = " .. printable(value))
        item:set_generated(true)
        item:add(f["group.attribute.name"], printable(name)):set_generated(true)
        item:add(f["group.attribute.value"], printable(value)):set_generated(true)
        if #value > 0 then
            local bytes = ByteArray.new(value, true):tvb("Attribute " .. printable(name))
            item:add(f["group.attribute.bytes"], bytes())
        end
    end
end

-- The window group that this PDU makes whole: its PDUs, attributes, and data as bytes of their own.
local function show_group(root, group)
    local data, options, size, cut = {}, {}, 0, false
    for _, part in ipairs(group.parts) do
        table.insert(data, part.data)
        for _, option in ipairs(part.options) do table.insert(options, option) end
        cut = cut or part.cut
    end
    local attributes, broken = attributes_of(options)
    local joined = table.concat(data)
    size = #joined
    for _, attribute in ipairs(attributes) do size = size + #attribute[1] + #attribute[2] end
    local tree = root:add(sipc, ("Window group of %d bytes"):format(#joined))
    tree:set_generated(true)
    add_generated(tree, "group.windows", group.windows)
    add_generated(tree, "group.pdus", #group.parts)
    add_generated(tree, "group.length", #joined)
    for _, part in ipairs(group.parts) do
        add_generated(tree, "group.frame", part.record.frame)
    end
    show_attributes(tree, attributes)
    if broken then add_expert(tree, "OPT-8", broken .. " cannot be decoded as a long attribute") end
    if size > GROUP_MAX then add_expert(tree, "GRP-2", ("%d bytes, 65,500 allowed"):format(size)) end
    if cut then
        tree:add_proto_expert_info(experts.cut, "its PDUs are cut by the capture")
    elseif #joined > 0 then
        tree:add(f["group.data"], ByteArray.new(joined, true):tvb("Window group")())
    end
end

local function show_record(root, pdu, record)
    if pdu.cut then
        add_generated(root, "cut", true)
        root:add_proto_expert_info(experts.cut)
    end
    if pdu.reason then
        local row = discards[pdu.reason]
        add_generated(root, "discard", pdu.reason)
        add_expert(root, row[1], row[2])
    end
    for _, name in ipairs({ "repeat_of", "repeat_nr", "copy_of", "ack_in", "acks",
        "duplicate_ack_of" }) do
        add_generated(root, name, record[name])
    end
    if record.rtt then
        local ns = math.floor(record.rtt * 1e9 + 0.5)
        add_generated(root, "rtt", NSTime.new(math.floor(ns / 1e9), ns % 1e9))
    end
    for _, note in ipairs(record.notes or {}) do add_expert(root, note[1], note[2]) end
    local group = record.group
    if group and group.frame then
        add_generated(root, "group.reassembled_in", group.frame)
    end
    if record.finishes and record.finishes.frame then show_group(root, record.finishes) end
end

-- "data 1:3 {last_in_window, trace_id} 1330 B", for the list of packets.
local function summary(pdu, record)
    if not pdu.session then return pdu.cut and "PDU, cut by the capture" or "no PDU" end
    local words = {}
    for _, name in ipairs(info_order) do
        local value = pdu.values[name]
        if value == true then
            table.insert(words, name)
        elseif value then
            table.insert(words, ("%s=%s"):format(name, tostring(value)))
        end
    end
    local window = pdu.window_text .. ":" .. pdu.seq_text
    local text = (opcodes[pdu.opcode] or "opcode " .. pdu.opcode) .. " " .. window
    if pdu.opcode == ENQUIRE_LINK or pdu.opcode == ENQUIRE_LINK_ACK then text = opcodes[pdu.opcode] end
    if #words > 0 then text = text .. " {" .. table.concat(words, " ") .. "}" end
    if (pdu.data_size or 0) > 0 then text = ("%s %d B"):format(text, pdu.data_size) end
    if record.repeat_of then text = text .. " [repeat of " .. record.repeat_of .. "]" end
    if pdu.reason then text = text .. " [" .. pdu.reason .. "]" end
    return text
end

local several -- PDUs in this packet so far

-- One PDU: a datagram, or a frame of a stream. Its size is that of the tvb, unless given. Returns
-- the bytes it took: all.
local function dissect_pdu(tvb, pinfo, tree, size)
    size = size or tvb:reported_len()
    local held = math.min(tvb:len(), size)
    local pdu = decode(held > 0 and tvb:raw(0, held) or "", size)
    if pdu.session then
        pdu.window_text, pdu.seq_text = tostring(tvb(34, 8):int64()), tostring(tvb(42, 4):int())
    end
    local record = track(pdu, pinfo, tvb:offset())
    pinfo.cols.protocol = "ScalableIPC"
    local text = summary(pdu, record)
    pinfo.cols.info:append((several and ", " or "") .. text)
    pinfo.cols.info:fence()
    several = true
    local root = tree:add(sipc, tvb(), "ScalableIPC " .. text)
    show_bytes(root, tvb, pdu)
    show_record(root, pdu, record)
    return tvb:len()
end

-- ---- streams (WIRE-3) ----

local function frame_length(tvb, _, offset)
    local length = tvb(offset, 2):uint()
    if length < PDU_MIN or length > PDU_MAX then return tvb:reported_length_remaining(offset) end
    return length
end

-- Directions of connections in which a frame of impossible length was met: in `noise` for each the
-- frames from which, and up to which, nothing can be read. What looks like a PDU again is the first
-- of a new connection of the same ports.
local function stream_noise(pinfo)
    local key = ("%s:%d>%s:%d"):format(tostring(pinfo.src), pinfo.src_port, tostring(pinfo.dst),
        pinfo.dst_port)
    noise[key] = noise[key] or {}
    return noise[key]
end

local function show_noise(tvb, pinfo, tree, is_first)
    local root = tree:add(sipc, tvb(), "ScalableIPC: not readable from here on")
    pinfo.cols.protocol = "ScalableIPC"
    pinfo.cols.info:append((several and ", " or "") .. "not readable")
    root:add(f.noise, tvb())
    if is_first then
        add_expert(root, "WIRE-3", "a frame of impossible length: the connection is to be closed")
    end
    return tvb:len()
end

local function dissect_frame(tvb, pinfo, tree)
    local length = tvb(0, 2):uint()
    if length >= PDU_MIN and length <= PDU_MAX then return dissect_pdu(tvb, pinfo, tree) end
    if not pinfo.visited then
        table.insert(stream_noise(pinfo), { first = pinfo.number, last = math.huge })
    end
    return show_noise(tvb, pinfo, tree, true)
end

-- A segment of which the capture holds a part only: what it holds, frame by frame. (TCP's own
-- desegmentation wants whole segments.)
local function dissect_cut_segment(tvb, pinfo, tree)
    local at = 0
    while tvb:len() >= at + 2 do
        local length = tvb(at, 2):uint()
        if length < PDU_MIN or length > PDU_MAX then
            return dissect_frame(tvb(at):tvb(), pinfo, tree)
        end
        local held = math.min(length, tvb:len() - at)
        dissect_pdu(tvb(at, held):tvb(), pinfo, tree, length)
        at = at + length
    end
end

local function is_tcp(pinfo)
    return pinfo.port_type == 2
end

-- ---- where PDUs are looked for ----

-- Whether these bytes begin with a PDU: a length that is possible, ids that are, an opcode, and
-- the repeated prefix behind well-formed options. Chance: below 2^-64 for bytes without meaning.
local function looks_like_pdu(tvb, size)
    local held = math.min(tvb:len(), size)
    if held < PDU_MIN or size > PDU_MAX then return false end
    local bytes = tvb:raw(0, held)
    local pdu = decode(bytes, size)
    return pdu.terminator_at ~= nil and pdu.data_at <= #bytes and pdu.reason == nil
        and number_of(pdu.window_bytes) ~= nil
end

function sipc.dissector(tvb, pinfo, tree)
    pinfo.cols.info:clear() -- what is fenced stays: PDUs of this packet that came before
    several = #tostring(pinfo.cols.info) > 0
    if not is_tcp(pinfo) then return dissect_pdu(tvb, pinfo, tree) end
    for _, span in ipairs(stream_noise(pinfo)) do
        if span.last > pinfo.number and span.first < pinfo.number then
            local length = tvb:len() >= PDU_MIN and tvb(0, 2):uint() or 0
            if pinfo.visited or not looks_like_pdu(tvb, length) then
                return tvb:len() > 0 and show_noise(tvb, pinfo, tree, false) or 0
            end
            span.last = pinfo.number
        end
    end
    if tvb:len() < tvb:reported_len() then
        dissect_cut_segment(tvb, pinfo, tree)
    else
        dissect_tcp_pdus(tvb, tree, 2, frame_length, dissect_frame)
    end
    return tvb:len()
end

sipc:register_heuristic("udp", function(tvb, pinfo, tree)
    if not prefs.heuristic_udp or not looks_like_pdu(tvb, tvb:reported_len()) then return false end
    sipc.dissector(tvb, pinfo, tree)
    pinfo.conversation = sipc
    return true
end)

sipc:register_heuristic("tcp", function(tvb, pinfo, tree)
    if not prefs.heuristic_tcp or tvb:len() < PDU_MIN then return false end
    local length = tvb(0, 2):uint()
    if not looks_like_pdu(tvb, length) then return false end
    sipc.dissector(tvb, pinfo, tree)
    pinfo.conversation = sipc
    return true
end)

local registered = {}

local function register(table_name, pattern)
    local dissectors = DissectorTable.get(table_name)
    if registered[table_name] then dissectors:remove(registered[table_name], sipc) end
    registered[table_name] = pattern
    if pattern then dissectors:add(pattern, sipc) end
end

local function register_all()
    register("udp.port", prefs.udp_ports ~= "" and prefs.udp_ports or nil)
    register("tcp.port", prefs.tcp_ports ~= "" and prefs.tcp_ports or nil)
    register("wtap_encap", prefs.user0 and wtap.USER0 or nil)
end

register_all()
sipc.prefs_changed = register_all
DissectorTable.get("udp.port"):add_for_decode_as(sipc)
DissectorTable.get("tcp.port"):add_for_decode_as(sipc)

-- ---- statistics ----
--
-- `tshark -q -z scalableipc,conv[,FILTER]`, and a window of Wireshark: a line for each direction of
-- a session as seen from one place. Times are of unambiguous acks only.

local function new_row(session, flow)
    return { session = session.id, place = session.place, flow = flow, pdus = 0, bytes = 0, data = 0,
        repeats = 0, copies = 0, acks = 0, again = 0, full = 0, errors = 0, groups = 0,
        times = 0, sum = 0, least = math.huge, most = 0 }
end

local function count_record(row, record)
    local function count(name, condition)
        if condition then row[name] = row[name] + 1 end
    end
    row.pdus, row.bytes = row.pdus + 1, row.bytes + record.size
    count("repeats", record.repeat_of)
    count("copies", record.copy_of)
    count("groups", record.finishes and record.finishes.frame)
    count("acks", record.opcode == DATA_ACK or record.opcode == CLOSE_ACK)
    count("again", record.duplicate_ack_of)
    count("full", record.full)
    count("errors", record.error ~= 0)
    if record.opcode == DATA and not record.repeat_of and not record.copy_of then
        row.data = row.data + record.data_size
    end
    if record.rtt then
        local time = record.rtt
        row.times, row.sum = row.times + 1, row.sum + time
        row.least, row.most = math.min(row.least, time), math.max(row.most, time)
    end
end

local function new_table()
    return { rows = {}, by_flow = {}, broken = {} }
end

local function count_frame(stats, frame)
    for _, record in ipairs(results[frame] or {}) do
        local flow = record.flow
        if record.reason then
            stats.broken[record.reason] = (stats.broken[record.reason] or 0) + 1
        elseif flow then
            if not stats.by_flow[flow] then
                stats.by_flow[flow] = new_row(record.in_session, flow)
                table.insert(stats.rows, stats.by_flow[flow])
            end
            count_record(stats.by_flow[flow], record)
        end
    end
end

local function hex(bytes)
    return (bytes:gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

local function print_table(stats)
    local lines = { "ScalableIPC conversations", ("%-16s %-43s %-21s %7s %10s %10s %7s %6s %6s %5s "
        .. "%5s %6s %6s %27s"):format("session", "direction", "seen at", "PDUs", "bytes", "data",
        "repeats", "copies", "acks", "again", "full", "errors", "groups",
        "round trip min/mean/max ms") }
    for _, row in ipairs(stats.rows) do
        local times = row.times == 0 and "-" or ("%.3f/%.3f/%.3f"):format(row.least * 1e3,
            row.sum / row.times * 1e3, row.most * 1e3)
        table.insert(lines, ("%-16s %-43s %-21s %7d %10d %10d %7d %6d %6d %5d %5d %6d %6d %27s")
            :format(hex(row.session:sub(1, 8)), row.flow.from .. " > " .. row.flow.to,
            row.place == "" and "-" or row.place, row.pdus, row.bytes, row.data, row.repeats,
            row.copies, row.acks, row.again, row.full, row.errors, row.groups, times))
    end
    local reasons = {}
    for reason in pairs(stats.broken) do table.insert(reasons, reason) end
    table.sort(reasons)
    for _, reason in ipairs(reasons) do
        table.insert(lines, ("discarded: %d for %s (%s)"):format(stats.broken[reason], reason,
            discards[reason][1]))
    end
    return table.concat(lines, "\n") .. "\n"
end

-- Counts the frames that pass the filter; `draw` gets the text.
local function start_tap(filter, draw)
    local stats = new_table()
    local tap = Listener.new("frame", filter)
    function tap.packet(pinfo) count_frame(stats, pinfo.number) end
    function tap.draw() draw(print_table(stats)) end
    function tap.reset() stats = new_table() end
    return tap
end

register_stat_cmd_arg("scalableipc,conv", function(argument)
    local filter = (argument or ""):match("^scalableipc,conv,(.+)$")
    start_tap(filter, function(text) io.stdout:write(text) end)
end)

if gui_enabled() then
    register_menu("ScalableIPC conversations", function()
        local window = TextWindow.new("ScalableIPC conversations")
        local tap = start_tap(nil, function(text) window:set(text) end)
        window:set_atclose(function() tap:remove() end)
        retap_packets()
    end, MENU_STAT_UNSORTED)
end
