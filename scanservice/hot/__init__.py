"""What lives in Redis: the state of scanned codes, the tail of the log, and the functions that change both at once."""
