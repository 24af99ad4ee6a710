"""Files that commands read and write: small texts checked, large ones appearing whole or not at all."""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kit.refusals import Conflict, Invalid

TEXT_BYTES_MAX = 1 << 20


class JsonUnreadable(Invalid):
    code = "json_unreadable"
    says = "{file} is no JSON object."


class TextUnreadable(Invalid):
    code = "text_unreadable"
    says = "{file} is no text file in UTF-8."


class FileThere(Conflict):
    code = "file_there"
    says = "{file} is there already."


def json_of(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise JsonUnreadable(file=file) from error
    if not isinstance(found, dict):
        raise JsonUnreadable(file=file)
    return found


def passphrase_of(file: Path | None) -> str | None:
    return None if file is None else text_of(file).partition("\n")[0].rstrip("\r")


def text_of(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(TEXT_BYTES_MAX).decode("utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise TextUnreadable(file=file) from error


def write_new(out: Path, pieces: Iterable[bytes]) -> None:
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as written:
            for piece in pieces:
                written.write(piece)
            written.flush()
            os.fsync(written.fileno())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
