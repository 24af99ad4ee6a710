"""What the doctor says of key files."""

from pathlib import Path

import pytest

from kit.settings import KEK_FILE, Settings
from tests.conftest import Database
from web import doctor, instance


@pytest.mark.parametrize(("mode", "says"), [(0o600, "readable by its owner alone"), (0o640, "chmod 600"), (0o604, "chmod 600")])
def test_a_key_that_others_may_read_is_found(
    tmp_path: Path, fresh_database: Database, redis_url: str, mode: int, says: str
) -> None:
    settings = Settings(data_dir=tmp_path).model_copy(update={"database_url": fresh_database.app_url, "redis_url": redis_url})
    assert settings.kek_bytes
    (tmp_path / KEK_FILE).chmod(mode)
    with instance.attached(settings) as onemark:
        found = {finding.what: finding for finding in doctor.examine(onemark)}
    assert says in found["file kek"].says
    assert found["file kek"].good is (mode == 0o600)
