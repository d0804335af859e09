-- A small REAPER for tests: the functions that timbrel.lua calls, driven by lines on the standard input.
-- Words of a line are hexadecimal, "-" is empty: get KEY | set KEY VALUE | turn | tracks | fx TRACK | midi | undo |
-- open TRACK INSTRUMENT (adds an instrument) | select TRACK | click ROW | close; each is answered by one line.

local state, tracks, midi, history, next_turn = {}, {}, {}, {}, nil
local selected, depth, pointer, open = nil, 0, { 0, 0 }, true
local PRESETS = { Warm = true, Init = true, Bright = true }

local function add_track(name) tracks[#tracks + 1] = { name = name, guid = "{T" .. #tracks .. "}", fx = {}, count = 0 } end

local function add_fx(track, name, instrument)
  track.count = track.count + 1
  local fx = { name = name, guid = "{F" .. track.count .. track.guid .. "}", parm = {}, instrument = instrument }
  if instrument then fx.preset, fx.parm.vst_chunk = "Init", "chunk of Init" end
  table.insert(track.fx, fx)
  return #track.fx - 1
end

reaper = {}
function reaper.GetExtState(_, key) return state[key] or "" end
function reaper.SetExtState(_, key, value) state[key] = value end
function reaper.DeleteExtState(_, key) state[key] = nil end
function reaper.GetAppVersion() return "7.22/linux-x86_64" end
function reaper.defer(turn) next_turn = turn end
function reaper.atexit(ended) reaper.ended = ended end
function reaper.CountTracks() return #tracks end
function reaper.GetTrack(_, at) return tracks[at + 1] end
function reaper.GetSelectedTrack() return selected end
function reaper.GetTrackGUID(track) return track.guid end
function reaper.GetTrackName(track)
  for at, one in ipairs(tracks) do
    if one == track then return true, track.name ~= "" and track.name or "Track " .. at end
  end
end
function reaper.file_exists(file) return not file:find("missing", 1, true) end
function reaper.Undo_BeginBlock() depth = depth + 1 end
function reaper.Undo_EndBlock(title)
  depth = depth - 1
  history[#history + 1] = title
end
function reaper.StuffMIDIMessage(mode, ...) midi[#midi + 1] = table.concat({ mode, ... }, " ") end
function reaper.TrackFX_GetCount(track) return #track.fx end
function reaper.TrackFX_GetFXGUID(track, fx) return track.fx[fx + 1].guid end
function reaper.TrackFX_GetFXName(track, fx) return true, track.fx[fx + 1].name end
function reaper.TrackFX_AddByName(track, name) return add_fx(track, "VSTi: " .. name .. " (Cockos)") end
function reaper.TrackFX_Delete(track, fx) return table.remove(track.fx, fx + 1) ~= nil end
function reaper.TrackFX_GetInstrument(track)
  for at, fx in ipairs(track.fx) do
    if fx.instrument then return at - 1 end
  end
  return -1
end
function reaper.TrackFX_GetNamedConfigParm(track, fx, parm)
  local value = track.fx[fx + 1].parm[parm]
  return value ~= nil, value or ""
end
function reaper.TrackFX_SetNamedConfigParm(track, fx, parm, value)
  local one = track.fx[fx + 1]
  if depth == 0 then error("changed outside an undo block") end
  if parm:find("_chunk", 1, true) then
    if not one.parm[parm] then return false end
    one.preset = value:match("chunk of (.*)")
  end
  if not (parm == "FILE0" and value:find("broken", 1, true)) then one.parm[parm] = value end
  return true
end
function reaper.TrackFX_GetPreset(track, fx) return true, track.fx[fx + 1].preset or "" end
function reaper.TrackFX_SetPreset(track, fx, preset)
  if depth == 0 then error("changed outside an undo block") end
  if not PRESETS[preset] then return false end
  track.fx[fx + 1].preset, track.fx[fx + 1].parm.vst_chunk = preset, "chunk of " .. preset
  return true
end

gfx = { mouse_cap = 0, mouse_x = 0, mouse_y = 0 }
for _, name in ipairs({ "init", "setfont", "set", "drawstr", "update" }) do gfx[name] = function() end end
function gfx.getchar() return open and 0 or -1 end

local function unhex(word)
  if word == "-" then return "" end
  return (word:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function track_named(name)
  for _, track in ipairs(tracks) do
    if track.name == name then return track end
  end
end

local commands = {}
function commands.get(key) return state[key] end
function commands.set(key, value) state[key] = value end
function commands.turn()
  local turn = next_turn
  next_turn = nil
  if turn then turn() elseif reaper.ended then reaper.ended() end
  assert(depth == 0, "an undo block was left open")
end
function commands.tracks()
  local names = {}
  for at, track in ipairs(tracks) do names[at] = track.name end
  return table.concat(names, "\n")
end
function commands.fx(name)
  local said = {}
  for at, fx in ipairs(track_named(name).fx) do said[at] = fx.name .. "=" .. (fx.preset or fx.parm.FILE0 or "") end
  return table.concat(said, ";")
end
function commands.midi() return table.concat(midi, ";") end
function commands.undo() return table.concat(history, ";") end
function commands.open(name, instrument) add_fx(track_named(name), instrument, true) end
function commands.select(name) selected = track_named(name) end
function commands.click(row)
  gfx.mouse_y, gfx.mouse_cap = (tonumber(row) - 1) * 26 + 10, 1
  commands.turn()
  gfx.mouse_cap = 0
end
function commands.close() open = false end

for _, name in ipairs({ "Keys", "Bass", "", "Twin", "Twin" }) do add_track(name) end
dofile(arg[1])
for line in io.lines() do
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = #words == 0 and word or unhex(word) end
  local said = commands[words[1]](words[2], words[3]) or ""
  io.write((said:gsub(".", function(char) return ("%02x"):format(char:byte()) end)), "\n")
  io.flush()
end
