from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns import offers
from campaigns.offers import (
    CampaignChanged,
    CampaignClosed,
    CampaignDiffers,
    CampaignOver,
    CampaignStateRefused,
    CampaignUnknown,
)
from campaigns.terms import State, TermsInvalid, TermsUnfavourable
from kit.db import transaction
from tests.campaigns.conftest import DRAFT, Shop
from tests.conftest import NOW, Brand, Database

DAY = timedelta(days=1)


def test_a_draft_is_written_down_with_its_products_and_listed(shop: Shop) -> None:
    made = shop.campaign(running=False, name=" Welcome ", gtins=frozenset({shop.tea}), points_budget=100)
    assert (made.state, made.revision, made.terms.name, made.terms.gtins) == (State.DRAFT, 1, "Welcome", frozenset({shop.tea}))
    with shop.opened() as session:
        assert list(offers.listing(session, tenant_id=shop.tenant_id)) == [made]
        assert offers.published(session, tenant_id=shop.tenant_id) == []


def test_the_same_campaign_sent_twice_is_one(shop: Shop) -> None:
    number = uuid4()
    with shop.opened() as session:
        make = offers.create
        first = make(session, tenant_id=shop.tenant_id, draft=DRAFT, actor="m", now=NOW, campaign_id=number)
        again = make(session, tenant_id=shop.tenant_id, draft=DRAFT, actor="m", now=NOW, campaign_id=number)
        assert first == again
        with pytest.raises(CampaignDiffers):
            make(session, tenant_id=shop.tenant_id, draft=replace(DRAFT, points=99), actor="m", now=NOW, campaign_id=number)


def test_a_product_of_nobody_or_of_another_brand_is_refused(shop: Shop, other_brand: Brand) -> None:
    with pytest.raises(TermsInvalid) as refused:
        shop.campaign(gtins=frozenset({shop.tea, "09521234543213"}))
    assert refused.value.data == {"gtins": "unknown_product"}


def test_a_draft_may_become_anything_and_each_edit_raises_the_revision(shop: Shop) -> None:
    made = shop.campaign(running=False, gtins=frozenset({shop.tea}))
    with shop.opened() as session:
        edited = offers.edit(
            session,
            tenant_id=shop.tenant_id,
            campaign_id=made.id,
            draft=replace(DRAFT, points=1, gtins=frozenset({shop.coffee})),
            revision=1,
            now=NOW,
        )
    assert (edited.revision, edited.terms.points, edited.terms.gtins) == (2, 1, frozenset({shop.coffee}))


def test_an_edit_made_on_an_older_revision_is_refused(shop: Shop) -> None:
    made = shop.campaign(running=False)
    for revision, refused in ((1, False), (1, True)):
        with shop.opened() as session:
            if not refused:
                offers.edit(session, tenant_id=shop.tenant_id, campaign_id=made.id, draft=DRAFT, revision=revision, now=NOW)
                continue
            with pytest.raises(CampaignChanged) as conflict:
                offers.edit(session, tenant_id=shop.tenant_id, campaign_id=made.id, draft=DRAFT, revision=revision, now=NOW)
            assert conflict.value.data == {"revision": 2}


def test_a_running_campaign_may_only_become_better(shop: Shop) -> None:
    made = shop.campaign()
    with shop.opened() as session:
        with pytest.raises(TermsUnfavourable):
            offers.edit(
                session, tenant_id=shop.tenant_id, campaign_id=made.id, draft=replace(DRAFT, points=9), revision=1, now=NOW
            )
        better = offers.edit(
            session, tenant_id=shop.tenant_id, campaign_id=made.id, draft=replace(DRAFT, points=20), revision=1, now=NOW
        )
    assert (better.revision, better.terms.points) == (2, 20)


def test_a_campaign_goes_from_draft_to_its_end_and_each_step_may_be_asked_for_twice(shop: Shop) -> None:
    made = shop.campaign(running=False)
    with shop.opened() as session:
        for _ in range(2):
            assert offers.publish(session, tenant_id=shop.tenant_id, campaign_id=made.id, now=NOW).state is State.RUNNING
        for _ in range(2):
            assert offers.pause(session, tenant_id=shop.tenant_id, campaign_id=made.id).state is State.PAUSED
        assert offers.resume(session, tenant_id=shop.tenant_id, campaign_id=made.id).state is State.RUNNING
        for _ in range(2):
            assert offers.end(session, tenant_id=shop.tenant_id, campaign_id=made.id).state is State.ENDED
        with pytest.raises(CampaignStateRefused) as refused:
            offers.resume(session, tenant_id=shop.tenant_id, campaign_id=made.id)
        with pytest.raises(CampaignClosed):
            offers.edit(session, tenant_id=shop.tenant_id, campaign_id=made.id, draft=DRAFT, revision=1, now=NOW)
    assert refused.value.data == {"state": "ended", "wanted": "running"}


def test_a_draft_cannot_be_paused(shop: Shop) -> None:
    made = shop.campaign(running=False)
    with shop.opened() as session, pytest.raises(CampaignStateRefused):
        offers.pause(session, tenant_id=shop.tenant_id, campaign_id=made.id)


def test_a_campaign_whose_time_has_passed_cannot_be_published(shop: Shop) -> None:
    made = shop.campaign(running=False)
    with shop.opened() as session, pytest.raises(CampaignOver):
        offers.publish(session, tenant_id=shop.tenant_id, campaign_id=made.id, now=NOW + 30 * DAY)


def test_another_brands_campaign_is_unknown_here(shop: Shop, database: Database, other_brand: Brand) -> None:
    made = shop.campaign()
    with (
        transaction(database.app_engine, tenant_id=other_brand.tenant_id) as session,
        pytest.raises(CampaignUnknown),
    ):
        offers.end(session, tenant_id=other_brand.tenant_id, campaign_id=made.id)
