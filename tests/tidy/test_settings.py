"""A setting reaches every process: `up` hands its own on, so that a field which it forgets would silently keep its default there."""

from pathlib import Path

import pytest

from kit import settings
from web import up

SET = {
    "ONEMARK_DATA_DIR": "elsewhere",
    "ONEMARK_ENVIRONMENT": "production",
    "ONEMARK_HOST": "0.0.0.0",  # noqa: S104 - a value that is handed on
    "ONEMARK_PORT": "8100",
    "ONEMARK_WEB_HOST": "127.0.0.2",
    "ONEMARK_WEB_PORT": "8101",
    "ONEMARK_TRUSTED_PROXIES": '["10.0.0.0/8"]',
    "ONEMARK_PUBLIC_ORIGIN": "https://id.example",
    "DATABASE_URL": "postgresql+psycopg://app@db/onemark",
    "DATABASE_OWNER_URL": "postgresql+psycopg://owner@db/onemark",
    "REDIS_URL": "redis://one",
    "QUEUE_REDIS_URL": "redis://two",
    "ONEMARK_SECRET": "c2VjcmV0",
    "ONEMARK_KEK": "a2Vr",
    "ONEMARK_IP_TABLE": "/elsewhere/ip2region.xdb",
    "ONEMARK_LOG_BYTES_MAX": "2048",
    "ONEMARK_ADDRESSES_KEPT_DAYS": "7",
    "ONEMARK_POSITIONS_KEPT_DAYS": "8",
    "ONEMARK_FILES_KEPT_DAYS": "9",
    "ONEMARK_SCANS_KEPT_MONTHS": "10",
    "ONEMARK_METRICS_HOST": "127.0.0.3",
    "ONEMARK_METRICS_PORT": "9400",
    "ONEMARK_REQUEST_BYTES_MAX": "1024",
    "ONEMARK_SMS_PROVIDER": "console",
}
# The processes migrate nothing, so they need not know the owner of the tables.
KEPT_BACK = {"database_owner_url"}


def test_the_processes_of_the_one_box_get_every_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    given = settings.read()
    at_default = [name for name, field in type(given).model_fields.items() if getattr(given, name) == field.default]
    assert not at_default, "set the new setting above to something else than its default"

    handed = up._environment(given, given.web_port)
    for name in SET:
        monkeypatch.delenv(name)
    for name, value in handed.items():
        monkeypatch.setenv(name, value)
    received = settings.read()

    assert received.data_dir.is_absolute()
    forgotten = [
        name
        for name in type(given).model_fields
        if name not in KEPT_BACK | {"data_dir"} and getattr(received, name) != getattr(given, name)
    ]
    assert not forgotten, "hand it on in web/up.py"
