"""The console: what a brand's own people see and do. Every page belongs to the tenant of whoever is signed in."""

from web.console import (
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
    order_lists,
    order_page,
    orders,
    products,
    staff,
    warnings,
)
from web.console.routes import blueprint

__all__ = [
    "audit",
    "blueprint",
    "campaigns",
    "consumers",
    "dashboard",
    "distributors",
    "lookup",
    "messages",
    "order_decisions",
    "order_files",
    "order_keys",
    "order_lists",
    "order_page",
    "orders",
    "products",
    "staff",
    "warnings",
]
