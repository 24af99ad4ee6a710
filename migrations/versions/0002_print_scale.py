"""Who decided what, the life of an order, packaging by arithmetic, blank codes and what they are bound to."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0002_print_scale.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("Orders made since could not be read any more: restore a backup instead.")
