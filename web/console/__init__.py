"""The console: what a brand's own people see and do. Every page belongs to the tenant of whoever is signed in."""

from web.console import api_keys, campaigns, consumers, dashboard, distributors, messages, staff
from web.console.codes import (
    audit,
    lookup,
    lookup_words,
    order_decisions,
    order_files,
    order_keys,
    order_list,
    order_lists,
    order_page,
    order_wizard,
    orders,
    products,
    warnings,
)
from web.console.linking import link_labels, link_pages, link_rules
from web.console.printing import label_pages, package_pages, printers
from web.console.routes import blueprint
from web.console.watch import anomaly_pages, report_pages

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
    "link_labels",
    "link_pages",
    "link_rules",
    "lookup",
    "lookup_words",
    "messages",
    "order_decisions",
    "order_files",
    "order_keys",
    "order_list",
    "order_lists",
    "order_page",
    "order_wizard",
    "orders",
    "package_pages",
    "printers",
    "products",
    "report_pages",
    "staff",
    "warnings",
]
