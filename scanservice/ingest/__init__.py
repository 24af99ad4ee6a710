"""From the scan log to PostgreSQL and back: ingesting, rebuilding, back-filling, trimming."""
