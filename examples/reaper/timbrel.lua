--[[
Timbrel for REAPER: load what Timbrel suggests, and choose from its list.

Load it with Actions > Show action list > New action > Load ReaScript, then Run; its window shows the suggestions, and
closing the window ends it. REAPER's web interface must be on (Preferences > Control/OSC/web), since that is how Timbrel
reaches this script: requests, answers and the list lie in REAPER's extended state, section "timbrel".

    alive            "1 VERSION", renewed all the time: Timbrel takes it away when it looks
    part.1 ...       a request in parts: its verb and fields, one a line
    request          "NUMBER PARTS": the parts are complete
    answer.NUMBER    "ok", what was done, what was there before; or "failed" and why
    list.0, list.1-8 number of the list, its names;   text: the last message;   choice: "LIST POSITION" of a click

Verbs: sample TRACK FILE NAME, preset TRACK PRESET NAME, program "CHANNEL MSB LSB PROGRAM" NAME, restore TOKEN.
TRACK is a name, or empty for the selected track; numbers are 0-based, -1 = none. Needs REAPER 6.37 or later.
]]

local SECTION = "timbrel"
local API = "1"
local ROWS = 8
local ROW_HEIGHT = 26
local REMEMBERED = 64 -- answers and states that are kept; Timbrel numbers its requests from 1 to this
local SAMPLER = "ReaSamplOmatic5000"

local states = {} -- number of a request -> {parameter, chunk} of the plug-in before it
local was_down = false

local function get(key) return reaper.GetExtState(SECTION, key) end

local function set(key, value) reaper.SetExtState(SECTION, key, value, false) end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

-- Errors with a plain table are reasons for the user; anything else is a fault of this script.
local function refuse(reason) error({ reason = reason }, 0) end

local function find_track(name)
  if name == "" then
    return reaper.GetSelectedTrack(0, 0) or refuse("no track is selected")
  end
  local found
  for at = 0, reaper.CountTracks(0) - 1 do
    local track = reaper.GetTrack(0, at)
    local _, its_name = reaper.GetTrackName(track)
    if its_name == name then
      if found then refuse("several tracks are named " .. name) end
      found = track
    end
  end
  return found or refuse("there is no track " .. name)
end

local function find_fx(track_guid, fx_guid)
  for at = 0, reaper.CountTracks(0) - 1 do
    local track = reaper.GetTrack(0, at)
    if reaper.GetTrackGUID(track) == track_guid then
      for fx = 0, reaper.TrackFX_GetCount(track) - 1 do
        if reaper.TrackFX_GetFXGUID(track, fx) == fx_guid then return track, fx end
      end
    end
  end
  refuse("the plug-in is not there any more")
end

-- Change something as one step of REAPER's own undo history.
local function undoable(title, change)
  reaper.Undo_BeginBlock()
  local ok, result = pcall(change)
  reaper.Undo_EndBlock(title, -1)
  if not ok then error(result, 0) end
  return result
end

local function token(kind, track, fx, rest)
  return table.concat({ kind, reaper.GetTrackGUID(track), reaper.TrackFX_GetFXGUID(track, fx), rest }, " ")
end

local function find_sampler(track)
  for fx = 0, reaper.TrackFX_GetCount(track) - 1 do
    local _, name = reaper.TrackFX_GetFXName(track, fx, "")
    if name:find(SAMPLER, 1, true) then return fx end
  end
end

local function put_sample(track, fx, file)
  reaper.TrackFX_SetNamedConfigParm(track, fx, "FILE0", file)
  reaper.TrackFX_SetNamedConfigParm(track, fx, "DONE", "")
  local _, held = reaper.TrackFX_GetNamedConfigParm(track, fx, "FILE0")
  if held ~= file then refuse(SAMPLER .. " did not take " .. file) end
end

local verbs = {}

function verbs.sample(_, track_name, file, name)
  local track = find_track(track_name)
  if not reaper.file_exists(file) then refuse("there is no file " .. file) end
  return undoable("Timbrel: " .. name, function()
    local fx = find_sampler(track)
    if fx then
      local _, held = reaper.TrackFX_GetNamedConfigParm(track, fx, "FILE0")
      put_sample(track, fx, file)
      return { "sample loaded", token("sample", track, fx, held or "") }
    end
    fx = reaper.TrackFX_AddByName(track, SAMPLER, false, -1)
    if fx < 0 then refuse(SAMPLER .. " can't be added") end
    put_sample(track, fx, file)
    return { "sampler added, sample loaded", token("added", track, fx, "") }
  end)
end

