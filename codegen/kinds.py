"""What a code is printed on, and how its URI is written: the two words that every order carries."""

from enum import StrEnum


class Kind(StrEnum):
    ITEM_OUTER = "item_outer"
    ITEM_INNER = "item_inner"
    CASE = "case"
    PALLET = "pallet"
    SPARE = "spare"
    CANARY = "canary"


class Profile(StrEnum):
    """`gs1` is a GS1 Digital Link; `short` is the serial alone behind the origin, for tiny marks."""

    GS1 = "gs1"
    SHORT = "short"
