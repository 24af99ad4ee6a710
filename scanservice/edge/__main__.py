"""`python -m scanservice.edge` is what `onemark run edge` does, without the rest of the command line: it is there a second sooner."""

from kit import settings
from scanservice.edge.serving import serve

given = settings.read()
serve(host=given.host, port=given.port)
