"""Codes in the console: products, orders and what is decided about them, looking one up, who decided what."""
