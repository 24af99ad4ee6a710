"""The console: what a brand's own people see and do. Every page belongs to the tenant of whoever is signed in."""

from web.console import (
    api_keys,
    audit,
    campaigns,
    consumers,
    dashboard,
    distributors,
    lookup,
    messages,
    order_decisions,
    order_files,
    order_keys,
    order_list,
    order_lists,
    order_page,
    orders,
    products,
    staff,
    warnings,
)
from web.console.printing import label_pages, package_pages, printers
from web.console.routes import blueprint
from web.console.watch import anomaly_pages

__all__ = [
    "anomaly_pages",
    "api_keys",
    "audit",
    "blueprint",
    "campaigns",
    "consumers",
    "dashboard",
    "distributors",
    "label_pages",
    "lookup",
    "messages",
    "order_decisions",
    "order_files",
    "order_keys",
    "order_list",
    "order_lists",
    "order_page",
    "orders",
    "package_pages",
    "printers",
    "products",
    "staff",
    "warnings",
]
