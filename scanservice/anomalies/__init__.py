"""Anomalies: what the scans of a brand say that ought not to be, found while they are ingested, kept until somebody closes it."""
