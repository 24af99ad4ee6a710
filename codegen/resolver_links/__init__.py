"""Links that a brand gives for its products, lots and items: what a GS1 resolver answers beside the verdict."""
