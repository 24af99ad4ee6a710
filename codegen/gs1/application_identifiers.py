"""GS1 application identifiers: which there are, what their values look like, with which others they may stand.

Promises: `RULES` knows every AI of the General Specifications (syntax dictionary of January 2026), its length, characters, check digit,
date, its needs and exclusions, and its place in a Digital Link; `check_value` names the fault of a value. Refuses by `link_refusals`.
Not checked beyond length and characters: currency and country codes, IBAN, coordinates, package types, coupon and media codes.
Pure: no database, no network, no clock.

A format is a row of parts joined by `+`: `N` digits, `X` CSET 82, `Y` CSET 39, `Z` base64url; `6` exactly six, `..20` one to twenty; `?` behind
a part lets it be absent; a rule behind a colon looks at the content. Needs are alternatives, each of AIs that must all be there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from codegen.gs1 import ai_contents
from codegen.gs1.ai_contents import Check
from codegen.gs1.link_refusals import DlCharacter, DlValueMissing, DlValueTooLong, DlValueTooShort

DIGITS = frozenset("0123456789")
CSET_82 = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
CSET_39 = frozenset("#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
CSET_64 = frozenset("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz=")
_CHARSETS = {"N": DIGITS, "X": CSET_82, "Y": CSET_39, "Z": CSET_64}

# Who an attribute may describe; named because so many share them.
_TRADE = "01 02 03 8006 8026"
_UNIT = "01 02"
_MADE = "01 03 8006"
_FOOD = "01 02 03"
_PEOPLE = "8017 8018"
_PRICED = "30 31nn 32nn 35nn 36nn"

# Primary keys: (AI, format, sequences of qualifiers; a sequence may be used in part, but in its order).
_KEYS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("00", "N18:mod10", ()),
    ("01", "N14:mod10", ("22 10 21", "235")),
    ("253", "N13:mod10+X..17?", ()),
    ("255", "N13:mod10+N..12?", ()),
    ("401", "X..30:company", ()),
    ("402", "N17:mod10", ()),
    ("414", "N13:mod10", ("254", "7040")),
    ("415", "N13:mod10", ("8020",)),
    ("417", "N13:mod10", ("7040",)),
    ("8003", "N1:zero+N13:mod10+X..16?", ()),
    ("8004", "X..30:company", ("7040",)),
    ("8006", "N14:mod10+N4:piece", ("22 10 21",)),
    ("8010", "Y..30:company", ("8011",)),
    ("8013", "X..25:pair", ()),
    ("8017", "N18:mod10", ("8019",)),
    ("8018", "N18:mod10", ("8019",)),
)
# Never behind the question mark: (AIs, format, needs).
_IN_THE_PATH: tuple[tuple[str, str, str], ...] = (
    ("03", "N14:mod10", ""),
    ("21", "X..20", _MADE),
    ("22", "X..20", "01"),
    ("235", "X..28", "01"),
    ("254", "X..20", "414"),
    ("7040", "N1+X1+X1+X1:importer", ""),
    ("7041", "X..4", "00"),
    ("8011", "N..12:no_zero", "8010"),
    ("8014", "X..25:pair_mixed", "01"),
    ("8019", "N..10", _PEOPLE),
    ("8020", "X..25", "415"),
    ("8040", "N15", "01+21"),
    ("8041", "N15", "01+21+8040"),
    ("8042", "N32", "01+21+8040"),
    ("8043", "N18+N..2?", "01+21+8040"),
    ("8200", "X..70", "01"),
)
# Data attributes: (AIs, format, needs). `3100-3105` is a range; its last digit is the number of decimals.
_ATTRIBUTES: tuple[tuple[str, str, str], ...] = (
    ("02", "N14:mod10", "37"),
    ("10", "X..20", _TRADE),
    ("11 13 15 16", "N6:date0", _TRADE),
    ("12", "N6:date0", "8020"),
    ("17", "N6:date0", "01 02 03 255 8006 8026"),
    ("20", "N2", _TRADE),
    ("240 241", "X..30", _TRADE),
    ("242", "N..6", "01 02 8006 8026"),
    ("243", "X..20", "01 03"),
    ("250", "X..30", "01+21 03+21 8006+21"),
    ("251", "X..30", _MADE),
    ("30", "N..8", _UNIT),
    ("3100-3105 3110-3115 3120-3125 3130-3135 3140-3145 3150-3155 3160-3165", "N6", _UNIT),
    ("3200-3205 3210-3215 3220-3225 3230-3235 3240-3245 3250-3255 3260-3265 3270-3275 3280-3285 3290-3295", "N6", _UNIT),
    ("3300-3305 3310-3315 3320-3325 3330-3335 3340-3345 3350-3355 3360-3365", "N6", "00 01"),
    ("3370-3375", "N6", "01"),
    ("3400-3405 3410-3415 3420-3425 3430-3435 3440-3445 3450-3455 3460-3465 3470-3475 3480-3485 3490-3495", "N6", "00 01"),
    ("3500-3505 3510-3515 3520-3525", "N6", _UNIT),
    ("3530-3535 3540-3545 3550-3555", "N6", "00 01"),
    ("3560-3565 3570-3575 3600-3605 3610-3615 3640-3645 3650-3655 3660-3665", "N6", _UNIT),
    ("3620-3625 3630-3635 3670-3675 3680-3685 3690-3695", "N6", "00 01"),
    ("37", "N..8", "00+02 00+8026"),
    ("3900-3909", "N..15", "255 8020"),
    ("3910-3919", "N3+N..15", "8020"),
    ("3920-3929", "N..15", "01+30 01+31nn 01+32nn 01+35nn 01+36nn"),
    ("3930-3939", "N3+N..15", _PRICED),
    ("3940-3943", "N4", "255"),
    ("3950-3955", "N6", _PRICED),
    ("400", "X..30", ""),
    ("403", "X..30", "00"),
    ("410-413 416", "N13:mod10", ""),
    ("420", "X..20", ""),
    ("421", "N3+X..9", ""),
    ("422", "N3", _TRADE),
    ("423 425", "N3+N3?+N3?+N3?+N3?", _FOOD),
    ("424 426", "N3", _FOOD),
    ("427", "X..3", "01+422 02+422 03+422"),
    ("4300 4301 4310 4311 4320", "X..35", "00"),
    ("4302 4304-4306 4312 4314-4316", "X..70", "00"),
    ("4303", "X..70", "4302"),
    ("4313", "X..70", "4312"),
    ("4307 4317", "X2:letters", "00"),
    ("4308 4319", "X..30", "00"),
    ("4309", "N20", "00"),
    ("4318", "X..20", "00"),
    ("4321-4323", "N1:yes_no", "00"),
    ("4324 4325", "N6:date0+N4:time", "00"),
    ("4326", "N6:date", "00"),
    ("4330-4333", "N6+X1?:minus", "00"),
    ("7001", "N13", "01 02 8006 8026"),
    ("7002", "X..30", _UNIT),
    ("7003", "N6:date+N4:time", _FOOD),
    ("7004", "N..4", "01+10 03+10"),
    ("7005", "X..12", _UNIT),
    ("7006", "N6:date", _UNIT),
    ("7007", "N6:date+N6?:date", _UNIT),
    ("7008", "X..3", _UNIT),
    ("7009", "X..10", _UNIT),
    ("7010", "X..2", _FOOD),
    ("7011", "N6:date+N4?:time", _FOOD),
    ("7020", "X..20", "01+416 03+416 8006+416"),
    ("7021", "X..20", _MADE),
    ("7022", "X..20", "01+7021 03+7021 8006+7021"),
    ("7023", "X..30:company", ""),
    ("7030-7039", "N3+X..27", _UNIT),
    ("710-717", "X..20", "01"),
    ("7230-7239", "X2+X..28", "01 8004"),
    ("7240", "X..20", "01 8006"),
    ("7241", "N2", _PEOPLE),
    ("7242", "X..25", _PEOPLE),
    ("7250", "N8:long_date", "8018"),
    ("7251", "N8:long_date+N4:time", "8018"),
    ("7252", "N1:sex", "8018"),
    ("7253 7254", "X..40", _PEOPLE),
    ("7255", "X..10", _PEOPLE),
    ("7256", "X..90", _PEOPLE),
    ("7257", "X..70", "8018"),
    ("7258", "X3:birth_order", "8018+7259"),
    ("7259", "X..40", "8018"),
    ("8001", "N4:some+N5:some+N3:some+N1:winding+N1", "01"),
    ("8002", "X..20", ""),
    ("8005", "N6", _UNIT),
    ("8007", "X..34", "415"),
    ("8008", "N6:date+N2:hour+N2?:sixty+N2?:sixty", _FOOD),
    ("8009", "X..50", "00 01 03"),
    ("8012", "X..20", _MADE),
    ("8026", "N14:mod10+N4:piece", "37"),
    ("8030", "Z..90:base64", "00 01+21 03+21 253 255 8003 8004 8006+21 8010+8011 8017 8018"),
    ("8110 8112", "X..70", ""),
    ("8111", "N4", "255"),
    ("90", "X..30", ""),
    ("91-99", "X..90", ""),
)
# AI -> those that may not stand beside it. One measure in two precisions (`310n`) is excluded by rule, see `_exclusions`.
_EXCLUSIONS: Mapping[str, str] = {
    "01": "255 37", "02": "01 03", "03": "01 02 37 235", "21": "235", "255": "01 02 415 8006 8020 8026", "420": "421", "421": "4307",
    "422": "426", "423": "426", "424": "426", "425": "426", "4330": "4331", "4331": "4330", "4332": "4333", "4333": "4332",
    "7240": "03", "7250": "7251", "7251": "7250", "7253": "7256 7259", "7254": "7256 7259", "7255": "7256 7259", "7259": "7256",
    "8006": "01 03 37", "8017": "8018", "8018": "8017", "8026": "02 03 8006",
}  # fmt: skip
_EXCLUSIONS_OF_AMOUNTS: Mapping[str, str] = {
    "390": "391n 394n 8111", "392": "393n", "394": "8111", "395": "392n 393n 8005",
}  # fmt: skip
_DECIMALS_FROM, _DECIMALS_TO = "3100", "3959"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a value."""

    characters: frozenset[str]
    length_min: int
    length_max: int
    optional: bool
    check: Check | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AiRule:
    """What holds for one AI. `qualifiers` is None where it is no primary key."""

    ai: str
    parts: tuple[Part, ...]
    needs: tuple[tuple[str, ...], ...]
    excludes: tuple[str, ...]
    is_attribute: bool
    qualifiers: tuple[tuple[str, ...], ...] | None

    @property
    def length_min(self) -> int:
        return sum(part.length_min for part in self.parts if not part.optional)

    @property
    def length_max(self) -> int:
        return sum(part.length_max for part in self.parts)


