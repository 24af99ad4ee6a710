"""GS1 Digital Links in full: application identifiers, links with their canonical forms, and EPC URN twins. Pure."""
