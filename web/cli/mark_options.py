"""Options that say how codes are marked, for the commands that order codes and that change their mark."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

import click

from codegen.symbology.mark_sizes import MarkSize
from codegen.symbology.mark_specs import MarkSpec, Masking, ReadableLine, Symbology
from codegen.symbology.symbol_limits import Level

P = ParamSpec("P")
R = TypeVar("R")

_NAMES = ("symbology", "level", "version", "mask", "quiet_modules", "module_mm", "dpi", "text")
_OPTIONS = (
    click.option("--symbology", type=click.Choice([one.value for one in Symbology]), help="Default: qr."),
    click.option("--level", type=click.Choice([one.value for one in Level]), help="Error correction of QR codes; default: M."),
    click.option("--qr-version", "version", type=int, help="The least version; default: the smallest that fits."),
    click.option(
        "--mask", type=click.Choice([one.value for one in Masking]), help="One best for the order (default), or for each symbol."
    ),
    click.option("--quiet-modules", type=int, help="Light modules around; default: 4 for qr, 1 for gs1_datamatrix."),
    click.option("--module-mm", metavar="MM", help="Side of a module; default: 0.5. Printed in whole dots."),
    click.option("--dpi", type=int, help="Dots an inch of the printer; default: 600."),
    click.option(
        "--text", type=click.Choice([one.value for one in ReadableLine]), help="Under the symbol; default: serial_groups."
    ),
)


def mark_options(command: Callable[P, R]) -> Callable[P, R]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_mark(given: Mapping[str, Any], *, usual: MarkSpec | None = None) -> MarkSpec | None:
    """The mark that the options say; what none says is as in `usual`. None: nothing was said."""
    said = {name: given[name] for name in _NAMES if given.get(name) is not None}
    return MarkSpec.from_plain({**(usual or MarkSpec()).as_plain(), **said}) if said else None


def size_facts(size: MarkSize) -> dict[str, Any]:
    return {
        "version": size.version,
        "modules": size.modules,
        "module_mm": str(size.module_mm),
        "module_dots": size.module_dots,
        "symbol_mm": str(size.symbol_mm),
        "total_mm": str(size.total_mm),
        "warnings": [{"code": one.code.value, "found": one.found, "wanted": one.wanted} for one in size.warnings],
    }


def size_sentence(size: MarkSize) -> str:
    changed = "" if size.module_mm == size.asked_mm else f" ({_mm(size.asked_mm)} asked for)"
    lines = [
        (
            f"{size.modules} modules a side of {_mm(size.module_mm)} mm{changed}, {size.module_dots} dots each; "
            f"{_mm(size.symbol_mm)} mm, with quiet zone {_mm(size.total_mm)} mm"
        )
    ]
    lines += [f"Beware ({one.code}): {one.found}, better {one.wanted}" for one in size.warnings]
    return "\n".join(lines)


def _mm(length: Decimal) -> str:
    return f"{length.normalize():f}"
