"""Symbols by the million: QR by XOR, masks, files of pictures, self-checks, GS1 DataMatrix. Pure."""
