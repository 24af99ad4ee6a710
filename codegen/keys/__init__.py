"""The key ring of a brand: epochs wrapped under a key-encryption key, rotation, re-wrapping, escrow."""
