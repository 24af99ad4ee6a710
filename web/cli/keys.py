"""`onemark keys`: the key ring of a brand, and the key-encryption key of the instance."""

import base64
import binascii
import os
from pathlib import Path

import click

from codegen.keys import escrow, keyring, kms, rewrapping
from kit.refusals import Invalid
from kit.settings import KEK_FILE, SECRET_BYTES, Settings
from web.cli.code_decisions import FOR_EVER, kill_epoch
from web.cli.root import ACTOR, answer, brand_option, cli, json_option, onemark


class KekMalformed(Invalid):
    code = "kek_malformed"
    says = "{file} should hold {size} bytes in base64. Make one with: openssl rand -base64 {size}"


class PassphraseEmpty(Invalid):
    code = "passphrase_empty"
    says = "{file} holds no passphrase."


@cli.group("keys")
def group() -> None:
    """Keys: epochs of a brand, and the key that they are kept under."""


@group.command("list")
@brand_option
@json_option
def list_epochs(tenant: str | None, *, as_json: bool) -> None:
    """List the epochs of the key ring. No key is shown."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            found = keyring.entries(session, tenant_id=tenant_id)
    answer(
        {
            "epochs": [
                {
                    "epoch": one.number,
                    "state": one.state,
                    "issued": one.next_counter,
                    "kek_id": one.kek_id,
                    "created_at": one.created_at.isoformat(),
                }
                for one in found
            ]
        },
        as_json=as_json,
        sentence="\n".join(
            f"{one.number:2}  {one.state:8}  {one.next_counter:>17,} counters given  under key {one.kek_id}" for one in found
        ),
    )


@group.command("rotate")
@click.option("--reason", default="")
@brand_option
@json_option
def rotate(reason: str, tenant: str | None, *, as_json: bool) -> None:
    """Open the next epoch for new orders. Codes of earlier epochs stay good."""
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            epoch = keyring.open_epoch(
                session,
                tenant_id=tenant_id,
                kek=instance.settings.kek_bytes,
                now=instance.clock.now(),
                actor=ACTOR,
                reason=reason,
            )
    answer(
        {"epoch": epoch}, as_json=as_json, sentence=f"New orders are issued in epoch {epoch}. Codes of earlier epochs stay good."
    )


@group.command("revoke")
@click.argument("epoch", type=int)
@click.option("--reason", required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@brand_option
@json_option
def revoke(epoch: int, reason: str, tenant: str | None, *, yes: bool, as_json: bool) -> None:
    """Void every code of an epoch for ever: its key is no secret any more."""
    if not yes:
        click.confirm(FOR_EVER, abort=True, err=True)
    kill_epoch(epoch, reason=reason, tenant=tenant, as_json=as_json)


@group.command("rewrap")
@click.option("--new-key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The new key.")
@click.option(
    "--old-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The key in use; default: the one of this instance.",
)
@json_option
def rewrap(new_key: Path, old_key: Path | None, *, as_json: bool) -> None:
    """Keep all keys of all brands under a new key-encryption key. Both files hold 32 bytes in base64."""
    new = _kek(new_key)
    with onemark() as instance:
        old = instance.settings.kek_bytes if old_key is None else _kek(old_key)
        with instance.transaction(None) as session:
            done = rewrapping.rewrap(session, old=old, new=new, now=instance.clock.now(), actor=ACTOR)
        advice = _take_into_use(instance.settings, new)
    answer(
        {"brands": done.brands, "epochs": done.epochs, "kek_id": kms.LocalKms(new).key_id},
        as_json=as_json,
        sentence=f"{done.epochs} epochs of {done.brands} brands are kept under key {kms.LocalKms(new).key_id}.\n{advice}",
    )


@group.command("export")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the passphrase in its first line; without it you are asked.",
)
@brand_option
@json_option
def export(out: Path, passphrase_file: Path | None, tenant: str | None, *, as_json: bool) -> None:
    """Write a brand's key ring into a sealed file. Keep file and passphrase in two places."""
    passphrase = _passphrase(passphrase_file, twice=True)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            sealed = escrow.export(
                session,
                tenant_id=tenant_id,
                kek=instance.settings.kek_bytes,
                passphrase=passphrase,
                now=instance.clock.now(),
                actor=ACTOR,
            )
        _write_private(out, sealed)
    answer({"file": out}, as_json=as_json, sentence=f"{out} holds the key ring. Whoever opens it can make this brand's codes.")


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@brand_option
@json_option
def import_keys(file: Path, passphrase_file: Path | None, tenant: str | None, *, as_json: bool) -> None:
    """Bring a key ring back from its sealed file. Its epochs check codes and issue none."""
    passphrase = _passphrase(passphrase_file, twice=False)
    with onemark() as instance:
        tenant_id = instance.tenant_id(tenant)
        with instance.transaction(tenant_id) as session:
            done = escrow.import_(
                session,
                file.read_bytes(),
                tenant_id=tenant_id,
                kek=instance.settings.kek_bytes,
                passphrase=passphrase,
                now=instance.clock.now(),
                actor=ACTOR,
            )
    answer(
        {"added": done.added, "replaced": done.replaced, "same": done.same},
        as_json=as_json,
        sentence=f"{len(done.added)} epochs added, {len(done.replaced)} replaced, {len(done.same)} were here."
        " Before the next order: onemark keys rotate",
    )


def _take_into_use(settings: Settings, new: bytes) -> str:
    """Puts the new key where the instance reads it, if that is a file of ours; else says where it belongs."""
    if settings.kek.get_secret_value():
        return "Now set ONEMARK_KEK to the new key and restart every process."
    file = settings.data_dir / KEK_FILE
    _write_private(file, base64.b64encode(new))
    return f"{file} holds the new key. Restart every process, and renew the backup of the key."


def _write_private(file: Path, content: bytes) -> None:
    """Whole or not at all, and for its owner's eyes alone."""
    draft = file.with_name(f".{file.name}.part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _kek(file: Path) -> bytes:
    try:
        key = base64.b64decode(file.read_bytes().strip(), validate=True)
    except binascii.Error as error:
        raise KekMalformed(file=file, size=SECRET_BYTES) from error
    if len(key) != SECRET_BYTES:
        raise KekMalformed(file=file, size=SECRET_BYTES)
    return key


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file is None:
        return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise PassphraseEmpty(file=file)
    return lines[0]