def check_value(rule: AiRule, value: str) -> None:
    """Refuses a decoded value that the AI does not allow, naming the first fault from the left; lengths come first."""
    if not value:
        raise DlValueMissing(ai=rule.ai)
    if len(value) > rule.length_max:
        raise DlValueTooLong(ai=rule.ai, length=len(value), length_max=rule.length_max)
    start = 0
    for part in rule.parts:
        piece = value[start : start + part.length_max]
        for position, character in enumerate(piece, start=start + 1):
            if character not in part.characters:
                raise DlCharacter(ai=rule.ai, position=position)
        start += len(piece)
        if not piece and part.optional:
            continue
        if len(piece) < part.length_min:
            raise DlValueTooShort(ai=rule.ai, length=len(value), length_min=start - len(piece) + part.length_min)
        if part.check:
            part.check(rule.ai, piece)


def matches(pattern: str, ai: str) -> bool:
    """Whether `ai` is meant by a pattern such as `310n` or `31nn`, where n is any digit."""
    return len(pattern) == len(ai) and ai.startswith(pattern.rstrip("n"))


_PART = re.compile(r"([NXYZ])(\.\.)?(\d+)(\?)?(?::(\w+))?")


def _parts(form: str) -> Iterator[Part]:
    for text in form.split("+"):
        found = _PART.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no part of a format")
        kind, variable, length, optional, rule = found.groups()
        check: Check | None = ai_contents.CHECKS[rule] if rule else None
        yield Part(
            characters=_CHARSETS[kind],
            length_min=1 if variable else int(length),
            length_max=int(length),
            optional=bool(optional),
            check=check,
        )


