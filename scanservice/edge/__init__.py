"""The edge: the process that owns the public port and answers scans."""
