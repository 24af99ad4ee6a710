"""What keeps a package its recipient's: locks and seals, canaries, PINs."""
