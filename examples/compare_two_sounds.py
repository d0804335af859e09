"""Say how alike two sounds are, from -1 to 1: python examples/compare_two_sounds.py [A B]."""

import sys
from pathlib import Path

import numpy as np

from library.audio import SAMPLE_RATE_HZ, read_audio
from library.encoders import load_encoder

if len(sys.argv) > 2:
    first, second = (read_audio(Path(name)) for name in sys.argv[1:3])
else:
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    first = np.sin(2 * np.pi * 440 * time_s).astype(np.float32)
    second = np.sign(np.sin(2 * np.pi * 440 * time_s)).astype(np.float32) * 0.3

encoder = load_encoder(device="cpu")
one, two = (encoder.embed(audio[None, :])[0] for audio in (first, second))
print(f"cosine similarity {float(one @ two):.3f}")
