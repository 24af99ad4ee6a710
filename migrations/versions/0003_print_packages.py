"""Recipients of print packages, the parts of orders that they were given, and who fetched the files."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_name("0003_print_packages.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("Nobody would know any more who was given which codes: restore a backup instead.")
