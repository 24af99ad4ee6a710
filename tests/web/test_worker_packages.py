"""The worker takes up print packages whose process died in the middle."""

import base64
from datetime import timedelta
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from codegen import products
from codegen.print_packages import packages
from codegen.print_packages.packages import PackageState
from kit.db import transaction
from kit.settings import Settings
from tests.codegen import packaging
from tests.codegen.conftest import GTIN, KEK, NOW, new_brand, ordered
from tests.conftest import Database
from web import worker

YESTERDAY = NOW - timedelta(days=1)


def test_the_worker_finishes_what_nobody_has_moved_for_a_while(fresh_database: Database, redis_url: str, tmp_path: Path) -> None:
    tea = new_brand(fresh_database)
    inside = partial(transaction, fresh_database.app_engine, tenant_id=tea.tenant_id)
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        products.add(session, tenant_id=tea.tenant_id, gtin=GTIN, name="Tea", now=YESTERDAY)
        order = ordered(session, tea, GTIN, quantity=10)
    package = packaging.asked(inside, tea, order, "Anna Print", now=YESTERDAY)
    settings = Settings(
        database_url=fresh_database.app_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        kek=SecretStr(base64.b64encode(KEK).decode()),
    )
    with worker.serving(settings) as onemark:
        worker.resume_packages()
        assert onemark.jobs.waiting() == 1
        worker.make_package(tea.tenant_id, str(package.id))
        worker.resume_packages()
        assert onemark.jobs.waiting() == 1
    with inside() as session:
        assert packages.find(session, package.id, tenant_id=tea.tenant_id).state is PackageState.READY
