"""Labels as these tests make them."""

from typing import Any

from codegen.labels.built_in import BUILT_IN
from codegen.labels.templates import LabelTemplate
from codegen.labels.words import LabelWords

URI = "HTTPS://ID.EXAMPLE/01/09521234543213/21/0816MZTTBH7PFP77PTNS"
WORDS = LabelWords(product="Alpine Oolong", gtin="09521234543213", lot="L-7")
CHINESE = LabelWords(product="高山乌龙茶", gtin="09521234543213", lot="L-7")
A4, ROLL, CAP = (BUILT_IN[name] for name in ("a4-3x8", "roll-40x30", "cap-15"))


def changed(template: LabelTemplate, **parts: Any) -> LabelTemplate:
    """The template with other settings: `page={"columns": 4}`, `texts=[{...}]`, `symbol={"x_mm": "3"}`, `width_mm="70"`."""
    plain = template.as_plain()
    for name, value in parts.items():
        if name == "texts":
            plain["texts"] = [{**old, **new} for old, new in zip(plain["texts"], value, strict=False)]
        elif isinstance(value, dict) and isinstance(plain[name], dict):
            plain[name] = {**plain[name], **value}
        else:
            plain[name] = value
    return LabelTemplate.from_plain(plain)
