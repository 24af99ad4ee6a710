"""Benchmarks: one file for each question, each with its controls in the same run. Start them with `python -m bench`."""
