"""Measure what Timbrel costs, beside something measured in the same run."""
