"""Forms of the console: messages in the reader's language, whole numbers as people type them, refusals beside the field they are about."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import TextInput

from kit.refusals import Refusal
from web import wording
from web.app import db
from web.wording import lazy

# More digits than any number of ours has; the domain says which of the shorter ones it takes.
DIGITS_MAX = 18
_SEPARATORS = str.maketrans(dict.fromkeys(",，_ 　 ", ""))


class DeskForm(FlaskForm):  # type: ignore[misc]
    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        @property
        def locales(self) -> Sequence[str]:
            return (wording.language(),)

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Any:
            """A text that was not sent is an empty one: only a program leaves a field out."""
            if issubclass(unbound_field.field_class, StringField):
                options["filters"] = [_text]
            return unbound_field.bind(form=form, **options)

        def get_translations(self, form: Any) -> Any:
            return DefaultMeta.get_translations(self, form)


def _text(typed: str | None) -> str:
    return typed or ""


class CountField(IntegerField):  # type: ignore[misc]
    """A whole number, with or without separators of thousands."""

    widget = TextInput()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        typed = [value.translate(_SEPARATORS) for value in valuelist]
        if any(len(value) > DIGITS_MAX for value in typed):
            raise ValueError(wording.gettext("This number has too many digits."))
        super().process_formdata(typed)


def count_field(label: Any, *, description: Any = "", needs: bool = True) -> CountField:
    """Without `needs` an empty field is None."""
    return CountField(
        label,
        [needed() if needs else Optional()],
        description=description,
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


def options(labels: Mapping[str, object]) -> list[SelectChoice]:
    """What a field offers: labels by the value that is sent."""
    return [SelectChoice(value=value, label=label) for value, label in labels.items()]


def needed() -> InputRequired:
    return InputRequired(lazy("Please fill this in."))


class blaming:  # noqa: N801 - read as a verb: `with blaming(form, ...):`
    """A refusal in the block becomes an error beside the field of its code; what the block had written is taken back."""

    def __init__(self, form: DeskForm, fields: Mapping[str, str], *, otherwise: str) -> None:
        self._form = form
        self._fields = fields
        self._otherwise = otherwise
        self._savepoint = db().begin_nested()

    def __enter__(self) -> None:
        self._savepoint.__enter__()

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> bool:
        self._savepoint.__exit__(kind, raised, trace)
        if not isinstance(raised, Refusal):
            return False
        blame(self._form, self._fields.get(raised.code, self._otherwise), wording.explained(raised))
        return True


def blame(form: DeskForm, field: str, message: str) -> None:
    form[field].errors = [*form[field].errors, message]
