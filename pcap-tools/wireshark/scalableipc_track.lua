-- Relates the PDUs of a session to each other, in the order of the capture and once: acks, repeats,
-- copies, window groups as a receiver takes them; and counts them for each direction. Knows of
-- Wireshark only where a packet comes from. What a capture cannot tell for sure (it may have holes,
-- and begin anywhere) is a note.
--
-- A part of scalableipc.lua, which requires it; see scalableipc_wire.lua for what begins it.
-- SPDX-License-Identifier: MIT

if not ... then return end

local wire = require("scalableipc_wire")
local number_of, abort_codes, error_codes = wire.number_of, wire.abort_codes, wire.error_codes
local DATA, DATA_ACK, CLOSE, CLOSE_ACK = wire.DATA, wire.DATA_ACK, wire.CLOSE, wire.CLOSE_ACK

local WINDOW_ID_MAX, WINDOW_ID_STEP = wire.WINDOW_ID_MAX, 100 -- WID-3
local RETRY_MIN = 0.001 -- s: no ack_timeout is shorter (SND-7), so a repeat before that is a copy
local WINDOWS_KEPT = 256 -- per flow: late acks and repeats concern newer ones
local PARALLEL_ENQUIRIES = 64

-- A record is kept of each PDU, in `results` by frame: what the tree shows beside the bytes. It is
-- made on the first visit; later PDUs add to earlier records. A flow is one direction of a session
-- as seen from one place: a capture may hold several places (a simulated network: both ends), told
-- apart by the direction flags of its packets.
local results, sessions, directed, settings

-- Forgets all PDUs. `preferences`: `track`, `reassemble`, `require_first`, as they are when asked.
local function reset(preferences)
    results, sessions, directed, settings = {}, {}, {}, preferences
end

local function add_note(record, rule, text, ...)
    record.notes = record.notes or {}
    table.insert(record.notes, { rule, text:format(...) })
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

-- The receiver's window from now on, empty; nil is none.
local function begin_window(receiver, window)
    receiver.current, receiver.pdus, receiver.run, receiver.last = window, {}, 0, nil
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
    receiver.done, receiver.group = receiver.current, group
    begin_window(receiver, nil)
    local final = group.parts[#group.parts]
    if final.last and final.group_end then
        receiver.group = nil
        if group.started or not settings.require_first then
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
    if receiver.current ~= window then begin_window(receiver, window) end
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
        if at_end then at_end.group.frame = nil end
        begin_window(receiver, nil)
        receiver.group, receiver.finished = nil, nil
        if error ~= 252 then receiver.done = window end
    elseif pdu.values.is_window_full and window == receiver.current then
        if receiver.run >= count then
            finish_window(receiver, count, record)
        else -- the capture does not have it all
            receiver.group, receiver.done = nil, window
            begin_window(receiver, nil)
        end
    elseif pdu.values.is_window_full and at_end and count < at_end.count then
        local group = at_end.group
        while #group.parts > at_end.before + count do
            table.remove(group.parts).record.group = nil
        end
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
    if pdu.opcode == DATA_ACK and settings.reassemble then receive_ack(other, pdu, record) end
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
        elseif settings.reassemble then
            receive(flow, pdu, record)
        end
    elseif pdu.opcode == DATA_ACK or pdu.opcode == CLOSE_ACK then
        track_ack(session, flow, pdu, record)
    elseif pdu.opcode == wire.ENQUIRE_LINK then
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
        frame = pinfo.number, time = pinfo.rel_ts, session = pdu.session, opcode = pdu.opcode,
        size = pdu.size, data_size = pdu.data_size or 0, reason = pdu.reason,
        full = pdu.values.is_window_full, error = pdu.values.error_code or 0,
    }
    in_frame[key] = record
    table.insert(in_frame, record)
    if pdu.whole and settings.track then
        record.window_key, record.window = pdu.window_bytes, number_of(pdu.window_bytes)
        if pdu.values.last_in_window_group and not pdu.values.last_in_window then
            add_note(record, "RCV-7", "last_in_window_group without last_in_window means nothing")
        end
        track_whole(pdu, pinfo, record)
    end
    return record
end

-- ---- statistics: a row for each flow ----

local function new_row(session, flow)
    return { session = session.id, place = session.place, flow = flow,
        pdus = 0, bytes = 0, data = 0, repeats = 0, copies = 0, acks = 0, again = 0, full = 0,
        errors = 0, groups = 0, times = 0, sum = 0, least = math.huge, most = 0 }
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

local function new_conversations()
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

-- The table as text.
local function describe(stats)
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
            wire.discards[reason][1]))
    end
    return table.concat(lines, "\n") .. "\n"
end

return {
    reset = reset, track = track,
    new_conversations = new_conversations, count_frame = count_frame, describe = describe,
}
