"""Settings: read once at the border of a process, typed, from the environment or `.env`. A missing secret stops the process.

In the one box the data folder stands in for what a production environment must say: server addresses come from the private
servers, and the two secrets from files of mode 600 that are made at the first start.
"""

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.redis_urls import is_cluster

SECRET_BYTES = 32
KEK_FILE = "keys/kek"
SECRET_FILE = "keys/secret"  # noqa: S105 - a file name


class MissingSetting(SystemExit):
    """The process cannot start: a setting that has no safe default is not there."""


class Settings(BaseSettings):
    """Field names are the environment variables, with the prefix ONEMARK_ unless an alias stands beside them."""

    model_config = SettingsConfigDict(env_prefix="ONEMARK_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Path("var")
    environment: Literal["onebox", "production"] = "onebox"
    host: str = "127.0.0.1"
    port: int = 8000
    web_host: str = "127.0.0.1"
    web_port: int = 0
    trusted_proxies: tuple[str, ...] = ()
    public_origin: str = ""
    database_url: str = Field(default="", validation_alias="DATABASE_URL")
    database_owner_url: str = Field(default="", validation_alias="DATABASE_OWNER_URL")
    redis_url: str = Field(default="", validation_alias="REDIS_URL")
    queue_redis_url: str = Field(default="", validation_alias="QUEUE_REDIS_URL")
    secret: SecretStr = SecretStr("")
    kek: SecretStr = SecretStr("")
    ip_table: str = ""
    log_bytes_max: int = 1 << 30
    request_bytes_max: int = 32 << 20
    addresses_kept_days: int = Field(default=30, ge=0)
    positions_kept_days: int = Field(default=180, ge=0)
    files_kept_days: int = Field(default=30, ge=0)
    scans_kept_months: int = Field(default=0, ge=0)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    sms_provider: Literal["", "console"] = ""

    @property
    def sms(self) -> Literal["", "console"]:
        """Who carries text messages; empty: nobody. The development console shows them to staff, so production must ask for it by name."""
        return self.sms_provider or ("console" if self.environment == "onebox" else "")

    @property
    def queue_url(self) -> str:
        """A single server: jobs and limits use keys of several slots in one step."""
        if not self.queue_redis_url and is_cluster(self.redis_url):
            raise MissingSetting("REDIS_URL is a cluster, which takes no jobs: name a single server in QUEUE_REDIS_URL.")
        return self.queue_redis_url or self.redis_url

    @property
    def objects_dir(self) -> Path:
        return self.data_dir / "objects"

    @property
    def kek_bytes(self) -> bytes:
        """The key-encryption key, 32 bytes, from ONEMARK_KEK (base64) or the data folder. Losing it voids every printed code."""
        return _key(self.kek, self.data_dir / KEK_FILE, name="ONEMARK_KEK", production=self.environment == "production")

    @property
    def secret_bytes(self) -> bytes:
        """The instance secret, 32 bytes: cookies, tickets and visitor hashes derive from it."""
        return _key(self.secret, self.data_dir / SECRET_FILE, name="ONEMARK_SECRET", production=self.environment == "production")


def read() -> Settings:
    return Settings()


def _key(given: SecretStr, file: Path, *, name: str, production: bool) -> bytes:
    if given.get_secret_value():
        key = base64.b64decode(given.get_secret_value())
        if len(key) != SECRET_BYTES:
            raise MissingSetting(f"{name} must be {SECRET_BYTES} bytes in base64, and is {len(key)} bytes long.")
        return key
    if production and not file.exists():
        raise MissingSetting(f"{name} is not set. Make one with: openssl rand -base64 {SECRET_BYTES}")
    return _key_of_file(file)


def _key_of_file(file: Path) -> bytes:
    """Reads the key, or makes it: two processes that start together agree on one, because `link` refuses a second."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(base64.b64encode(secrets.token_bytes(SECRET_BYTES)))
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _keep_name(file.parent)
    key = base64.b64decode(file.read_bytes())
    if len(key) != SECRET_BYTES:
        raise MissingSetting(f"{file} should hold {SECRET_BYTES} bytes in base64. Restore it from its backup.")
    return key


def _keep_name(folder: Path) -> None:
    """A new file's name survives a power cut only once its folder is on disk: codes would be sealed under a key that is gone."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def key_id(key: bytes) -> str:
    """A short name of a key that says nothing about it."""
    return hashlib.sha256(b"onemark key id" + key).hexdigest()[:8]


def as_json(values: tuple[str, ...]) -> str:
    """A list as an environment variable holds it."""
    return json.dumps(list(values))
