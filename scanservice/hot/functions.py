"""The Redis function library: which functions there are, under which keys state and log lie, and how the library is loaded.

Promises: all keys of one partition share a hash tag, so the same calls run on Redis Cluster; the library is loaded only when
the server has another text or none. Refused, with the name of the setting: a server that could forget what it answered.
"""

from importlib.resources import files
from typing import Final

from redis import Redis

from kit import log
from kit.redis import primaries

PARTITIONS: Final = 64
BUCKET_BITS: Final = 8
FIELDS: Final = 1 << BUCKET_BITS
# Spreads brands over partitions: 2654435769 is too long to write down, its upper 16 bits do the same for 64 partitions.
TENANT_STEP: Final = 40_503

LIBRARY: Final = "onemark_scan_v4"
SCAN: Final = "onemark_scan_v4"
SIGHT: Final = "onemark_sight_v4"
JOIN: Final = "onemark_join_v4"
ANNOUNCE: Final = "onemark_announce_v4"
PIN: Final = "onemark_pin_v4"
PIN_ADDRESS: Final = "onemark_pin_address_v4"
CODE: Final = files("scanservice.hot").joinpath("functions.lua").read_text()

# For SCAN: all buckets of states, and all remembered answers.
STATES: Final = "s:{*"
ANSWERS: Final = "done:{*"
# Tries of PINs, by code and by address block.
PIN_TRIES: Final = "pin:{*"

GENERATION_FIELD: Final = "g"
CATALOGUE_FIELD: Final = "c"

# A full state is 106 bytes; Redis keeps a hash as a listpack only while its values and their number are below these.
LISTPACK_VALUE_BYTES_MIN: Final = 112
_MUST_BE: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
_AT_LEAST: Final = {"hash-max-listpack-value": LISTPACK_VALUE_BYTES_MIN, "hash-max-listpack-entries": FIELDS}

_log = log.get(__name__)


class RedisUnfit(SystemExit):
    """The edge does not start: this Redis could lose scans that were answered."""


META_KEYS: Final = tuple(f"meta:{{{partition}}}" for partition in range(PARTITIONS))
LOG_KEYS: Final = tuple(f"log:{{{partition}}}" for partition in range(PARTITIONS))


def partition_of(tenant_id: int, counter: int) -> int:
    return (tenant_id * TENANT_STEP + (counter >> BUCKET_BITS)) % PARTITIONS


def meta_key(partition: int) -> str:
    return META_KEYS[partition]


def log_key(partition: int) -> str:
    return LOG_KEYS[partition]


def bucket_key(partition: int, *, tenant_id: int, epoch: int, counter: int) -> bytes:
    return b"s:{%d}:%d:%d:%d" % (partition, tenant_id, epoch, counter >> BUCKET_BITS)


def field(counter: int) -> int:
    return counter & (FIELDS - 1)


def pin_key(partition: int, *, tenant_id: int, epoch: int, counter: int) -> str:
    """The tries of one code, beside its state."""
    return f"pin:{{{partition}}}:{tenant_id}:{epoch}:{counter}"


def pin_address_key(partition: int, hashed: bytes) -> bytes:
    return b"pin:{%d}:a:" % partition + hashed


def done_key(partition: int, scan_id: bytes) -> bytes:
    return b"done:{%d}:" % partition + scan_id


def prepare(redis: Redis) -> None:
    """Checks that no server forgets anything, and loads the library where it is missing or another."""
    for server in primaries(redis):
        check(server)
        _install(server)


def check(redis: Redis) -> None:
    for setting, value in _MUST_BE.items():
        found = _setting(redis, setting)
        if found != value:
            raise RedisUnfit(f"Redis setting {setting} is {found!r} and must be {value!r}: answered scans could be lost.")
    for setting, least in _AT_LEAST.items():
        found = _setting(redis, setting)
        if found.isdigit() and int(found) < least:
            _log.warning("redis keeps code state in more memory than it needs", setting=setting, found=found, at_least=least)


def installed(redis: Redis) -> bool:
    return all(_has_library(server) for server in primaries(redis))


def _install(redis: Redis) -> None:
    if not _has_library(redis):
        redis.function_load(CODE, replace=True)


def _has_library(redis: Redis) -> bool:
    for library in redis.function_list(library=LIBRARY, withcode=True):
        described = _pairs(library)
        if described.get(b"library_code") == CODE.encode():
            return True
    return False


def _setting(redis: Redis, name: str) -> str:
    return redis.config_get(name).get(name) or ""


def _pairs(library: object) -> dict[object, object]:
    if isinstance(library, dict):
        return library
    assert isinstance(library, list)  # noqa: S101 - RESP2 sends a map as a flat list
    return dict(zip(library[::2], library[1::2], strict=True))
