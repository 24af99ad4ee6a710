"""The form of one link: what is typed, and the draft that it makes."""

import re
from collections.abc import Mapping
from datetime import datetime

from wtforms import BooleanField, DateTimeLocalField, HiddenField, RadioField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from codegen.resolver_links import link_types
from codegen.resolver_links.link_drafts import PLACE_MAX, TITLE_LENGTH_MAX, Draft
from codegen.resolver_links.link_table import Role
from codegen.resolver_links.link_targets import TARGET_LENGTH_MAX
from codegen.resolver_links.link_types import TYPE_LENGTH_MAX
from codegen.resolver_links.links import LinkRecord
from web.console import desk
from web.console.forms import DeskForm, count_field, needed, options
from web.console.linking import link_labels
from web.wording import lazy

LOCAL_TIME = "%Y-%m-%dT%H:%M"
LISTED_LENGTH_MAX = 400
OWN = "own"
_BETWEEN = re.compile(r"[\s,;，；、]+")
# Beside which field a refusal is said; everything else is said beside the address.
FIELDS = {
    "link_type_unknown": "own_type",
    "link_type_reserved": "own_type",
    "link_title_malformed": "title",
    "link_language_malformed": "languages",
    "link_media_type_malformed": "media_type",
    "link_context_malformed": "contexts",
    "link_validity_backwards": "valid_until",
    "link_validity_out_of_range": "valid_until",
    "link_place_out_of_range": "place",
    "link_default_of_item": "role",
    "link_level_unclear": "serial",
    "link_lot_malformed": "lot",
    "link_serial_malformed": "serial",
    "link_item_not_made": "serial",
}


class LinkForm(DeskForm):
    """`link_id` is drawn when the form is shown: sent twice, it is still one link. `revision` is the one that was looked at."""

    link_id = HiddenField()
    revision = HiddenField()
    lot = StringField(lazy("Lot"), [Length(max=40)], description=lazy("Only for this lot. Empty: for the whole product."))
    serial = StringField(
        lazy("Serial"), [Length(max=60)], description=lazy("Only for one item. Empty: for the whole product or lot.")
    )
    link_type = SelectField(lazy("What the link is about"), validate_choice=True)
    own_type = StringField(
        lazy("A type of your own"),
        [Length(max=TYPE_LENGTH_MAX)],
        description=lazy("With the prefix of one of your vocabularies, as in tea:brewing. Only where the list above says so."),
    )
    href = StringField(
        lazy("Where it leads"),
        [needed(), Length(max=TARGET_LENGTH_MAX)],
        description=lazy("https:// and a host that an owner of the brand has allowed."),
        render_kw={"inputmode": "url", "autocomplete": "off", "placeholder": "https://"},
    )
    title = StringField(
        lazy("Title"),
        [needed()],
        description=lazy("What people read before they tap."),
        render_kw={"maxlength": TITLE_LENGTH_MAX},
    )
    languages = StringField(
        lazy("Languages"),
        [Length(max=LISTED_LENGTH_MAX)],
        description=lazy("Of the page it leads to: zh, en, or with a country, zh-CN. Empty: for readers of any language."),
    )
    media_type = SelectField(lazy("What it is"), choices=options(link_labels.MEDIA_TYPES), validate_choice=True)
    contexts = StringField(
        lazy("Contexts"),
        [Length(max=LISTED_LENGTH_MAX)],
        description=lazy("Usually countries or markets, as in EU or CN; apps ask for them by context=. Empty: for all."),
    )
    role = RadioField(
        lazy("When it answers"),
        choices=options({role.value: name for role, name in link_labels.ROLES.items()}),
        default=Role.PLAIN.value,
    )
    valid_from = DateTimeLocalField(lazy("From"), [Optional()], format=LOCAL_TIME)
    valid_until = DateTimeLocalField(lazy("Until"), [Optional()], format=LOCAL_TIME, description=lazy("Empty: without an end."))
    place = count_field(
        lazy("Place in the list"), needs=False, description=lazy("The smallest comes first where several links fit alike.")
    )
    passes_query = BooleanField(
        lazy("Pass on what stands behind the question mark of the scanned address"),
        description=lazy("Campaign parameters reach your page then."),
        default=True,
    )
    submit = SubmitField(lazy("Save link"))


def type_choices(vocabularies: Mapping[str, str]) -> list[SelectChoice]:
    """Usual types first; the brand's own last, where it has a vocabulary."""
    rest = (name for name in link_types.GIVEN if name not in link_labels.USUAL)
    choices = {f"gs1:{name}": link_labels.TYPES[name] for name in (*link_labels.USUAL, *rest)}
    return options(choices) + (options({OWN: lazy("A type of your own")}) if vocabularies else [])


def draft(form: LinkForm, *, known: LinkRecord | None) -> Draft:
    link = None if known is None else known.link
    own = form.link_type.data == OWN
    return Draft(
        link_type=form.own_type.data if own else form.link_type.data,
        href=form.href.data,
        title=form.title.data,
        languages=listed(form.languages.data),
        media_type=form.media_type.data,
        contexts=listed(form.contexts.data),
        role=Role(form.role.data),
        place=min(form.place.data or 0, PLACE_MAX + 1),
        passes_query=form.passes_query.data,
        valid_from=_instant(form.valid_from.data, known=None if link is None else link.valid_from),
        valid_until=_instant(form.valid_until.data, known=None if link is None else link.valid_until),
    )


def typed(record: LinkRecord, vocabularies: Mapping[str, str]) -> dict[str, object]:
    """A link as the form shows it."""
    link = record.link
    written = link_types.short(link.type, vocabularies)
    is_gs1 = written.startswith(f"{link_types.GS1_PREFIX}:")
    return {
        "link_id": str(record.id),
        "revision": str(record.revision),
        "link_type": written if is_gs1 else OWN,
        "own_type": "" if is_gs1 else written,
        "href": link.href,
        "title": link.title,
        "languages": ", ".join(link.languages),
        "media_type": link.media_type,
        "contexts": ", ".join(link.contexts),
        "role": link.role.value,
        "valid_from": _local(link.valid_from),
        "valid_until": _local(link.valid_until),
        "place": record.place,
        "passes_query": link.passes_query,
    }


def with_media_type(form: LinkForm, media_type: str) -> None:
    """A media type that the list does not know stays choosable where a link has it."""
    if media_type not in link_labels.MEDIA_TYPES:
        form.media_type.choices = [*form.media_type.choices, SelectChoice(value=media_type, label=media_type)]


def listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in _BETWEEN.split(text) if part)


def _local(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(desk.zone()).replace(tzinfo=None)


def _instant(local: datetime | None, *, known: datetime | None) -> datetime | None:
    """The form shows whole minutes: an instant that nobody touched keeps its seconds."""
    if local is None:
        return None
    meant = local.replace(tzinfo=desk.zone())
    return known if known is not None and known.astimezone(desk.zone()).replace(second=0, microsecond=0) == meant else meant
