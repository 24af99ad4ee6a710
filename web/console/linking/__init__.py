"""The console's pages about resolver links: those of each product, what a phone would get, and what links may lead to."""
