"""The code's own record at the time of the claim: withdrawn since its scan, or bound for another use."""

from collections.abc import Callable

import pytest

from campaigns import claiming
from campaigns.eligibility import CodeWithdrawn, SceneNotReward
from codegen import orders
from codegen.keys import keyring
from codegen.kinds import Profile
from codegen.lifecycle import bindings, ranges
from codegen.lifecycle.bindings import Scene, Target
from tests.campaigns.conftest import CODES, KEK, Shop
from tests.conftest import NOW


@pytest.mark.parametrize("verb", [ranges.void, ranges.recall, ranges.freeze])
def test_a_code_withdrawn_while_its_ticket_lives_is_not_claimed(shop: Shop, verb: Callable[..., object]) -> None:
    shop.campaign()
    alice, held, paid = shop.member(1), shop.ticket(5), shop.ticket(6)
    first = shop.claim(alice, paid)
    with shop.opened() as session:
        order = orders.at(session, tenant_id=shop.tenant_id, epoch=0, counter=5)
        assert order is not None
        verb(session, tenant_id=shop.tenant_id, order_id=order.id, first=6, last=7, reason="stolen", now=NOW, actor="bob")
    refusal = shop.preview(alice, held).refusal
    assert refusal is not None
    assert refusal.code == "code_withdrawn"
    with pytest.raises(CodeWithdrawn):
        shop.claim(alice, held)
    # What was paid before stays paid: the same claim again is the first answer.
    assert shop.claim(alice, paid).id == first.id
    assert shop.claim(alice, shop.ticket(7)).is_new
    assert shop.balance(alice).available == 20


def test_a_code_voided_while_its_claim_waits_its_turn_is_not_claimed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    offer, alice, held = shop.campaign(), shop.member(1), shop.ticket(5)
    wait = claiming._lock_code

    def wait_while_somebody_voids(*given: object) -> None:
        with shop.opened() as session:
            order = orders.at(session, tenant_id=shop.tenant_id, epoch=0, counter=5)
            assert order is not None
            ranges.void(session, tenant_id=shop.tenant_id, order_id=order.id, reason="stolen", now=NOW, actor="bob")
        wait(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(claiming, "_lock_code", wait_while_somebody_voids)
    with pytest.raises(CodeWithdrawn):
        shop.claim(alice, held)
    assert (shop.balance(alice).available, shop.granted(offer)) == (0, 0)


def test_a_code_of_a_revoked_epoch_or_of_no_order_is_not_claimed(shop: Shop) -> None:
    shop.campaign()
    with pytest.raises(CodeWithdrawn):
        shop.claim(shop.member(1), shop.ticket(CODES))
    with shop.opened() as session:
        keyring.revoke(session, tenant_id=shop.tenant_id, epoch=0, kek=KEK, reason="leaked", now=NOW, actor="bob")
    with pytest.raises(CodeWithdrawn):
        shop.claim(shop.member(1), shop.ticket(1))


def test_only_codes_bound_for_rewards_earn_points(shop: Shop) -> None:
    shop.campaign()
    with shop.opened() as session:
        roll = orders.place(
            session,
            tenant_id=shop.tenant_id,
            gtin=None,
            quantity=10,
            lot="ROLL",
            profile=Profile.SHORT,
            request_id="roll",
            now=NOW,
            actor="test",
        )
        ranges.activate(session, tenant_id=shop.tenant_id, order_id=roll.id, now=NOW, actor="test")
        for row, scene in enumerate(Scene, start=1):
            target = Target(gtin=shop.tea, lot="L9", scene=scene)
            bindings.bind(session, target, tenant_id=shop.tenant_id, order_id=roll.id, first=row, last=row, now=NOW, actor="test")
    alice = shop.member(1)
    earned = {}
    for row, scene in enumerate(Scene, start=1):
        held = shop.ticket(roll.first_counter + row - 1)
        refusal = shop.preview(alice, held).refusal
        earned[scene] = refusal.code if refusal else shop.claim(alice, held).points
        if refusal:
            with pytest.raises(SceneNotReward):
                shop.claim(alice, held)
    assert earned == {Scene.VERIFY: "scene_not_reward", Scene.REWARD: 10, Scene.TRACE: "scene_not_reward"}
    with pytest.raises(CodeWithdrawn):
        shop.claim(alice, shop.ticket(roll.last_counter))
