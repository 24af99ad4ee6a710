"""`onemark verify`: is a signed address the brand's? With `--offline` the key set is a file, and neither instance nor network is asked."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import click

from codegen import brands, url_signatures
from codegen.keys import keyring, public_keys
from codegen.url_signatures import KeySetMalformed
from kit import csv_files
from kit.refusals import Invalid, Refusal
from web.cli.given_files import json_of
from web.cli.root import REFUSED, answer, brand_option, cli, json_option, onemark

COLUMNS = ("line", "url", "answer", "reason", "brand", "epoch", "gtin", "serial")
RIGHT, WRONG = "right", "refused"
_existing = click.Path(exists=True, dir_okay=False, path_type=Path)


class KeysMissing(Invalid):
    code = "keys_missing"
    says = "Without an instance the public keys come from a file: --offline --keys FILE."


class NothingToVerify(Invalid):
    code = "nothing_to_verify"
    says = "Name addresses, or a file of them with --list."


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    line: int
    url: str
    reason: str = ""
    brand: str = ""
    epoch: int | None = None
    gtin: str = ""
    serial: str = ""

    @property
    def right(self) -> bool:
        return not self.reason

    def as_row(self) -> list[str]:
        epoch = "" if self.epoch is None else str(self.epoch)
        # Addresses come from strangers.
        url = csv_files.plain_cell(self.url)
        return [str(self.line), url, RIGHT if self.right else WRONG, self.reason, self.brand, epoch, self.gtin, self.serial]


@cli.command("verify")
@click.argument("urls", nargs=-1)
@click.option("--list", "listed", type=_existing, help="A file with one address a line, or a CSV with a column `url`.")
@click.option("--keys", "key_file", type=_existing, help="The brand's key set: packages keys, or /.well-known/onemark-keys.json.")
@click.option("--offline", is_flag=True, help="Ask no instance: the keys are those of --keys.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one CSV line for each address.")
@brand_option
@json_option
def verify(
    urls: tuple[str, ...],
    listed: Path | None,
    key_file: Path | None,
    tenant: str | None,
    *,
    offline: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Check the public signature of printed addresses. Exit code 1 where one is refused.

    A right signature says that the brand issued the address. It does not say that the item is the original: a copy carries the same.
    """
    if not urls and listed is None:
        raise NothingToVerify
    if offline and key_file is None:
        raise KeysMissing
    keys = _keys_of_instance(tenant) if key_file is None else json_of(key_file)
    checked = (_checked(line, url, keys) for line, url in _all(urls, listed))
    if as_csv:
        refused = _write_csv(checked)
    else:
        found = list(checked)
        refused = sum(not one.right for one in found)
        results = [dict(zip(COLUMNS, one.as_row(), strict=True)) for one in found]
        sentence = "\n".join(f"{RIGHT if one.right else WRONG:8} {one.reason or one.brand:24} {one.url}" for one in found)
        answer({"right": len(found) - refused, "refused": refused, "results": results}, as_json=as_json, sentence=sentence)
    if refused:
        sys.exit(REFUSED)


def _keys_of_instance(tenant: str | None) -> dict[str, Any]:
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            slug = brands.load(session, tenant_id=tenant_id).slug
            ring = keyring.epochs(session, tenant_id=tenant_id, kek=instance.settings.kek_bytes)
    return public_keys.key_set(slug, ring.values())


def _all(urls: Iterable[str], listed: Path | None) -> Iterator[tuple[int, str]]:
    yield from enumerate(urls, start=1)
    if listed is None:
        return
    with listed.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        head = lines.readline()
        columns = next(csv.reader([head]), [])
        if "url" in columns:
            place = columns.index("url")
            yield from (
                (number, row[place] if len(row) > place else "") for number, row in enumerate(csv.reader(lines), start=2) if row
            )
            return
        for number, line in enumerate(chain([head], lines), start=1):
            if line.strip():
                yield number, line.strip()


def _checked(line: int, url: str, keys: Mapping[str, Any]) -> Checked:
    shown = url[: url_signatures.URL_LENGTH_MAX]
    try:
        found = url_signatures.verify(url, keys)
    except KeySetMalformed:
        raise  # that is about the keys, not about this address
    except Refusal as refused:
        return Checked(line=line, url=shown, reason=refused.code)
    return Checked(line=line, url=shown, brand=found.brand, epoch=found.epoch, gtin=found.gtin or "", serial=found.serial)


def _write_csv(checked: Iterable[Checked]) -> int:
    """Line by line, however long the list is. Returns how many were refused."""
    refused = 0
    click.echo(",".join(COLUMNS))
    for one in checked:
        refused += not one.right
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(one.as_row())
        click.echo(out.getvalue())
    return refused
