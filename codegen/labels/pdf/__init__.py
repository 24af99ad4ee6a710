"""Label sheets as PDF: objects, fonts and the composer that writes them page by page."""
