"""The edge as a GS1-conformant resolver (standard 1.2.0): what there is to know of a product, a lot or an item, without scanning it."""
