"""Train the encoders."""
