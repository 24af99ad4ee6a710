"""The consumer pages' style sheets inside the page: on a slow line a second request costs as much as the whole page does.

Promises: the policy allows exactly these texts, by their hashes; nothing else may style a page from within. Our own scripts and styles, and
the page of a verdict, are sent compressed to whoever takes that. No other page is: one that repeats what an asker chose beside a token would
give the token away by its length.
"""

import base64
import gzip
import hashlib
from functools import lru_cache
from http import HTTPStatus
from importlib import resources
from typing import Final

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response

_STATIC: Final = resources.files("web").joinpath("static")
CONSUMER: Final = _STATIC.joinpath("consumer.css").read_text(encoding="utf-8")
FORMS: Final = _STATIC.joinpath("consumer_forms.css").read_text(encoding="utf-8")
PAGES: Final = frozenset({"consumer.verdict"})
FILES: Final = frozenset({"text/javascript", "text/css"})
# The packed files of the folder `static`, which are a few dozen.
FILES_KEPT: Final = 64
_LEVEL: Final = 9


def hashed(text: str) -> str:
    """As in a policy (CSP level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HASHES: Final = f"{hashed(CONSUMER)} {hashed(FORMS)}"


def consumer_styles() -> Markup:
    return Markup(CONSUMER)  # noqa: S704 - a file of ours


def form_styles() -> Markup:
    return Markup(FORMS)  # noqa: S704 - a file of ours


def compress(response: Response) -> Response:
    a_page = request.endpoint in PAGES and response.mimetype == "text/html"
    a_file = request.endpoint == "static" and response.mimetype in FILES and response.status_code == HTTPStatus.OK
    if not a_page and not a_file:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    data = response.get_data()
    response.set_data(_packed_file(data) if a_file else _packed(data))
    response.content_encoding = "gzip"
    return response


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, _LEVEL, mtime=0)


_packed_file = lru_cache(maxsize=FILES_KEPT)(_packed)
