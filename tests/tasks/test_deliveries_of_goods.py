"""Each way in which a replacement comes, from the report to the parcel that is booked in: a vendor's twin, and people by REST."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.desk import Desk
from tests.tasks.test_read_cases import number, poll
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState
from warranty.domain.terms import Delivery, Role
from warranty.models import Coverage, Shipment
from warranty.models.work import OrderKind
from warranty.web import create_app

_keys = count(1)


class People:
    """Somebody of the MSP who calls the API."""

    def __init__(self, desk: Desk) -> None:
        self.app = create_app(desk.runtime)
        with desk.session() as session:
            self.token = factories.make_token(session, factories.make_user(session, Role.TECHNICIAN))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's document; refused is an error."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"goods-{next(_keys)}"}
        answer = self.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.json
        return answer.json

    def walk(self, parcel: dict[str, Any], *path: str, **known: Any) -> None:
        """Move a parcel."""
        for to in path:
            self.call("POST", f"/shipments/{parcel['id']}/transitions", {"to": to, "reason": "Seen.", **known})


@pytest.mark.parametrize("delivery", Delivery)
def test_a_replacement_comes_as_the_contract_says_and_its_parcels_are_followed_both_ways(
    desk: Desk, delivery: Delivery
) -> None:
    with desk.session() as session:
        ours = Coverage.client_id == desk.client_key
        session.execute(update(Coverage).where(ours).values(delivery=delivery))
    desk.report()
    desk.perform(OrderKind.SEND_RMA)
    people, case = People(desk), number(desk)
    rma = f"/rmas/{desk.rma().public_id}"

    desk.twin.move(case, state="approved")
    poll(desk)
    began = {one["direction"]: one for one in people.call("GET", rma)["shipments"]}
    first = {"to_us", "to_vendor"} if delivery is Delivery.DEPOT else {"to_us"}
    assert set(began) == first

    proof = {"carrier": "UPS", "tracking_number": "1Z999"}
    if delivery is Delivery.DEPOT:  # the vendor has it first
        people.walk(began["to_vendor"], "in_transit", **proof)
        desk.twin.move(case, state="return_received")
        poll(desk)
    desk.twin.move(case, state="shipped")
    poll(desk)
    if delivery is Delivery.ON_SITE:  # the engineer brings it, and no vendor says so
        people.walk(began["to_us"], "delivered", signed_by="the engineer")
    else:
        desk.twin.move(case, state="delivered")
        poll(desk)
    people.walk(began["to_us"], "checked_in")
    if delivery not in {Delivery.DEPOT, Delivery.PARTS_ONLY}:  # the old one goes back afterwards
        back = {"direction": "to_vendor", "reason": "They want it back."}
        people.walk(people.call("POST", f"{rma}/shipments", back), "in_transit", **proof)
        desk.twin.move(case, state="return_received")
        poll(desk)
    shown = people.call("GET", rma)
    for one in shown["shipments"]:
        if one["state"] == "received":
            people.walk(one, "accepted")
    desk.twin.move(case, state="closed")
    poll(desk)

    with desk.session() as session:
        ended = session.execute(select(Shipment.direction, Shipment.state).where(Shipment.client_id == desk.client_key))
        gone = {} if delivery is Delivery.PARTS_ONLY else {ShipmentDirection.TO_VENDOR: ShipmentState.ACCEPTED}
        assert dict(ended.all()) == {ShipmentDirection.TO_US: ShipmentState.CHECKED_IN} | gone
    assert all(one["outstanding"] == 0 for one in shown["goods"])
    assert desk.rma().state is RmaState.CLOSED
