-- Refuses JSON bodies that say what the contract does not: unknown fields, fields given twice, two fields of a oneof.
-- Envoy's transcoder drops unknown fields without a word, so a misspelt field would look as if it had been obeyed.
--
-- Routes with a JSON body run this before the transcoder (routes.py); their metadata names the body's message and the
-- field that it fills. The body is read once, never changed. It is bounded by the route's buffer limit, and nesting by
-- MAX_DEPTH. JSON here is RFC 8259 and nothing more: the transcoder's parser takes single quotes and trailing commas
-- too, and what two parsers read differently could slip through between them.

local MAX_DEPTH = 64
local MAX_VIOLATIONS = 20
local MAX_SHOWN = 64 -- bytes of a caller's name that an answer repeats

local byte, find, format, rep, sub = string.byte, string.find, string.format, string.rep, string.sub
local floor, min, max = math.floor, math.min, math.max

-- ---------------------------------------------------------------- the contract

-- name of a message -> { fields = every accepted spelling -> field, names = the spellings to suggest }.
-- A field is { proto name, JSON name, list =, map =, message =, free =, oneof = }.
local MESSAGES = {}

local function message(name, fields)
  local known = { fields = {}, names = {} }
  for position, field in ipairs(fields) do
    known.fields[field[1]] = field
    known.fields[field[2]] = field
    known.names[position] = field[2]
  end
  MESSAGES[name] = known
end

-- ${messages}

-- ---------------------------------------------------------------- what is said about a body

-- The body under inspection. A check runs to its end without yielding, so one set of variables per worker is enough.
local text, position, depth, violations
-- Fields that the path says too: proto name -> value there; and the level where the body has them.
local bound, bound_level
-- Where we are: names and (zero-based) indices from the request down.
local trail = {}

local function shown(name)
  name = sub(name, 1, MAX_SHOWN)
  return (name:gsub("[%z\1-\31\127-\255]", "?"))
end

local function where(last)
  local path = ""
  for level = 1, #trail do
    local step = trail[level]
    if type(step) == "number" then
      path = path .. "[" .. step .. "]"
    else
      path = path .. (path == "" and "" or ".") .. step
    end
  end
  if last then
    path = path .. (path == "" and "" or ".") .. last
  end
  return path
end

local STOP = {} -- thrown when there is nothing more to look for

