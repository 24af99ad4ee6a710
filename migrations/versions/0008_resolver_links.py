"""Links of products, lots and items, the hosts they may lead to, and brands' own link types."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0008_resolver_links.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
