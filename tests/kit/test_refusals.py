from kit import refusals
from kit.refusals import Conflict


class OrderClosed(Conflict):
    code = "order_closed"
    says = "Order {order_id} is closed."


def test_a_refusal_says_what_is_wrong_with_its_own_data() -> None:
    refusal = OrderClosed(order_id=7)
    assert str(refusal) == "Order 7 is closed."
    assert refusal.status == 409


def test_its_problem_document_has_the_members_of_rfc_9457_and_the_data() -> None:
    document = refusals.problem(OrderClosed(order_id=7), instance="/orders/7")
    assert document == {
        "type": "urn:onemark:problem:order_closed",
        "title": "Order closed",
        "status": 409,
        "code": "order_closed",
        "detail": "Order 7 is closed.",
        "instance": "/orders/7",
        "order_id": 7,
    }


def test_data_never_replaces_a_standard_member() -> None:
    document = refusals.problem(OrderClosed(order_id=1, status="open", type="x"), instance="/")
    assert (document["status"], document["type"]) == (409, "urn:onemark:problem:order_closed")
