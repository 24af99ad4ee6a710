"""Label templates of a brand, and the logos that stand on them."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0005_labels.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("Templates and logos would be lost: restore a backup instead.")
