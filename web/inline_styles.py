"""The consumer pages' style sheet inside the page: on a slow line a second request costs as much as the whole page does.

Promises: the policy allows exactly this text, by its hash; nothing else may style a page from within. The page of a verdict is sent
compressed to whoever takes that. No other is: a page that repeats what an asker chose beside a token would give the token away by its length.
"""

import base64
import gzip
import hashlib
from importlib import resources

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response

CONSUMER = resources.files("web").joinpath("static", "consumer.css").read_text(encoding="utf-8")
# As in a policy (CSP level 3, section 2.3.1).
CONSUMER_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(CONSUMER.encode()).digest()).decode()}'"
COMPRESSED = frozenset({"consumer.verdict"})
_LEVEL = 6


def consumer_styles() -> Markup:
    return Markup(CONSUMER)  # noqa: S704 - a file of ours


def compress(response: Response) -> Response:
    if request.endpoint not in COMPRESSED or response.mimetype != "text/html" or not request.accept_encodings["gzip"]:
        return response
    response.set_data(gzip.compress(response.get_data(), _LEVEL, mtime=0))
    response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    return response
