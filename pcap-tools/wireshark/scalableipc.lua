-- ScalableIPC for Wireshark and tshark (4.0 and later): UDP, TCP and DLT_USER0; see README.md.
--
-- Three layers, each knowing only those before it: scalableipc_wire.lua reads a PDU from a Lua
-- string, scalableipc_track.lua relates the PDUs of a session to each other, and this file finds
-- PDUs in packets and puts both into the tree. What a capture cannot tell for sure (it may have
-- holes, and begin anywhere) is a note or a warning, never an error.
-- SPDX-License-Identifier: MIT

-- The other layers are beside this file, wherever that is.
if (__DIR__ or "") ~= "" then package.path = __DIR__ .. "/?.lua;" .. package.path end
local wire = require("scalableipc_wire")
local tracker = require("scalableipc_track")

local PDU_MIN, PDU_MAX, HEAD, PREFIX = wire.PDU_MIN, wire.PDU_MAX, wire.HEAD, wire.PREFIX
local opcodes, known_options = wire.opcodes, wire.known_options

local sipc = Proto("scalableipc", "ScalableIPC")

local GROUP_MAX = 65500 -- bytes: GRP-1
local info_order = { "first_in_window_group", "last_in_window", "last_in_window_group", "skip",
    "is_window_full", "max_window_size", "error_code", "abort_code", "idle_timeout" }

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
field("int32", "error_code", "error_code", base.DEC, wire.error_codes)
field("int32", "abort_code", "abort_code", base.DEC, wire.abort_codes)
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
    { PI_MALFORMED, PI_ERROR, "WIRE-2 WIRE-3 WIRE-4 WIRE-5 WIRE-6 OPT-2 OPT-4" },
    { PI_MALFORMED, PI_ERROR, "ERR-1 ERR-2a ERR-3a" },
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
        local size = bytes:byte(at) >= 32 and bytes:byte(at) ~= 127 and wire.utf8_char(bytes, at)
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
    local attributes, broken = wire.attributes_of(options)
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
    if size > GROUP_MAX then
        add_expert(tree, "GRP-2", ("%d bytes, 65,500 allowed"):format(size))
    end
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
        local row = wire.discards[pdu.reason]
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
    if pdu.opcode == wire.ENQUIRE_LINK or pdu.opcode == wire.ENQUIRE_LINK_ACK then
        text = opcodes[pdu.opcode]
    end
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
    local pdu = wire.decode(held > 0 and tvb:raw(0, held) or "", size)
    if pdu.session then
        pdu.window_text, pdu.seq_text = tostring(tvb(34, 8):int64()), tostring(tvb(42, 4):int())
    end
    local record = tracker.track(pdu, pinfo, tvb:offset())
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
local noise

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
    local pdu = wire.decode(bytes, size)
    return pdu.terminator_at ~= nil and pdu.data_at <= #bytes and pdu.reason == nil
        and wire.number_of(pdu.window_bytes) ~= nil
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

local function reset()
    noise = {}
    tracker.reset(prefs)
end

reset()
sipc.init = reset

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

-- Counts the frames that pass the filter; `draw` gets the text.
local function start_tap(filter, draw)
    local stats = tracker.new_conversations()
    local tap = Listener.new("frame", filter)
    function tap.packet(pinfo) tracker.count_frame(stats, pinfo.number) end
    function tap.draw() draw(tracker.describe(stats)) end
    function tap.reset() stats = tracker.new_conversations() end
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
