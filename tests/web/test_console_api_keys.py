"""API keys: shown once, known by a hash, revoked for ever, and nobody's but their brand's owner's."""

import re

from flask.testing import FlaskClient

from kit.db import transaction
from kit.ids import uuid7
from scanservice import api_keys
from scanservice.api_keys import Scope
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished

KEY = re.compile(r"omk_[A-Za-z0-9_-]{43}")


def make(owner: FlaskClient, **data: object) -> str:
    made = owner.post("/console/api-keys", data={"name": "Warehouse", "scopes": ["scan.staff"], "scans_per_s": "50", **data})
    assert made.status_code == 200, made.get_data(as_text=True)
    found = KEY.search(made.get_data(as_text=True))
    assert found is not None
    return found[0]


def test_a_key_is_shown_once_and_kept_as_a_hash(database: Database, furnished: Furnished, owner: FlaskClient) -> None:
    secret = make(owner)
    assert not KEY.search(owner.get("/console/api-keys").get_data(as_text=True))
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        known = api_keys.by_digest(session, tenant_id=furnished.tenant_id)
    assert known[api_keys.digest(secret)].scopes == {Scope.STAFF}


def test_a_revoked_key_is_gone_and_its_name_is_free_again(database: Database, furnished: Furnished, owner: FlaskClient) -> None:
    secret = make(owner)
    assert owner.post("/console/api-keys", data={"name": "Warehouse", "scopes": ["scan"], "scans_per_s": "1"}).status_code == 422
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        (key,) = api_keys.listing(session, tenant_id=furnished.tenant_id)
    assert owner.post(f"/console/api-keys/{key.id}/revoke").status_code == 302
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert api_keys.digest(secret) not in api_keys.by_digest(session, tenant_id=furnished.tenant_id)
    history = owner.get("/console/audit").text
    assert "API key made" in history
    assert "API key revoked" in history
    assert secret not in history
    make(owner)


def test_a_key_without_a_role_or_with_a_strange_rate_is_refused_beside_its_field(
    furnished: Furnished, owner: FlaskClient
) -> None:
    asked = {"name": "Till", "scopes": ["scan.offline"], "scans_per_s": "5"}
    assert "Say what the key may do" in owner.post("/console/api-keys", data=asked).get_data(as_text=True)
    many = {**asked, "scopes": ["scan"], "scans_per_s": "100001"}
    assert "1 to 100000" in owner.post("/console/api-keys", data=many).get_data(as_text=True)


def test_marketers_make_no_keys_and_another_brands_are_not_there(
    database: Database, furnished: Furnished, other_furnished: Furnished, owner: FlaskClient, marketer: FlaskClient
) -> None:
    assert marketer.get("/console/api-keys").status_code == 403
    with transaction(database.app_engine, tenant_id=other_furnished.tenant_id) as session:
        theirs = api_keys.add(
            session,
            tenant_id=other_furnished.tenant_id,
            key_id=uuid7(NOW),
            name="Theirs",
            scopes=[Scope.SCAN],
            actor="charlie@example.com",
            now=NOW,
        )
    assert owner.post(f"/console/api-keys/{theirs.key.id}/revoke").status_code == 404
    with transaction(database.app_engine, tenant_id=other_furnished.tenant_id) as session:
        assert api_keys.find(session, tenant_id=other_furnished.tenant_id, key_id=theirs.key.id).revoked_at is None
