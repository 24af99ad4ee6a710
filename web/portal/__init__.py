"""The portal: what a distributor sees of the goods that were shipped to them. Every page belongs to the distributor who is signed in."""

from web.portal import downloads, pages
from web.portal.routes import blueprint

VIEWS = (downloads, pages)  # each hangs its pages on the blueprint when it is imported

__all__ = ["blueprint"]
