"""The form of a label template: fields in millimetres, a row of fields for each text, an upload for the logo.

Promises: what the form says becomes a template or an error beside the field at fault, in the reader's language.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DecimalField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    SubmitField,
)
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput, TextInput

from codegen.labels.templates import (
    NAME_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    TEXTS_MAX,
    Align,
    LabelMalformed,
    LabelTemplate,
    LogoPlace,
    Page,
    Paper,
    Shape,
    Source,
    SymbolPlace,
    TextField,
    millimetres,
)
from kit.refusals import Refusal
from web.console.forms import CountField, DeskForm, needed, options
from web.wording import explained, gettext, lazy

DPI = (203, 300, 600, 1200, 2400)
DPI_USUAL = 600
SPARE_TEXTS = 1
_UNUSED = ""

SOURCES = {
    Source.PRODUCT: lazy("Product name"),
    Source.GTIN: lazy("GTIN"),
    Source.LOT: lazy("Lot"),
    Source.KIND: lazy("Printed on"),
    Source.SERIAL_GROUPS: lazy("Serial in groups of four"),
    Source.SERIAL: lazy("Serial"),
    Source.HRI: lazy("(01) GTIN (21) serial"),
    Source.ROW: lazy("Row number"),
    Source.FIXED: lazy("Fixed text"),
}
PAPERS = {Paper.SHEET: lazy("Sheets with several labels"), Paper.ROLL: lazy("A roll, one label at a time")}
SHAPES = {Shape.RECTANGLE: lazy("Rectangle"), Shape.ROUND: lazy("Round")}
ALIGNS = {Align.LEFT: lazy("Left"), Align.CENTRE: lazy("Centred"), Align.RIGHT: lazy("Right")}
_FIELDS = {
    "label_name_taken": "name",
    "label_template_changed": "name",
    "label_templates_too_many": "name",
    "label_larger_than_page": "width_mm",
    "columns_do_not_fit": "columns",
    "rows_do_not_fit": "rows",
    "roll_of_one": "paper",
    "symbol_outside": "symbol_side_mm",
    "module_too_small": "symbol_side_mm",
    "logo_outside": "logo_x_mm",
    "logo_over_symbol": "logo_x_mm",
    "logo_unreadable": "upload",
    "logo_too_large": "upload",
    "logos_too_many": "upload",
    "logo_unknown": "upload",
}
_OF_TEXTS = frozenset({"text_outside", "text_over_symbol", "text_too_long"})


class LengthField(DecimalField):  # type: ignore[misc]
    """Millimetres or points, with a point or a comma."""

    widget = TextInput()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not valuelist:
            return
        self.data: Any = None
        try:
            self.data = millimetres(valuelist[0].replace(",", ".").replace("，", "."), part=self.name)
        except LabelMalformed as error:
            raise ValueError(gettext("A number such as 12.5, with at most two decimals.")) from error


def mm(label: Any, *, usual: str = "0", description: Any = "") -> LengthField:
    return LengthField(
        label,
        [needed()],
        default=Decimal(usual),
        places=None,
        description=description,
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )


class TextForm(Form):  # type: ignore[misc]
    source = SelectField(lazy("Says"), choices=options({_UNUSED: "–"} | {one.value: said for one, said in SOURCES.items()}))
    words = StringField(lazy("Words before it"), [Length(max=TEXT_LENGTH_MAX)], filters=[lambda typed: typed or ""])
    x_mm = mm(lazy("From left"))
    y_mm = mm(lazy("From top"))
    width_mm = mm(lazy("Width"), usual="20")
    size_pt = mm(lazy("Size, pt"), usual="7")
    lines = IntegerField(lazy("Lines"), [Optional()], default=1, widget=TextInput(), render_kw={"inputmode": "numeric"})
    align = SelectField(lazy("Align"), choices=options({one.value: said for one, said in ALIGNS.items()}))
    bold = BooleanField(lazy("Bold"))


class LabelForm(DeskForm):
    template_id = HiddenField()
    revision = IntegerField(default=1, widget=HiddenInput())
    name = StringField(lazy("Name"), [needed(), Length(max=NAME_LENGTH_MAX)], render_kw={"autocomplete": "off"})
    paper = SelectField(lazy("Paper"), choices=options({one.value: said for one, said in PAPERS.items()}))
    width_mm = mm(lazy("Label width"), usual="64")
    height_mm = mm(lazy("Label height"), usual="34")
    shape = SelectField(lazy("Shape"), choices=options({one.value: said for one, said in SHAPES.items()}))
    border = BooleanField(lazy("Thin line around the label"))
    cutting_marks = BooleanField(lazy("Cutting marks in the margins of the sheet"))
    page_width_mm = mm(lazy("Sheet width"), usual="210")
    page_height_mm = mm(lazy("Sheet height"), usual="297")
    left_mm = mm(lazy("Left margin"), usual="7")
    top_mm = mm(lazy("Top margin"), usual="12.5")
    columns = CountField(lazy("Columns"), [needed()], default=1, render_kw={"inputmode": "numeric"})
    rows = CountField(lazy("Rows"), [needed()], default=1, render_kw={"inputmode": "numeric"})
    gap_across_mm = mm(lazy("Gap between columns"))
    gap_down_mm = mm(lazy("Gap between rows"))
    symbol_x_mm = mm(lazy("From left"), usual="2")
    symbol_y_mm = mm(lazy("From top"), usual="4")
    symbol_side_mm = mm(lazy("Side"), usual="26")
    texts = FieldList(FormField(TextForm), min_entries=1, max_entries=TEXTS_MAX)
    logo = HiddenField()
    upload = FileField(
        lazy("Picture"),
        description=lazy("PNG or JPEG, up to 4 MB. Only its pixels are kept."),
        render_kw={"accept": "image/png,image/jpeg"},
    )
    logo_removed = BooleanField(lazy("Without logo"))
    logo_x_mm = mm(lazy("From left"), usual="2")
    logo_y_mm = mm(lazy("From top"), usual="2")
    logo_width_mm = mm(lazy("Width"), usual="10")
    logo_height_mm = mm(lazy("Height"), usual="10")
    sample_gtin = SelectField(lazy("Product"), validate_choice=False)
    sample_dpi = SelectField(
        lazy("Resolution"),
        coerce=int,
        default=DPI_USUAL,
        choices=options({str(dpi): f"{dpi} dpi" for dpi in DPI}),
        validate_choice=False,
    )
    more = SubmitField(lazy("Another text"), render_kw={"formnovalidate": True})
    submit = SubmitField(lazy("Save template"))

    def used_texts(self) -> list[TextForm]:
        return [entry.form for entry in self.texts if entry.form.source.data]

    def blame(self, refusal: Refusal) -> None:
        """Beside the field that the refusal is about."""
        field = self[_FIELDS.get(refusal.code, "name")]
        if refusal.code in _OF_TEXTS:
            text = self.used_texts()[int(str(refusal.data["number"])) - 1]
            field = text.width_mm if refusal.code == "text_too_long" else text.x_mm
        field.errors = [*field.errors, explained(refusal)]


def fill(form: LabelForm, template: LabelTemplate) -> None:
    """What the template says, into an empty form."""
    page, symbol = template.page, template.symbol
    form.name.data, form.paper.data, form.shape.data = template.name, page.paper.value, template.shape.value
    form.width_mm.data, form.height_mm.data = template.width_mm, template.height_mm
    form.border.data, form.cutting_marks.data = template.border, template.cutting_marks
    form.page_width_mm.data, form.page_height_mm.data = page.width_mm, page.height_mm
    for name in ("left_mm", "top_mm", "columns", "rows", "gap_across_mm", "gap_down_mm"):
        form[name].data = getattr(page, name)
    form.symbol_x_mm.data, form.symbol_y_mm.data, form.symbol_side_mm.data = symbol.x_mm, symbol.y_mm, symbol.side_mm
    if template.logo is not None:
        form.logo.data = template.logo.logo
        for name in ("x_mm", "y_mm", "width_mm", "height_mm"):
            form[f"logo_{name}"].data = getattr(template.logo, name)
    form.texts.entries.clear()
    form.texts.last_index = -1
    for text in template.texts:
        form.texts.append_entry(
            {
                "source": text.source.value,
                "words": text.words,
                "x_mm": text.x_mm,
                "y_mm": text.y_mm,
                "width_mm": text.width_mm,
                "size_pt": text.size_pt,
                "lines": text.lines,
                "align": text.align.value,
                "bold": text.bold,
            }
        )


def spare(form: LabelForm) -> None:
    """One row more than is used, so that there is always one to write in."""
    if len(form.used_texts()) == len(form.texts.entries) < TEXTS_MAX:
        form.texts.append_entry()


def template_of(form: LabelForm, *, logo: str | None) -> LabelTemplate:
    """The template that a validated form describes. `logo` is the name of the picture; None: no logo."""
    rolled = form.paper.data == Paper.ROLL
    page = (
        Page(paper=Paper.ROLL, width_mm=form.width_mm.data, height_mm=form.height_mm.data)
        if rolled
        else Page(
            width_mm=form.page_width_mm.data,
            height_mm=form.page_height_mm.data,
            left_mm=form.left_mm.data,
            top_mm=form.top_mm.data,
            columns=form.columns.data,
            rows=form.rows.data,
            gap_across_mm=form.gap_across_mm.data,
            gap_down_mm=form.gap_down_mm.data,
        )
    )
    place = None
    if logo:
        place = LogoPlace(
            logo=logo,
            x_mm=form.logo_x_mm.data,
            y_mm=form.logo_y_mm.data,
            width_mm=form.logo_width_mm.data,
            height_mm=form.logo_height_mm.data,
        )
    raw = LabelTemplate(
        name=form.name.data.strip(),
        page=page,
        width_mm=form.width_mm.data,
        height_mm=form.height_mm.data,
        symbol=SymbolPlace(x_mm=form.symbol_x_mm.data, y_mm=form.symbol_y_mm.data, side_mm=form.symbol_side_mm.data),
        texts=tuple(_text(text) for text in form.used_texts()),
        logo=place,
        shape=Shape(form.shape.data),
        border=form.border.data,
        cutting_marks=form.cutting_marks.data and not rolled,
    )
    # Read once more as if from a file: lengths with more decimals than are kept are refused there.
    return LabelTemplate.from_plain(raw.as_plain())


def _text(text: TextForm) -> TextField:
    return TextField(
        source=Source(text.source.data),
        x_mm=text.x_mm.data,
        y_mm=text.y_mm.data,
        width_mm=text.width_mm.data,
        size_pt=text.size_pt.data,
        align=Align(text.align.data),
        bold=text.bold.data,
        lines=text.lines.data or 1,
        words=text.words.data,
    )
