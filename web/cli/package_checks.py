"""`onemark packages verify` and `open`: what a printer runs with the files alone; no instance is there, and none is started."""

from pathlib import Path

import click

from codegen.print_packages import manifests
from codegen.print_packages.guarding import sealed_files
from web.cli.given_files import FileThere, json_of, passphrase_of, text_of, write_new
from web.cli.packages import existing, group, new_file
from web.cli.root import answer, json_option


@group.command("verify")
@click.argument("manifest_file", type=existing)
@click.argument("file", type=existing)
@click.option("--keys", "key_file", required=True, type=existing, help="The brand's public keys.")
@json_option
def verify(manifest_file: Path, file: Path, key_file: Path, *, as_json: bool) -> None:
    """Check a file against its signed manifest. Needs no server."""
    with manifest_file.open("rb") as opened:
        raw = opened.read(manifests.MANIFEST_BYTES_MAX + 1)
    with file.open("rb") as opened:
        found = manifests.verify(raw, opened, keys=json_of(key_file))
    skip = ", ".join(map(str, found.skip)) or "none"
    what = "sealed file, still to be opened" if found.sealed else "file"
    answer(
        {"package_id": found.package_id, "rows": found.rows, "codes": found.codes, "skip": found.skip, "sealed": found.sealed},
        as_json=as_json,
        sentence=f"Right: the {what} for {found.recipient} with {found.rows:,} rows. Print {found.codes:,}; skip rows {skip}.",
    )


@group.command("open")
@click.argument("file", type=existing)
@click.option("--out", required=True, type=new_file)
@click.option("--passphrase-file", type=existing)
@click.option("--private-key", type=existing, help="Your X25519 private key in PEM.")
@json_option
def open_sealed(file: Path, out: Path, passphrase_file: Path | None, private_key: Path | None, *, as_json: bool) -> None:
    """Open a sealed file. What comes out appears whole, or not at all. Needs no server."""
    if out.exists():
        raise FileThere(file=out)
    with file.open("rb") as opened:
        private_pem = text_of(private_key) if private_key else None
        write_new(out, sealed_files.opened(opened, passphrase=passphrase_of(passphrase_file), private_pem=private_pem))
    answer({"file": out}, as_json=as_json, sentence=str(out))
