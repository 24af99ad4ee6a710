"""Where scans came from, and when a product's buyers are warned of copies."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0009_verdict_thresholds.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
