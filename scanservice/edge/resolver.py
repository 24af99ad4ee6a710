"""The edge as a GS1-conformant resolver (standard 1.2.0): headers of every answer, linksets, the description file.

Promises: asking what there is to know of a code is no scan. Refused: a link type that is not there (404, never the default
instead), and a linkset for a code that nobody made; an unknown serial never walks up to the genuine product.
"""

from typing import ClassVar, Final
from urllib.parse import parse_qs, unquote

from kit.refusals import NotFound
from scanservice.catalogue import Item
from scanservice.edge.http import Answer, json

VOCABULARY: Final = "https://ref.gs1.org/voc/"
_PREFIXES: Final = (VOCABULARY, "https://gs1.org/voc/", "https://www.gs1.org/voc/", "gs1:")
LINKSET_TYPE: Final = b"application/linkset+json"
ALLOWED: Final = "GET, HEAD, OPTIONS"
# The one type, beside the default, under which every code of ours has a page.
VERIFICATION: Final = "verificationService"
_LINKSET_WORDS: Final = frozenset({"linkset", "all"})
_DEFAULT_WORDS: Final = frozenset({"", "defaultLink", VERIFICATION})

HEADERS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", ALLOWED.encode()),
    (b"access-control-expose-headers", b"Link, Location"),
    (b"vary", b"Accept, Accept-Language"),
)
_CONTEXT: Final = b'<https://ref.gs1.org/standards/resolver/linkset-context>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class LinkTypeMissing(NotFound):
    code: ClassVar[str] = "link_type_missing"
    says: ClassVar[str] = "There is no link of type {link_type!r} for this code."


class CodeNotIssued(NotFound):
    code: ClassVar[str] = "code_not_issued"
    says: ClassVar[str] = "No such code was issued."


def link_header(origin: bytes, path: bytes) -> tuple[bytes, bytes]:
    return (b"link", b"<" + origin + path + b'?linkType=linkset>; rel="linkset"; type="application/linkset+json"')


def link_type(query: bytes) -> str:
    """The link type asked for, without its vocabulary; empty when none was."""
    if b"linkType" not in query:
        return ""
    asked = unquote(parse_qs(query.decode("latin-1")).get("linkType", [""])[0])
    for prefix in _PREFIXES:
        if asked.startswith(prefix):
            return asked.removeprefix(prefix)
    return asked


def wants_linkset(*, accept: bytes, link_type: str) -> bool:
    return link_type in _LINKSET_WORDS or (not link_type and LINKSET_TYPE in accept)


def require_known(link_type: str) -> None:
    if link_type not in _DEFAULT_WORDS:
        raise LinkTypeMissing(link_type=link_type)


def linkset(item: Item, *, origin: bytes, path: bytes) -> Answer:
    if item.counted is None:
        raise CodeNotIssued
    anchor = (origin + path).decode("latin-1")
    product = item.brand.products.get(item.gtin)
    name = item.brand.name if product is None else product.name
    link = {"href": anchor, "title": "Verify this item"}
    document = {
        "linkset": [
            {
                "anchor": anchor,
                "itemDescription": f"{name}, item {item.serial}",
                VOCABULARY + "defaultLink": [link],
                VOCABULARY + VERIFICATION: [{**link, "type": "text/html", "hreflang": ["zh", "en"]}],
            }
        ]
    }
    answer = json(200, document)
    return answer._replace(
        headers=(
            (b"content-type", LINKSET_TYPE),
            (b"link", link_header(origin, path)[1] + b", " + _CONTEXT),
            *HEADERS,
        )
    )


def description(origin: bytes) -> Answer:
    """`/.well-known/gs1resolver`."""
    return json(
        200,
        {
            "name": "Onemark",
            "resolverRoot": origin.decode("latin-1"),
            "supportedPrimaryKeys": ["01"],
            "supportedLinkType": [{"namespace": VOCABULARY, "prefix": "gs1:"}],
            "linkTypeDefaultCanBeLinkset": False,
        },
        *HEADERS,
    )
