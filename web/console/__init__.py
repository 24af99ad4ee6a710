"""The console: what a brand's own people see and do. Every page belongs to the tenant of whoever is signed in."""

from web.console import (
    campaigns,
    consumers,
    dashboard,
    distributors,
    lookup,
    messages,
    order_files,
    order_page,
    orders,
    products,
    staff,
)
from web.console.routes import blueprint

__all__ = [
    "blueprint",
    "campaigns",
    "consumers",
    "dashboard",
    "distributors",
    "lookup",
    "messages",
    "order_files",
    "order_page",
    "orders",
    "products",
    "staff",
]
