"""Who Timbrel talks to: configuration, command line, OSC, MIDI, DAW adapters and the daemon that joins them."""
