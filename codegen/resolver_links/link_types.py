"""Link types: what a link leads to, as GS1's Web Vocabulary names it, or a brand's own vocabulary.

Promises: a type is one IRI however it was written: `pip`, `gs1:pip`, under any of the three names that the vocabulary has had, or with a
brand's own prefix. Every IRI given to a link fits the key pattern of GS1's linkset schema, which knows letters, digits, dots, slashes and
underscores alone. Refuses types that no vocabulary holds, and those that are no brand's to give: the default (a role of a link) and
verification (this instance's own page). Pure.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from codegen import origins
from kit.refusals import Invalid

GS1_VOCABULARY: Final = "https://ref.gs1.org/voc/"
GS1_PREFIX: Final = "gs1"
_GS1_NAMES: Final = (GS1_VOCABULARY, "https://gs1.org/voc/", "https://www.gs1.org/voc/", f"{GS1_PREFIX}:")

DEFAULT: Final = GS1_VOCABULARY + "defaultLink"
DEFAULT_MULTI: Final = GS1_VOCABULARY + "defaultLinkMulti"
VERIFICATION: Final = GS1_VOCABULARY + "verificationService"
PRODUCT_PAGE: Final = GS1_VOCABULARY + "pip"

# The ratified types that a brand may give a link (GS1 Web Vocabulary, subproperties of linkType).
GIVEN: Final = tuple(
    sorted(
        [
            "activityIdeas",
            "allergenInfo",
            "brandHomepageClinical",
            "brandHomepagePatient",
            "careersInfo",
            "certificationInfo",
            "consumerHandlingStorageInfo",
            "disassemblyInfo",
            "epcis",
            "epil",
            "eventsInfo",
            "faqs",
            "handlingEndOfLife",
            "hasRetailers",
            "homepage",
            "ingredientsInfo",
            "instructions",
            "jws",
            "leaveReview",
            "locationInfo",
            "logisticsInfo",
            "masterData",
            "menuInfo",
            "nutritionalInfo",
            "openingHoursInfo",
            "paymentLink",
            "pip",
            "productPassport",
            "promotion",
            "purchaseSuppliesOrAccessories",
            "quickStartGuide",
            "recallStatus",
            "recipeInfo",
            "recyclingInfo",
            "registerProduct",
            "registryEntry",
            "relatedVideo",
            "repairInfo",
            "reuseInfo",
            "review",
            "safetyInfo",
            "scheduleTime",
            "serviceInfo",
            "smartLabel",
            "smpc",
            "socialMedia",
            "sorting",
            "statisticInfo",
            "support",
            "sustainabilityInfo",
            "traceability",
            "tutorial",
            "userAgreement",
            "whatsInTheBox",
        ]
    )
)
_GIVEN_IRIS: Final = frozenset(GS1_VOCABULARY + name for name in GIVEN)
_RESERVED: Final = frozenset({DEFAULT, DEFAULT_MULTI, VERIFICATION})

TYPE_LENGTH_MAX: Final = 200
PREFIX_LENGTH_MAX: Final = 20
NAMESPACE_LENGTH_MAX: Final = 150
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]*")
_TERM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NAMESPACE: Final = re.compile(r"https://[A-Za-z0-9._]+(/[A-Za-z0-9._]+)*/")
_NOT_FOR_BRANDS: Final = frozenset({GS1_PREFIX, "http", "https", "urn"})


class LinkTypeUnknown(Invalid):
    code = "link_type_unknown"
    says = "{link_type!r} is no link type: take one of GS1's, such as gs1:pip, or one of your own vocabularies."


class LinkTypeReserved(Invalid):
    code = "link_type_reserved"
    says = "{link_type!r} is no brand's to give: the default is a mark on a link, and verification is always this service's page."


class PrefixMalformed(Invalid):
    code = "vocabulary_prefix_malformed"
    says = "A prefix is up to {length_max} small letters and digits, a letter first; {prefix!r} is not, or has a meaning already."


class NamespaceMalformed(Invalid):
    code = "vocabulary_namespace_malformed"
    says = "A namespace of your own is https:// and up to {length_max} letters, digits, dots and slashes, a slash at its end."


def meant(text: str, vocabularies: Mapping[str, str]) -> str:
    """The IRI of a type as somebody wrote it. What nobody defined comes back as it is, and no link has it."""
    for name in _GS1_NAMES:
        if text.startswith(name):
            return GS1_VOCABULARY + text.removeprefix(name)
    prefix, colon, term = text.partition(":")
    if not colon:
        return GS1_VOCABULARY + text
    return vocabularies[prefix] + term if prefix in vocabularies else text


def checked(text: str, vocabularies: Mapping[str, str]) -> str:
    """The IRI of a type that a brand may give to a link."""
    iri = meant(text.strip()[: TYPE_LENGTH_MAX + 1], vocabularies)
    if iri in _RESERVED:
        raise LinkTypeReserved(link_type=text)
    if iri in _GIVEN_IRIS:
        return iri
    for namespace in vocabularies.values():
        if iri.startswith(namespace) and _TERM.fullmatch(iri.removeprefix(namespace)) and len(iri) <= TYPE_LENGTH_MAX:
            return iri
    raise LinkTypeUnknown(link_type=text[:TYPE_LENGTH_MAX])


def short(iri: str, vocabularies: Mapping[str, str]) -> str:
    """The IRI as people write it: `gs1:pip`, `tea:brewing`, or itself where its vocabulary is gone."""
    for prefix, namespace in {GS1_PREFIX: GS1_VOCABULARY, **vocabularies}.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def checked_prefix(text: str) -> str:
    prefix = text.strip()
    if len(prefix) > PREFIX_LENGTH_MAX or not _PREFIX.fullmatch(prefix) or prefix in _NOT_FOR_BRANDS:
        raise PrefixMalformed(prefix=prefix[:PREFIX_LENGTH_MAX], length_max=PREFIX_LENGTH_MAX)
    return prefix


def checked_namespace(text: str) -> str:
    """GS1's linkset schema takes no other characters in a relation, a hyphen among them."""
    namespace = text.strip()
    taken = any(namespace.startswith(name) for name in _GS1_NAMES)
    if len(namespace) > NAMESPACE_LENGTH_MAX or not _NAMESPACE.fullmatch(namespace) or taken:
        raise NamespaceMalformed(length_max=NAMESPACE_LENGTH_MAX)
    origins.checked_host(urlsplit(namespace).hostname or "")
    return namespace