def _listed(ais: str) -> Iterator[str]:
    for text in ais.split():
        first, _, last = text.partition("-")
        yield from (str(number).zfill(len(first)) for number in range(int(first), int(last or first) + 1))


def _exclusions(ai: str) -> tuple[str, ...]:
    if len(ai) == len(_DECIMALS_FROM) and _DECIMALS_FROM <= ai <= _DECIMALS_TO:
        measure = ai[:-1]
        return (f"{measure}n", *_EXCLUSIONS_OF_AMOUNTS.get(measure, "").split())
    return tuple(_EXCLUSIONS.get(ai, "").split())


def _rules() -> Iterator[AiRule]:
    def rule(ai: str, form: str, needs: str, *, attribute: bool, qualifiers: tuple[str, ...] | None = None) -> AiRule:
        return AiRule(
            ai=ai,
            parts=tuple(_parts(form)),
            needs=tuple(tuple(group.split("+")) for group in needs.split()),
            excludes=_exclusions(ai),
            is_attribute=attribute,
            qualifiers=None if qualifiers is None else tuple(tuple(row.split()) for row in qualifiers),
        )

    for ai, form, qualifiers in _KEYS:
        yield rule(ai, form, "8020" if ai == "415" else "", attribute=True, qualifiers=qualifiers)
    for ai, form, needs in _IN_THE_PATH:
        yield rule(ai, form, needs, attribute=False)
    for ais, form, needs in _ATTRIBUTES:
        for ai in _listed(ais):
            yield rule(ai, form, needs, attribute=True)


RULES: Mapping[str, AiRule] = MappingProxyType({rule.ai: rule for rule in _rules()})
