"""What a buyer sees: the verdict of a scan, joining, claiming points, the wallet."""

from web.consumer import claim, join, verdict_page, wallet
from web.consumer.frame import blueprint

__all__ = ["blueprint", "claim", "join", "verdict_page", "wallet"]
