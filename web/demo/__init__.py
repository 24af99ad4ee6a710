"""A lively brand for looking around: products, lots, distributors, a month of scans, members who claim. Everything is invented.

The same seed tells the same story; nothing is written but through what real data come in by: orders, imports, claims.
"""
