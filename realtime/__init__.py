"""What runs on the clock: capture, ring, window, gate, encode, look up, track."""
