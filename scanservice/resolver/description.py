"""`/.well-known/gs1resolver`: what this resolver can be asked.

Promises: it tells of the brands that answer under the host it was asked under, and of no others. Refuses, as scans do, a host that is
nobody's.
"""

from collections.abc import Sequence
from typing import Final

from codegen.catalogue import BrandCatalogue
from codegen.resolver_links import link_types
from scanservice.resolver import conformance

PATH: Final = b"/.well-known/gs1resolver"
NAME: Final = "Onemark"
_PRIMARY_KEYS: Final = ("01",)


def document(brands: Sequence[BrandCatalogue]) -> dict[str, object]:
    vocabularies = {link_types.GS1_PREFIX: link_types.GS1_VOCABULARY}
    for brand in brands:
        # Where brands share a host the first one that took a prefix keeps it here; each resolves its own.
        vocabularies = {**brand.links.vocabularies, **vocabularies}
    contexts = sorted({context for brand in brands for context in brand.links.contexts})
    names = [brand.name for brand in brands]
    return {
        "name": f"{names[0]} · {NAME}" if len(names) == 1 else NAME,
        "resolverRoot": brands[0].scan_origin,
        "supportedPrimaryKeys": list(_PRIMARY_KEYS),
        "supportedLinkType": [{"namespace": namespace, "prefix": f"{prefix}:"} for prefix, namespace in vocabularies.items()],
        "supportedContextValuesEnumerated": contexts,
        "linkTypeDefaultCanBeLinkset": False,
        "jsonLdContextLocation": conformance.CONTEXT_LOCATION,
        "contact": {"fn": ", ".join(names)},
    }
