"""What an edge loads before its first answer: every library in it is waited for at each start and each reload, and kept in memory."""

import json
import subprocess
import sys

# What draws symbols, migrates schemas, reads maps: an edge does none of it.
NOT_OF_AN_EDGE = {"alembic", "flask", "PIL", "qrcode", "rq", "shapely"}
# The parent only keeps a port and looks after workers, which load the rest for themselves.
NOT_OF_A_PARENT = NOT_OF_AN_EDGE | {"aiohttp", "cryptography", "numpy", "redis", "sqlalchemy"}


def loaded_by(module: str) -> set[str]:
    script = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    return {name.partition(".")[0] for name in json.loads(said)}


def test_an_edge_loads_nothing_that_it_does_not_answer_with() -> None:
    assert not loaded_by("scanservice.edge.asgi") & NOT_OF_AN_EDGE


def test_the_parent_of_an_edge_loads_next_to_nothing() -> None:
    assert not (loaded_by("kit.settings") | loaded_by("scanservice.edge.serving")) & NOT_OF_A_PARENT
