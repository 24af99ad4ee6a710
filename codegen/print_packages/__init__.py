"""Print packages: parts of an order made for one named recipient, with canaries, PINs, seals and signed manifests."""