local function malformed(expected)
  error({ malformed = expected, at = min(position, #text + 1) - 1 }, 0)
end

local function violation(reason, name, description)
  violations[#violations + 1] = { reason = reason, field = where(name), description = description }
  if #violations == MAX_VIOLATIONS then
    error(STOP, 0)
  end
end

-- ---------------------------------------------------------------- the nearest known name

-- Changes of one letter, or swaps of two neighbours, that turn a into b (optimal string alignment).
local function distance(a, b)
  local before, last, row = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    row[0] = i
    for j = 1, #b do
      local cost = byte(a, i) == byte(b, j) and 0 or 1
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and byte(a, i) == byte(b, j - 1) and byte(a, i - 1) == byte(b, j) then
        row[j] = min(row[j], before[j - 2] + 1)
      end
    end
    before, last, row = last, row, before
  end
  return last[#b]
end

local function nearest(name, names)
  local wanted = sub(name, 1, MAX_SHOWN):lower():gsub("[_-]", "")
  local best, least = nil, max(1, floor(#wanted / 3)) + 1
  for _, each in ipairs(names) do
    local lower = each:lower()
    -- A name cut short (rot, desc) is as near as one wrong letter.
    local begins = #wanted > 2 and sub(lower, 1, #wanted) == wanted
    local changes = begins and 1 or distance(wanted, lower)
    if changes < least then
      best, least = each, changes
    end
  end
  return best
end

local function unknown(name, known)
  local close = nearest(name, known.names)
  if close then
    return format("There is no such field. Did you mean %s?", close)
  end
  local names = table.concat(known.names, ", ", 1, min(#known.names, 12))
  if names == "" then
    return "There is no such field: this message has none."
  end
  return format("There is no such field. The fields are: %s%s.", names, #known.names > 12 and " ..." or "")
end

-- ---------------------------------------------------------------- JSON

local SPACE = { [9] = true, [10] = true, [13] = true, [32] = true }
local ESCAPED = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local QUOTE, BACKSLASH, COMMA, COLON = 34, 92, 44, 58
local BRACE, BRACE_END, BRACKET, BRACKET_END = 123, 125, 91, 93

-- The next byte that is not white space; `position` is at it. nil at the end.
local function peek()
  local code = byte(text, position)
  while SPACE[code] do
    position = position + 1
    code = byte(text, position)
  end
  return code
end

local function expect(code, expected)
  if peek() ~= code then
    malformed(expected)
  end
  position = position + 1
end

local function utf8(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + floor(code / 64), 0x80 + code % 64)
  end
  return string.char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
end

-- Steps over an escape, whose backslash is at `position`, and returns what it stands for. A surrogate pair comes out as
-- two halves; no field has such a name, so that is all the same.
local function escape()
  local letter = sub(text, position + 1, position + 1)
  if ESCAPED[letter] then
    position = position + 2
    return ESCAPED[letter]
  end
  local digits = letter == "u" and text:match("^%x%x%x%x", position + 2)
  if not digits then
    malformed("an escape that JSON has")
  end
  position = position + 6
  return utf8(tonumber(digits, 16))
end

-- Steps over a string and returns it, or, with `skip`, nothing.
local function string_value(skip)
  position = position + 1
  local start, parts = position, nil
  while true do
    local stop = find(text, '[%z\1-\31"\\]', position)
    if not stop then
      position = #text + 1
      malformed("the end of a string")
    end
    local code = byte(text, stop)
    position = stop
    if code == QUOTE then
      position = stop + 1
      if skip then
        return nil
      end
      local rest = sub(text, start, stop - 1)
      return parts and table.concat(parts) .. rest or rest
    elseif code ~= BACKSLASH then
      malformed("an escape instead of a control character")
    end
    parts = parts or {}
    if not skip then
      parts[#parts + 1] = sub(text, start, stop - 1)
    end
    local letter = escape()
    if not skip then
      parts[#parts + 1] = letter
    end
    start = position
  end
end

-- Steps over digits; there must be one.
local function digits()
  local code = byte(text, position)
  if not code or code < 48 or code > 57 then
    malformed("a value")
  end
  repeat
    position = position + 1
    code = byte(text, position)
  until not code or code < 48 or code > 57
  return code
end

local function number()
  if byte(text, position) == 45 then
    position = position + 1
  end
  local code
  if byte(text, position) == 48 then
    position = position + 1
    code = byte(text, position)
  else
    code = digits()
  end
  if code == 46 then
    position = position + 1
    code = digits()
  end
  if code == 101 or code == 69 then
    position = position + 1
    code = byte(text, position)
    if code == 43 or code == 45 then
      position = position + 1
    end
    digits()
  end
end

local function word(expected)
  if sub(text, position, position + #expected - 1) ~= expected then
    malformed("a value")
  end
  position = position + #expected
end

-- Steps over a value that is neither object nor array. Returns true for null.
local function plain(code)
  if code == QUOTE then
    string_value(true)
  elseif code == 116 then
    word("true")
  elseif code == 102 then
    word("false")
  elseif code == 110 then
    word("null")
    return true
  elseif code then
    number()
  else
    malformed("a value")
  end
end

local function deeper()
  depth = depth + 1
  if depth > MAX_DEPTH then
    malformed(format("at most %d levels of nesting", MAX_DEPTH))
  end
  position = position + 1
end

-- Steps over a comma, or over the end, and tells which.
local function more(close, expected)
  local code = peek()
  position = position + 1
  if code == COMMA then
    return true
  elseif code == close then
    depth = depth - 1
    return false
  end
  position = position - 1
  malformed(expected)
end

local function key()
  if peek() ~= QUOTE then
    malformed("a name in double quotes")
  end
  local name = string_value()
  expect(COLON, "a colon")
  return name
end

local value -- value(field): checks the value of a field; nil is one of which every name is welcome

local function array(field)
  deeper()
  if peek() == BRACKET_END then
    position = position + 1
    depth = depth - 1
    return
  end
  local level, index = #trail + 1, 0
  repeat
    trail[level] = index
    value(field)
    index = index + 1
  until not more(BRACKET_END, "a comma or ]")
  trail[level] = nil
end

-- The transcoder lets the path win over the body in silence. The same value, as after a read, is welcome in both.
local function agree(path, body)
  if body ~= path then
    local sentence = 'The path says "%s", the body says "%s". Give the same, or leave it out of the body.'
    violation("FIELD_CONFLICT", nil, format(sentence, shown(path), shown(body)))
  end
end

local function object(known, element)
  deeper()
  if peek() == BRACE_END then
    position = position + 1
    depth = depth - 1
    return
  end
  local level, seen, taken = #trail + 1, {}, nil
  repeat
    local name = key()
    local field = known and known.fields[name]
    local same = field or name
    if known and not field then
      violation("FIELD_UNKNOWN", shown(name), unknown(name, known))
    elseif seen[same] then
      violation("FIELD_REPEATED", field and field[1] or shown(name), "It is given twice. Give it once.")
    end
    seen[same] = true
    trail[level] = field and field[1] or shown(name)
    local null
    if level == bound_level and field and bound[field[1]] and peek() == QUOTE then
      agree(bound[field[1]], string_value())
    else
      null = value(field or element)
    end
    trail[level] = nil
    if field and field.oneof and not null then
      taken = taken or {}
      local other = taken[field.oneof]
      if other and other ~= field then
        violation("FIELD_CONFLICT", field[1], format("Give either %s or %s, not both.", other[2], field[2]))
      end
      taken[field.oneof] = field
    end
  until not more(BRACE_END, "a comma or }")
end

function value(field)
  local code = peek()
  if code == BRACE then
    if field and field.map then
      object(nil, field.element)
    else
      object(field and not field.free and field.message and MESSAGES[field.message] or nil)
    end
  elseif code == BRACKET then
    array(field)
  else
    return plain(code)
  end
end

-- The values of a map are checked as what they are, without the map around them.
for _, known in pairs(MESSAGES) do
  for _, field in pairs(known.fields) do
    if field.map then
      field.element = { field[1], field[2], message = field.message, free = field.free }
    end
  end
end

-- Returns nil for a body that may pass, else { malformed =, at = } or a list of violations.
local function inspect(body, root, said)
  text, position, depth, violations, trail = body, 1, 0, {}, {}
  bound, bound_level = said, root.field == "" and 1 or 2
  if root.field ~= "" then
    trail[1] = root.field
  end
  local fine, thrown = pcall(function()
    value(root)
    if peek() then
      malformed("nothing after the value")
    end
  end)
  text = nil
  if not fine and thrown ~= STOP then
    if type(thrown) ~= "table" then
      error(thrown, 0)
    end
    return thrown
  end
  return #violations > 0 and violations or nil
end

-- ---------------------------------------------------------------- the answer

local function quoted(words)
  return '"' .. words:gsub('[\\"]', "\\%0") .. '"'
end

local function answer(reason, sentence, metadata, found)
  local rows = {}
  for row, each in ipairs(found) do
    rows[row] = format(
      '{"field":%s,"description":%s,"reason":%s}', quoted(each.field), quoted(each.description), quoted(each.reason)
    )
  end
  local details = format(
    '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%s,"domain":"threed.dev","metadata":{%s}}',
    quoted(reason), metadata
  )
  if #rows > 0 then
    details = details .. format(
      ',{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[%s]}', table.concat(rows, ",")
    )
  end
  return format('{"code":3,"message":%s,"details":[%s]}', quoted(sentence), details)
end

local function refusal(found)
  if found.malformed then
    local sentence = format("The body is not JSON: expected %s at byte %d.", found.malformed, found.at)
    return answer("BODY_MALFORMED", sentence, format('"byte":"%d"', found.at), {})
  end
  local first = found[1]
  local rest = #found > 1 and format(" (and %d more)", #found - 1) or ""
  local sentence = format("%s: %s%s", first.field, first.description, rest)
  return answer(first.reason, sentence, format('"field":%s', quoted(first.field)), found)
end

-- What the path says about fields of the body: proto name -> value.
local function said(path, pattern, names)
  local values = {}
  local found = { path:match("^[^?]*"):match(pattern) }
  for place, name in ipairs(names) do
    values[name] = (found[place] or ""):gsub("%%(%x%x)", function(code)
      return string.char(tonumber(code, 16))
    end)
  end
  return values
end

local function refuse(handle, status, body)
  -- The gateway's own answers are wrapped as JSON; this one already is.
  handle:streamInfo():dynamicMetadata():set("envoy.filters.http.lua", "answered", true)
  handle:respond({ [":status"] = status, ["content-type"] = "application/json" }, body)
end

local FAILED = '{"code":13,"message":"The gateway could not check the body. Its log says why.","details":['
  .. '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"INTERNAL","domain":"threed.dev"}]}'

function envoy_on_request(handle)
  -- All is read before the body: waiting for it puts these objects out of reach.
  local route = handle:metadata()
  local root = { message = route:get("message"), field = route:get("field") }
  local values = said(handle:headers():get(":path"), route:get("path"), route:get("bound"))
  local body = handle:body()
  if not body or body:length() == 0 then
    return
  end
  -- After an error in a script Envoy would let the request pass.
  local fine, found = pcall(inspect, body:getBytes(0, body:length()), root, values)
  if not fine then
    handle:logErr("strict.lua: " .. tostring(found))
    refuse(handle, "500", FAILED)
  elseif found then
    refuse(handle, "400", refusal(found))
  end
end
