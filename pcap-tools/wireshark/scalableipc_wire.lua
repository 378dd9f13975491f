-- Reads PDUs of ScalableIPC from Lua strings (conformance/RULES.md: WIRE, OPT, ERR), and holds the
-- tables of what is in them. Knows neither Wireshark nor that there are other PDUs.
--
-- A part of scalableipc.lua, which requires it. Wireshark runs each file of its folder of plugins,
-- too, but without the name that `require` passes: then there is nothing to do.
-- SPDX-License-Identifier: MIT

if not ... then return end

local PDU_MIN, PDU_MAX, HEAD, PREFIX = 57, 65500, 47, 8 -- bytes: WIRE-1, WIRE-2
local WINDOW_ID_MAX = 9000000000000000 -- below 2^53: exact as numbers

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
            if first ~= 0xc2 and first ~= 0xc3 then return nil end
            if not second or second < 0x80 or second > 0xbf then return nil end
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

local function number_of(bytes) -- nil above the highest window id
    local number = 0
    for i = 1, 8 do number = number * 256 + bytes:byte(i) end
    return number <= WINDOW_ID_MAX and number or nil
end

return {
    PDU_MIN = PDU_MIN, PDU_MAX = PDU_MAX, HEAD = HEAD, PREFIX = PREFIX,
    WINDOW_ID_MAX = WINDOW_ID_MAX,
    DATA = DATA, DATA_ACK = DATA_ACK, CLOSE = CLOSE, CLOSE_ACK = CLOSE_ACK,
    ENQUIRE_LINK = ENQUIRE_LINK, ENQUIRE_LINK_ACK = ENQUIRE_LINK_ACK,
    opcodes = opcodes, error_codes = error_codes, abort_codes = abort_codes,
    known_options = known_options, discards = discards,
    decode = decode, attributes_of = attributes_of, number_of = number_of, utf8_char = utf8_char,
}
