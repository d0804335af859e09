ardour {
  ["type"] = "EditorAction",
  name = "Timbrel",
  author = "Timbrel",
  description = [[
Do what Timbrel asks: change the program of a MIDI track, or put a sample on an audio track at the playhead.

Set it as Action 9 of Edit > Lua Scripts > Script Manager: Timbrel calls it over OSC. Needs Ardour 7 or later.
]]
}

--[[
Ardour's OSC can call an action, but hands it nothing, so what is asked for lies in a file, line by line:

    timbrel-request 1, NUMBER, program, TRACK, "CHANNEL MSB LSB PROGRAM"    0-based, MSB and LSB -1 = none
    timbrel-request 1, NUMBER, file, TRACK, PATH                            empty TRACK = a new one
    timbrel-request 1, NUMBER, remove, TRACK, REGIONS                       what "file" has put there

The last line is "end". The answer is written beside it: timbrel-answer 1, NUMBER, "ok" or "failed", one sentence,
the ids of new regions. Ardour keeps the bytecode of `factory` alone, so all there is stands inside it; and it forgets
an action that raises an error, so none leaves it.
]]
function factory ()
local is_importing = false -- Ardour goes on to take calls meanwhile
return function ()
  local MOST_BYTES = 65536
  local kinds = {}

  -- Errors with a plain table are reasons for the user; anything else is a fault of this script.
  local function refuse (reason) error ({ reason = reason }, 0) end

  local function folders ()
    local found = {}
    local function add (base, rest)
      if base and base ~= "" then found[#found + 1] = base .. rest .. "/ardour/" end
    end
    add (os.getenv ("XDG_STATE_HOME"), "/timbrel")
    add (os.getenv ("LOCALAPPDATA"), "/timbrel")
    add (os.getenv ("HOME"), "/.local/state/timbrel")
    add (os.getenv ("HOME"), "/Library/Application Support/timbrel")
    return found
  end

  -- Take the request away, so that it is done once; return its text and its folder.
  local function take ()
    for _, folder in ipairs (folders ()) do
      local file = io.open (folder .. "request", "rb")
      if file then
        local text = file:read (MOST_BYTES) or ""
        file:close ()
        os.remove (folder .. "request")
        return text, folder
      end
    end
  end

  local function put (folder, number, result, said, regions)
    local temporary = folder .. "answer.tmp"
    local file = io.open (temporary, "wb")
    if not file then return print ("Timbrel: " .. folder .. " can't be written to") end
    local lines = { "timbrel-answer 1", number, result, (said:gsub ("%c", " ")), regions, "end", "" }
    file:write (table.concat (lines, "\n"))
    file:close ()
    os.remove (folder .. "answer") -- Windows renames onto nothing that is there
    os.rename (temporary, folder .. "answer")
  end

  local function find_track (name)
    for route in Session:get_tracks ():iter () do
      if route:name () == name then return route:to_track () end
    end
    refuse (name == "" and "no track is named" or "there is no track " .. name)
  end

  local function each_region (visit)
    for route in Session:get_tracks ():iter () do
      local playlist = route:to_track ():playlist ()
      if not playlist:isnil () then
        for region in playlist:region_list ():iter () do visit (region, playlist) end
      end
    end
  end

  local function id_of (region) return region:to_stateful ():id ():to_s () end

  local function region_ids ()
    local ids = {}
    each_region (function (region) ids[id_of (region)] = true end)
    return ids
  end

  -- Do it so that Edit > Undo brings it back.
  local function take_off (region, playlist)
    Session:begin_reversible_command ("Timbrel: undo")
    playlist:to_stateful ():clear_changes ()
    playlist:remove_region (region)
    Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
    if not Session:abort_empty_reversible_command () then Session:commit_reversible_command (nil) end
  end

  local function send (track, ...)
    local parser = ARDOUR.RawMidiParser ()
    for _, byte in ipairs ({ ... }) do
      if parser:process_byte (byte) then
        local midi = Evoral.EventType.MIDI_EVENT
        if not track:write_immediate_event (midi, parser:buffer_size (), parser:midi_buffer ()) then
          refuse ("the track takes no MIDI now")
        end
      end
    end
  end

  function kinds.program (name, numbers)
    local channel, msb, lsb, program = numbers:match ("^(%d%d?) (%-?%d+) (%-?%d+) (%d+)$")
    channel, msb, lsb, program = tonumber (channel), tonumber (msb), tonumber (lsb), tonumber (program)
    local is_good = channel and channel < 16 and msb < 128 and lsb < 128 and program < 128
    if not is_good then refuse ("this is no program: " .. numbers:sub (1, 40)) end
    local track = find_track (name):to_midi_track ()
    if track:isnil () then refuse ("track " .. name .. " is no MIDI track") end
    if msb >= 0 then send (track, 0xB0 + channel, 0, msb) end
    if lsb >= 0 then send (track, 0xB0 + channel, 32, lsb) end
    send (track, 0xC0 + channel, program)
    return string.format ("sent on channel %d by Ardour's script", channel + 1), ""
  end

  local function import (path, track, position)
    local files = C.StringVector ()
    files:push_back (path)
    is_importing = true
    local ok, fault = pcall (function ()
      Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
        ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
        position, ARDOUR.PluginInfo (), track, false)
    end)
    is_importing = false
    if not ok then error (fault, 0) end
  end

  local function new_track (name)
    local order, mode = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
    for track in Session:new_audio_track (2, 2, nil, 1, name, order, mode, true, false):iter () do return track end
    refuse ("Ardour made no track")
  end

  function kinds.file (name, path)
    if not Editor then refuse ("this Ardour has no editor, which an import needs") end
    if is_importing then refuse ("Ardour is still importing the sample before") end
    local file = io.open (path, "rb")
    if not file then refuse ("Ardour can't read " .. path) end
    file:close ()
    local stem = path:match ("([^/\\]+)%.[^.]*$") or "Timbrel"
    local track = name == "" and new_track (stem) or find_track (name):to_audio_track ()
    if track:isnil () then refuse ("track " .. name .. " is no audio track") end
    local before, new = region_ids (), {}
    import (path, track, Temporal.timepos_t (Session:transport_sample ()))
    each_region (function (region)
      if not before[id_of (region)] then new[#new + 1] = id_of (region) end
    end)
    if #new == 0 then refuse ("Ardour could not import " .. path) end
    local where = name == "" and ", named " .. track:name () or ""
    return "imported by Ardour's script" .. where, table.concat (new, " ")
  end

  function kinds.remove (_, regions)
    local wanted, found = {}, {}
    for id in regions:gmatch ("%d+") do wanted[id] = true end
    each_region (function (region, playlist)
      if wanted[id_of (region)] then found[#found + 1] = { region, playlist } end
    end)
    if #found == 0 then refuse ("what was imported is not there any more") end
    for _, one in ipairs (found) do take_off (one[1], one[2]) end
    return "taken away by Ardour's script", ""
  end

  local function handle (text)
    local number, kind, track, value = text:match ("^timbrel%-request 1\n(%d+)\n(%l+)\n([^\n]*)\n([^\n]*)\nend\n$")
    if not number or not kinds[kind] then
      refuse ("this script does not know the request; take it from the Timbrel that runs")
    end
    if not Session then refuse ("no session is open") end
    return kinds[kind] (track, value)
  end

  local text, folder = take ()
  if not text then return print ("Timbrel: nothing is asked for; Timbrel itself calls this action") end
  local ok, said, regions = pcall (handle, text)
  if not ok then said = type (said) == "table" and said.reason or tostring (said) end
  local number = text:match ("^[^\n]*\n(%d+)\n") or "0"
  put (folder, number, ok and "ok" or "failed", said, ok and regions or "")
end end
