"""Name the instruments of a recording from Python: python examples/hear_a_file.py [FILE]."""

import sys
from pathlib import Path

from library.demo import load_demo_song
from library.encoders import load_encoder
from library.index import open_library
from realtime.engine import Engine, EngineConfig, analyse_file

path = Path(sys.argv[1]) if len(sys.argv) > 1 else load_demo_song().audio
encoder = load_encoder(device="cpu")
engine = Engine(encoder, open_library("gm", encoder.spec.fingerprint), EngineConfig(hop_s=5.0, top_k=1))

for analysis in analyse_file(engine, path):
    names = [f"{s.matches[0].sound.name} ({s.presence:.0%})" for s in analysis.suggestions if s.matches]
    print(f"{analysis.start_s:5.1f} s  {', '.join(names) or analysis.skipped or 'nothing recognised'}")
