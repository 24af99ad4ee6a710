"""What the address of a Redis says by itself. Apart from kit.redis, so that reading settings need not load clients."""

from urllib.parse import urlsplit

_CLUSTER_SCHEMES = ("redis+cluster", "rediss+cluster")


def is_cluster(url: str) -> bool:
    return urlsplit(url).scheme in _CLUSTER_SCHEMES
