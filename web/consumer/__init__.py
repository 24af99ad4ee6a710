"""What a buyer sees: the verdict of a scan, joining, claiming points, the wallet."""

from web.consumer import check_page, claim, join, product_page, report, verdict_page, verify_page, wallet
from web.consumer.frame import blueprint

__all__ = ["blueprint", "check_page", "claim", "join", "product_page", "report", "verdict_page", "verify_page", "wallet"]
