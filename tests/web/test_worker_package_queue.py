"""A package that staff asked for in the console reaches a worker, which may run what it is asked."""

import base64
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from codegen import products
from codegen.print_packages import package_queue, packages
from codegen.print_packages.packages import PackageState
from kit import outbox
from kit.db import transaction
from kit.settings import Settings
from tests.codegen import packaging
from tests.codegen.conftest import GTIN, KEK, NOW, new_brand, ordered
from tests.conftest import Database
from web import worker


def test_a_package_is_made_by_a_worker_of_the_queue(fresh_database: Database, redis_url: str, tmp_path: Path) -> None:
    tea = new_brand(fresh_database)
    inside = partial(transaction, fresh_database.app_engine, tenant_id=tea.tenant_id)
    packaging.printer(inside, tea, "Anna Print")
    with inside() as session:
        products.add(session, tenant_id=tea.tenant_id, gtin=GTIN, name="Tea", now=NOW)
        order = ordered(session, tea, GTIN, quantity=10)
    package = packaging.asked(inside, tea, order, "Anna Print")
    with inside() as session:
        package_queue.put(session, package.id, tenant_id=tea.tenant_id, now=NOW)
    with inside() as session:
        (entry,) = outbox.waiting(session, tenant_id=tea.tenant_id, now=NOW + 2 * outbox.SWEEP_AFTER)
    settings = Settings(
        database_url=fresh_database.app_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        kek=SecretStr(base64.b64encode(KEK).decode()),
    )
    with worker.serving(settings) as onemark:
        worker.deliver(tea.tenant_id, str(entry))
        assert onemark.jobs.waiting() == 1
        onemark.jobs.work(functions=worker.FUNCTIONS, burst=True)
    with inside() as session:
        assert packages.find(session, package.id, tenant_id=tea.tenant_id).state is PackageState.READY
