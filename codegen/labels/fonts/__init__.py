"""Letters: outlines read from the font files of this machine, and the few that a document uses written into it. Pure."""
