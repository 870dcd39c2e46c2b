-- What dissects: the tables that stand before this part in ctigw.lua say what there is to dissect.
--
-- Knows frames (eight bytes of header), fixed parts, floating fields and which protocol and version a connection speaks:
-- an OPEN_REQ tells, as the gateway's own decoder has it. Must not know any message.

local HEADER_BYTES = 8
local OPEN_REQ = 3
local MR_OPEN_BODY, CTI_OPEN_BODY = 12, 44 -- smallest bodies of an OPEN_REQ, bytes
local TASK_CONTROL, LAST_SUBTYPE = 47, 12 -- a type 47 with a sub-type from 1 to 12 is MR
local SIZES = { B = 1, b = 1, H = 2, h = 2, I = 4, i = 4 }
local KINDS = { B = "uint8", b = "int8", H = "uint16", h = "int16", I = "uint32", i = "int32" }
local LIKELY_VERSION = 40 -- well above the newest version of both protocols
local PORTS = { 38001, 42027, 43027 }

local gateway = Proto("ctigw", "Contact centre protocols MR and CTI")
local tcp_stream = Field.new("tcp.stream")
local malformed = ProtoExpert.new("ctigw.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
gateway.experts = { malformed }

-- ---- fields

for _, protocol in pairs(PROTOCOLS) do
    local prefix = "ctigw_" .. protocol.name .. "."
    local names, subnames = {}, {}
    for number, known in pairs(protocol.messages) do
        if known.envelope then
            names[number] = "TASK_CONTROL"
            for subtype, inner in pairs(known.inner) do
                subnames[subtype] = inner.otherwise.name
            end
        else
            names[number] = known.otherwise.name
        end
    end
    protocol.proto = Proto("ctigw_" .. protocol.name, protocol.title)
    protocol.header = {
        length = ProtoField.uint32(prefix .. "MessageLength", "MessageLength"),
        type = ProtoField.uint32(prefix .. "MessageType", "MessageType", base.DEC, names),
        subtype = ProtoField.uint32(prefix .. "SubType", "SubType", base.DEC, subnames),
        name = ProtoField.string(prefix .. "Name", "Name"),
        version = ProtoField.uint32(prefix .. "Version", "Version"),
        floating = ProtoField.string(prefix .. "FloatingField", "FloatingField"),
        tag = ProtoField.uint32(prefix .. "Tag", "Tag"),
        bytes = ProtoField.uint32(prefix .. "FieldLength", "FieldLength"),
        raw = ProtoField.bytes(prefix .. "Raw", "Raw"),
        body = ProtoField.bytes(prefix .. "Body", "Body"),
    }
    local all = {}
    for _, field in pairs(protocol.header) do
        all[#all + 1] = field
    end
    protocol.made = {}
    for key, field in pairs(protocol.fields) do
        local kind = protocol.types[field.type]
        local abbreviation = prefix .. field.filter
        local made = { row = field, kind = kind, members = {} }
        if kind.code then
            local enum = field.enum and protocol.enums[field.enum]
            local texts = enum and not enum.flags and not enum.swapped and enum.values or nil
            made.field = ProtoField[KINDS[kind.code]](abbreviation, field.name, base.DEC, texts)
            made.flags = enum and enum.flags and enum.values or nil
            made.swapped = enum and enum.swapped and enum or nil
        elseif field.type == "UNSPEC" then
            made.field = ProtoField.bytes(abbreviation, field.name)
        else
            made.field = ProtoField.string(abbreviation, field.name)
            for place, member in ipairs(kind.members or {}) do
                local code = protocol.types[member.type].code
                local make = code and ProtoField[KINDS[code]] or ProtoField.string
                made.members[place] = make(abbreviation .. "." .. member.name, member.name)
                all[#all + 1] = made.members[place]
            end
        end
        all[#all + 1] = made.field
        protocol.made[key] = made
    end
    protocol.proto.fields = all
end

-- ---- values

-- A text as part of a longer one: printable ASCII, the rest as escapes.
local function readable(data)
    return (data:gsub("[^ -~]", function(byte)
        return string.format("\\x%02x", byte:byte())
    end))
end

-- A text of its own; Wireshark converts it from the bytes. Without bytes it is shown at `place`.
local function add_text(tree, field, range, size, place)
    if size > 0 then
        tree:add_packet_field(field, range:range(0, size), ENC_ISO_8859_1 + ENC_NA)
    else
        tree:add(field, place or range, "")
    end
end

local function number(range, code)
    if code == "B" or code == "H" or code == "I" then
        return range:uint()
    end
    return range:int()
end

-- The bytes of a text: all of them, or all but the NUL that ends it. nil: it is no text.
local function text_bytes(protocol, data)
    local place = data:find("\0", 1, true)
    if not protocol.text_ends_with_nul then
        return not place and #data or nil
    end
    return place == #data and #data > 0 and #data - 1 or nil
end

local current -- the conversation of the frame that is dissected now: { protocol, version, told }

-- The text of a code whose table has two members, which some versions swap.
local function swapped_text(enum, value)
    local turned = current.version >= enum.swapped[1] and current.version <= enum.swapped[2]
    for code, text in pairs(enum.values) do
        if enum.values[value] and (code ~= value) == turned then
            return text
        end
    end
    return "Unknown"
end

local function add_integer(tree, made, range)
    local item = tree:add(made.field, range)
    local value = number(range, made.kind.code)
    if made.swapped and current.told then
        item:set_text(made.row.name .. ": " .. swapped_text(made.swapped, value) .. " (" .. value .. ")")
    elseif made.flags then
        local names = {}
        for _, flag in ipairs(made.flags) do
            if flag[1] > 0 and math.floor(value / flag[1]) % 2 == 1 then
                names[#names + 1] = flag[2]
            end
        end
        item:append_text(" (" .. table.concat(names, ", ") .. ")")
    elseif made.row.type == "TIME" and value > 0 then
        item:append_text(os.date("! (%Y-%m-%d %H:%M:%S UTC)", value))
    end
end

-- A value of several members; `text` says how the whole of it reads.
local function add_members(tree, made, range, spans, text)
    local item = tree:add(made.field, range, text)
    for place, span in ipairs(spans) do
        if span.text then
            add_text(item, made.members[place], span[2] > 0 and range:range(span[1], span[2]) or nil, span[2], range)
        else
            item:add(made.members[place], range:range(span[1], span[2]))
        end
    end
end

local FORMS = {
    TASKID = function(values)
        return table.concat(values, ":")
    end,
    AGENTREF = function(values)
        if values[1] == 0 and values[2] == -1 and values[3] == -1 and values[4] == -1 then
            return "Undefined"
        end
        return string.format("Kind %d, SkillTargetID %d, PeripheralID %d, PeripheralNumber %d", table.unpack(values))
    end,
}

local function plain_form(values)
    return table.concat(values, " ")
end

-- Integers, then perhaps a text; false when the data do not fit.
local function add_compound(protocol, tree, made, range)
    local spans, values, offset, length = {}, {}, 0, range:len()
    for place, member in ipairs(made.kind.members) do
        local code = protocol.types[member.type].code
        if code then
            if offset + SIZES[code] > length then
                return false
            end
            spans[place] = { offset, SIZES[code] }
            values[place] = number(range:range(offset, SIZES[code]), code)
            offset = offset + SIZES[code]
        else
            local data = offset < length and range:range(offset, length - offset) or nil
            local size = text_bytes(protocol, data and data:raw() or "")
            if not size then
                return false
            end
            values[place] = size > 0 and readable(data:range(0, size):raw()) or ""
            spans[place] = { offset, size, text = true }
            offset = length
        end
    end
    if offset ~= length then
        return false
    end
    add_members(tree, made, range, spans, (FORMS[made.row.type] or plain_form)(values))
    return true
end

-- NAMEDVAR and NAMEDARRAY: name NUL value NUL, for arrays with an index byte before it.
local function add_named(tree, made, range)
    local data = range:raw()
    local start = made.row.type == "NAMEDARRAY" and 1 or 0
    local first = data:find("\0", start + 1, true)
    local second = first and data:find("\0", first + 1, true)
    if not second or second ~= #data then
        return false
    end
    local spans, name, value = {}, "", ""
    if start == 1 then
        spans[1] = { 0, 1 }
    end
    if first > start + 1 then
        name = readable(range:range(start, first - 1 - start):raw())
    end
    if second > first + 1 then
        value = readable(range:range(first, second - first - 1):raw())
    end
    spans[#spans + 1] = { start, first - 1 - start, text = true }
    spans[#spans + 1] = { first, second - first - 1, text = true }
    local index = start == 1 and "[" .. range:range(0, 1):uint() .. "]" or ""
    add_members(tree, made, range, spans, name .. index .. "=" .. value)
    return true
end

-- One floating field's data; false: they do not fit the type and stay bytes.
local function add_float(protocol, tree, made, range, array)
    local kind, length = made.kind, range:len()
    if made.row.type == "UNSPEC" then
        tree:add(made.field, range)
        return true
    elseif made.row.type == "STRING" then
        local size = text_bytes(protocol, range:raw())
        if not size then
            return false
        end
        add_text(tree, made.field, range, size)
        return true
    elseif made.row.type == "NAMEDVAR" or made.row.type == "NAMEDARRAY" then
        return add_named(tree, made, range)
    elseif not kind.code then
        return add_compound(protocol, tree, made, range)
    end
    local size = SIZES[kind.code]
    if array and length % size == 0 then
        for offset = 0, length - size, size do
            add_integer(tree, made, range:range(offset, size))
        end
        return true
    end
    if length ~= size then
        return false
    end
    add_integer(tree, made, range)
    return true
end

-- ---- messages

local function float_header(protocol, version)
    for _, header in ipairs(protocol.float_headers) do
        if not header.upto or version <= header.upto then
            return SIZES[header.tag], SIZES[header.length]
        end
    end
end

local function complain(tree, range, problem)
    tree:add_proto_expert_info(malformed, problem)
    if range then
        tree:add(range, "Not dissected: " .. range:len() .. " bytes")
    end
end

local function add_floats(protocol, version, known, tree, body, offset)
    local tag_bytes, length_bytes = float_header(protocol, version)
    local head = protocol.header
    while offset < body:len() do
        local left = body:len() - offset
        if left < tag_bytes + length_bytes then
            return complain(tree, body:range(offset, left), "tag and length of a floating field are cut")
        end
        local tag = body:range(offset, tag_bytes):uint()
        local length = body:range(offset + tag_bytes, length_bytes):uint()
        local start = offset + tag_bytes + length_bytes
        if start + length > body:len() then
            return complain(tree, body:range(offset, left), "floating field " .. tag .. " reaches beyond the message")
        end
        local row = known.floats[tag]
        if row and row.min_version > version then
            row = nil
        end
        local made = row and protocol.made[row.key]
        local name = made and made.row.name or "Tag " .. tag
        local inner = tree:add(head.floating, body:range(offset, start + length - offset), name)
        inner:add(head.tag, body:range(offset, tag_bytes))
        inner:add(head.bytes, body:range(offset + tag_bytes, length_bytes))
        if length == 0 then
            -- An empty text where texts have no NUL; there is no byte that could be shown.
            if made and made.row.type == "STRING" and not protocol.text_ends_with_nul then
                inner:add(made.field, body:range(offset, tag_bytes + length_bytes), "")
            end
        else
            local data = body:range(start, length)
            if not made or not add_float(protocol, inner, made, data, row.array) then
                inner:add(head.raw, data)
            end
        end
        offset = start + length
    end
end

local function add_fixed(protocol, version, known, tree, body, offset)
    for _, row in ipairs(known.fields) do
        if row.min_version <= version then
            local made = protocol.made[row.key]
            local size = made.kind.size
            if offset + size > body:len() then
                complain(tree, nil, made.row.name .. " needs " .. size .. " bytes, " .. body:len() - offset .. " are left")
                return nil
            end
            local range = body:range(offset, size)
            if made.kind.code then
                add_integer(tree, made, range)
            else
                add_compound(protocol, tree, made, range)
            end
            offset = offset + size
        end
    end
    return offset
end

-- The layout of a body, its sub-type and how many bytes that takes; nil for a number that no table has.
local function find(protocol, message_type, body)
    local known = protocol.messages[message_type]
    if not known then
        return nil, nil, 0
    end
    if known.envelope then
        local size = SIZES[known.envelope]
        if body:len() < size then
            return nil, nil, 0
        end
        local subtype = body:range(0, size):uint()
        local inner = known.inner[subtype]
        return inner and (inner[body:len()] or inner.otherwise), subtype, size
    end
    return known[body:len()] or known.otherwise, nil, 0
end

local titles = {} -- of the messages in the packet that is dissected now

local function dissect_message(protocol, version, frame, pinfo, tree)
    local message_type = frame:range(4, 4):uint()
    local body = frame:len() > HEADER_BYTES and frame:range(HEADER_BYTES) or nil
    -- A body without bytes has no range of its own.
    local empty = { len = function() return 0 end }
    local known, subtype, offset = find(protocol, message_type, body or empty)
    local name = known and known.name
    local shown = name or "unknown type " .. message_type .. (subtype and "/" .. subtype or "")
    local branch = tree:add(protocol.proto, frame:range(), protocol.title .. ", " .. shown)
    local head = protocol.header
    branch:add(head.length, frame:range(0, 4))
    branch:add(head.type, frame:range(4, 4))
    branch:add(head.version, version):set_generated()
    if name then
        branch:add(head.name, name):set_generated()
    end
    if subtype then
        branch:add(head.subtype, body:range(0, offset))
    end
    pinfo.cols.protocol = protocol.name:upper()
    titles[#titles + 1] = shown
    pinfo.cols.info = table.concat(titles, ", ")
    if not known or not known.layout then
        if body then
            branch:add(head.body, body)
        end
        return
    end
    offset = add_fixed(protocol, version, known, branch, body or empty, offset)
    if offset and body then
        add_floats(protocol, version, known, branch, body, offset)
    end
end

-- ---- connections

local openings = {} -- tcp.stream -> { frame = number of the packet, protocol, version } in the order of the capture

function gateway.init()
    openings = {}
end

-- Protocol and version that a frame opens; nil when it is no OPEN_REQ.
local function opened(frame, message_type)
    local length = frame:len() - HEADER_BYTES
    if message_type ~= OPEN_REQ or length < MR_OPEN_BODY then
        return nil
    end
    local protocol = length < CTI_OPEN_BODY and PROTOCOLS.mr or PROTOCOLS.cti
    local version = frame:range(HEADER_BYTES + 4, 4):uint()
    return protocol, math.min(math.max(version, protocol.oldest), protocol.newest)
end

local function is_task_control(frame, message_type)
    if message_type ~= TASK_CONTROL or frame:len() < HEADER_BYTES + 4 then
        return false
    end
    local subtype = frame:range(HEADER_BYTES, 4):uint()
    return subtype >= 1 and subtype <= LAST_SUBTYPE
end

local function conversation(frame, pinfo)
    local stream = tcp_stream()
    local key = stream and stream.value or -1
    local known = openings[key]
    if not known then
        known = {}
        openings[key] = known
    end
    local message_type = frame:range(4, 4):uint()
    local protocol, version = opened(frame, message_type)
    if not protocol and #known == 0 and is_task_control(frame, message_type) then
        protocol, version = PROTOCOLS.mr, PROTOCOLS.mr.newest
    end
    if protocol then
        if not pinfo.visited then
            known[#known + 1] = { frame = pinfo.number, protocol = protocol, version = version, told = true }
        end
        return { protocol = protocol, version = version, told = true }
    end
    local latest = known[1] or { protocol = PROTOCOLS.cti, version = PROTOCOLS.cti.newest, told = false }
    for _, opening in ipairs(known) do
        if opening.frame <= pinfo.number then
            latest = opening
        end
    end
    return latest
end

local function frame_length(buffer, pinfo, offset)
    local length = buffer:range(offset, 4):uint()
    if length > PROTOCOLS.cti.max_body then
        return buffer:len() - offset -- no frame any more: what is left is told as it is
    end
    return HEADER_BYTES + length
end

local function dissect_frame(buffer, pinfo, tree)
    local length = buffer:range(0, 4):uint()
    if length > PROTOCOLS.cti.max_body or buffer:len() ~= HEADER_BYTES + length then
        local branch = tree:add(gateway, buffer:range())
        branch:add_proto_expert_info(malformed, "MessageLength " .. length .. " is no length of a frame")
        return buffer:len()
    end
    current = conversation(buffer, pinfo)
    dissect_message(current.protocol, current.version, buffer, pinfo, tree)
    return buffer:len()
end

local function is_tls(buffer)
    local kind = buffer:range(0, 1):uint()
    return buffer:len() >= 3 and kind >= 20 and kind <= 23 and buffer:range(1, 1):uint() == 3
end

function gateway.dissector(buffer, pinfo, tree)
    if buffer:len() == 0 then
        return 0
    end
    if is_tls(buffer) then
        return Dissector.get("tls"):call(buffer, pinfo, tree)
    end
    titles = {}
    dissect_tcp_pdus(buffer, tree, HEADER_BYTES, frame_length, dissect_frame, true)
    return buffer:len()
end

-- On other ports a connection is taken when it begins with an OPEN_REQ of a likely version, also of one that is refused.
local function heuristic(buffer, pinfo, tree)
    if buffer:len() < HEADER_BYTES + MR_OPEN_BODY or buffer:range(4, 4):uint() ~= OPEN_REQ then
        return false
    end
    local length = buffer:range(0, 4):uint()
    if length < MR_OPEN_BODY or length > PROTOCOLS.cti.max_body then
        return false
    end
    local version = buffer:range(HEADER_BYTES + 4, 4):uint()
    if version < 1 or version > LIKELY_VERSION then
        return false
    end
    pinfo.conversation = gateway
    gateway.dissector(buffer, pinfo, tree)
    return true
end

gateway:register_heuristic("tcp", heuristic)
gateway:register_heuristic("tls", heuristic)
for _, port in ipairs(PORTS) do
    DissectorTable.get("tcp.port"):add(port, gateway)
    DissectorTable.get("tls.port"):add(port, gateway)
end
