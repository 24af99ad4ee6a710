"""From draft to void: what is decided about orders, stretches of them and lists of codes."""
