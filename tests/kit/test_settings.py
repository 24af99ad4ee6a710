import base64
import multiprocessing
import stat
from pathlib import Path

import pytest

from kit import settings
from kit.settings import KEK_FILE, MissingSetting, Settings


def read(data_dir: Path, **given: str) -> Settings:
    return Settings(data_dir=data_dir, **given)  # type: ignore[arg-type]


def test_the_first_start_draws_keys_that_only_their_owner_may_read(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert len(found.kek_bytes) == len(found.secret_bytes) == 32
    assert found.kek_bytes != found.secret_bytes
    assert stat.S_IMODE((tmp_path / KEK_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / KEK_FILE).parent.stat().st_mode) == 0o700


def test_a_second_start_finds_the_same_keys(tmp_path: Path) -> None:
    assert read(tmp_path).kek_bytes == read(tmp_path).kek_bytes


def _kek_of(folder: str) -> bytes:
    return read(Path(folder)).kek_bytes


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_kek_of, [str(tmp_path)] * 8))) == 1
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["kek"]


def test_a_key_from_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    given = base64.b64encode(bytes(range(32))).decode()
    assert read(tmp_path, kek=given).kek_bytes == bytes(range(32))
    assert not (tmp_path / KEK_FILE).exists()


def test_production_refuses_to_draw_a_key_and_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting, match="ONEMARK_KEK is not set"):
        _ = read(tmp_path, environment="production").kek_bytes


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting, match="is 3 bytes long"):
        _ = read(tmp_path, secret=base64.b64encode(b"abc").decode()).secret_bytes


def test_a_damaged_key_file_says_to_restore_it(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / KEK_FILE).write_bytes(base64.b64encode(b"short"))
    with pytest.raises(MissingSetting, match="Restore it from its backup"):
        _ = read(tmp_path).kek_bytes


def test_secrets_do_not_show_in_a_printout(tmp_path: Path) -> None:
    given = base64.b64encode(bytes(32)).decode()
    assert given not in repr(read(tmp_path, kek=given))


def test_the_environment_is_read_by_the_documented_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://somewhere/x")
    monkeypatch.setenv("ONEMARK_PORT", "8123")
    monkeypatch.setenv("ONEMARK_TRUSTED_PROXIES", settings.as_json(("10.0.0.1",)))
    found = settings.read()
    assert (found.database_url, found.port, found.trusted_proxies) == ("postgresql+psycopg://somewhere/x", 8123, ("10.0.0.1",))