function verbs.preset(number, track_name, preset, name)
  local track = find_track(track_name)
  local fx = reaper.TrackFX_GetInstrument(track)
  if fx < 0 then refuse("the track has no instrument") end
  local _, held = reaper.TrackFX_GetPreset(track, fx, "")
  states[number] = nil
  for _, parameter in ipairs({ "vst_chunk", "clap_chunk" }) do
    local ok, chunk = reaper.TrackFX_GetNamedConfigParm(track, fx, parameter)
    if ok and chunk ~= "" then states[number] = { parameter, chunk } end
  end
  return undoable("Timbrel: " .. name, function()
    if not reaper.TrackFX_SetPreset(track, fx, preset) then refuse("the instrument has no preset " .. preset) end
    local _, now = reaper.TrackFX_GetPreset(track, fx, "")
    return { "preset is now " .. now, token("preset", track, fx, number .. " " .. held) }
  end)
end

function verbs.program(_, numbers, name)
  local channel, msb, lsb, program = numbers:match("^(%d+) (%-?%d+) (%-?%d+) (%d+)$")
  if not channel then refuse("bad program " .. numbers) end
  local control, change = 0xB0 + tonumber(channel), 0xC0 + tonumber(channel)
  if tonumber(msb) >= 0 then reaper.StuffMIDIMessage(0, control, 0, tonumber(msb)) end
  if tonumber(lsb) >= 0 then reaper.StuffMIDIMessage(0, control, 32, tonumber(lsb)) end
  reaper.StuffMIDIMessage(0, change, tonumber(program), 0)
  return { "program sent for " .. name, "" }
end

function verbs.restore(_, what)
  local kind, track_guid, fx_guid, rest = what:match("^(%a+) (%S+) (%S+) (.*)$")
  if not kind then refuse("nothing is known about what was there") end
  local track, fx = find_fx(track_guid, fx_guid)
  return undoable("Timbrel: undo", function()
    if kind == "added" then
      if not reaper.TrackFX_Delete(track, fx) then refuse("the sampler can't be taken away") end
    elseif kind == "sample" then
      put_sample(track, fx, rest)
    elseif kind == "preset" then
      local number, preset = rest:match("^(%d+) (.*)$")
      local state = states[tonumber(number)]
      local ok = state and reaper.TrackFX_SetNamedConfigParm(track, fx, state[1], state[2])
      if not ok and not reaper.TrackFX_SetPreset(track, fx, preset) then
        refuse("the state before is not known any more; use Edit > Undo")
      end
    else
      refuse("bad token " .. kind)
    end
    return { "what was there is back", "" }
  end)
end

local function handle(request)
  local number, count = request:match("^(%d+) (%d+)$")
  if not number then return end
  local parts = {}
  for at = 1, tonumber(count) do parts[at] = get("part." .. at) end
  local fields = lines_of(table.concat(parts))
  local verb = verbs[table.remove(fields, 1)]
  local ok, done = pcall(function()
    if not verb then refuse("this script does not know the request; take it from the Timbrel that runs") end
    return verb(tonumber(number), table.unpack(fields))
  end)
  local answer
  if ok then
    answer = "ok\n" .. done[1]:gsub("\n", " ") .. "\n" .. done[2]:gsub("\n", " ")
  else
    local reason = type(done) == "table" and done.reason or tostring(done)
    answer = "failed\n" .. reason:gsub("\n", " ")
  end
  set("text", (fields[#fields] or "") .. ": " .. lines_of(answer)[2])
  set("answer." .. number, answer)
  local old = "answer." .. (tonumber(number) % REMEMBERED + 1)
  reaper.DeleteExtState(SECTION, old, false)
end

local function draw()
  gfx.setfont(1, "Arial", 15)
  for row = 1, ROWS do
    local name = get("list." .. row)
    gfx.set(0.9, 0.9, 0.9, 1)
    gfx.x, gfx.y = 10, (row - 1) * ROW_HEIGHT + 5
    gfx.drawstr(name == "" and "-" or (row .. "  " .. name))
  end
  gfx.set(0.6, 0.8, 1, 1)
  gfx.x, gfx.y = 10, ROWS * ROW_HEIGHT + 5
  gfx.drawstr(get("text"))
  gfx.update()
end

local function watch_mouse()
  local is_down = gfx.mouse_cap % 2 == 1
  if is_down and not was_down then
    local row = gfx.mouse_y // ROW_HEIGHT + 1
    if row >= 1 and row <= ROWS and get("list." .. row) ~= "" then
      set("choice", get("list.0") .. " " .. math.floor(row))
    end
  end
  was_down = is_down
end

local function turn()
  if gfx.getchar() < 0 then return end -- the window was closed
  set("alive", API .. " " .. reaper.GetAppVersion())
  local request = get("request")
  if request ~= "" then
    set("request", "")
    handle(request)
  end
  draw()
  watch_mouse()
  reaper.defer(turn)
end

gfx.init("Timbrel", 360, (ROWS + 1) * ROW_HEIGHT + 10)
reaper.atexit(function() set("alive", "") end)
turn()
