"""Hold the bundled song with the list of what really plays in it."""

from library.demo.song import DEMO_SCORE_SHA1, DRUMS, DemoSong, Playing, load_demo_song

__all__ = ["DEMO_SCORE_SHA1", "DRUMS", "DemoSong", "Playing", "load_demo_song"]
