"""Lists of codes as files: written for printers and tables, read from hand scanners."""
