"""The kinds of file that a print package can be: each a composer of its own."""
