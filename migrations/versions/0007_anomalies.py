"""Anomalies: what scans say that ought not to be, the codes among them, and what people did about it."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0007_anomalies.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("What was found, and who closed it, is history: restore a backup instead.")
