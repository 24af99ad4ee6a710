"""Files that come from other systems, as DESIGN fixes them: distributors, shipments, and the scan history of another platform.

One shape for all: read and check every row first, refuse with the lines at fault or load everything in one transaction, and
answer with how many rows were new. The same file again changes nothing; a file that overlaps an earlier one adds what is new.
"""

from web.imports.loading import KINDS, load
from web.imports.table import Loaded

__all__ = ["KINDS", "Loaded", "load"]
