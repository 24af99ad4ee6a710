"""Alembic's entry: one transaction on the connection that kit.upgrading hands over, against the metadata of every package."""

from alembic import context

import campaigns.models
import codegen.labels.label_models
import codegen.models
import codegen.print_packages.package_models
import codegen.resolver_links.link_models
import crm.models
import kit.outbox
import scanservice.anomalies.anomaly_models
import scanservice.fake_reports.report_models
import scanservice.models
import supplychain.models
import web.models
from kit.db import Base

PACKAGES = (
    campaigns.models,
    codegen.labels.label_models,
    codegen.models,
    codegen.print_packages.package_models,
    codegen.resolver_links.link_models,
    crm.models,
    kit.outbox,
    scanservice.anomalies.anomaly_models,
    scanservice.fake_reports.report_models,
    scanservice.models,
    supplychain.models,
    web.models,
)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
