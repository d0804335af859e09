"""Measure what the encoders hear."""
