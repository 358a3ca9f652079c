"""Lists that people keep as they have filtered them: whose they are, what of an address they hold, who takes them away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import AuditRow, SavedView
from warranty.services import erasure, people, saved_views
from warranty.services.moves import Because

if TYPE_CHECKING:
    from tests.web.conftest import World

FILTERED = "/cases?shows=closed&q=Ours&before=00000000-0000-4000-8000-000000000000&nonsense=1"


def somebody(world: World, role: Role = Role.TECHNICIAN) -> Visitor:
    """One of the staff."""
    return visit(world.app, world.users[role])


def keep(visitor: Visitor, name: str, **typed: str) -> str:
    """Filter the list of cases, and keep it; where that leads."""
    visitor.get(FILTERED)
    [form] = re.findall(r'href="(/views/new\?[^"]+)"', visitor.page)
    visitor.get(form.replace("&amp;", "&"))
    answer = visitor.send("/views", page="cases", query="q=Ours&shows=closed", name=name, **typed)
    assert answer.status_code == 303, words(answer.text)
    return answer.location


def tabs(visitor: Visitor) -> list[str]:
    """The kept views beside the list of cases."""
    visitor.get("/cases")
    [row] = re.findall(r'<nav class="views".*?</nav>', visitor.page, re.DOTALL)
    return re.findall(r">([^<]+)</a>", row.replace("Change views", ""))[4:]


def test_a_list_is_kept_as_it_is_filtered_and_not_where_one_stands_in_it(world: World) -> None:
    visitor = somebody(world)

    assert keep(visitor, "  Ours,  closed ") == "/cases?q=Ours&shows=closed"

    page = visitor.get("/cases?shows=closed&q=Ours").text
    assert '<a href="/cases?q=Ours&amp;shows=closed" aria-current="page">Ours, closed</a>' in page
    assert re.findall(r'<nav class="views".*?</nav>', page, re.DOTALL)[0].count("aria-current") == 1
    assert "Save view" not in page, "it is kept already"
    assert "“Ours, closed” is among the views now." in words(page)


def test_a_view_is_its_owners_until_it_is_shared_and_its_name_is_taken_once(world: World) -> None:
    owner, colleague = somebody(world), somebody(world, Role.BILLING)
    keep(owner, "Mine")

    assert tabs(owner) == ["Mine"]
    assert tabs(colleague) == []

    keep(owner, "Mine", is_shared="yes")
    assert tabs(owner) == tabs(colleague) == ["Mine"]


def test_a_view_is_taken_away_by_its_owner_or_of_all_by_who_decides(world: World) -> None:
    owner, colleague, manager = somebody(world), somebody(world, Role.BILLING), somebody(world, Role.SERVICE_MANAGER)
    keep(owner, "Private")
    keep(owner, "Everybodys", is_shared="yes")
    with world.runtime.database.read(db.EVERYBODY) as session:
        ids = {view.name: view.public_id for view in session.scalars(select(SavedView))}

    def removal(visitor: Visitor, name: str) -> int:
        visitor.get("/views/new?page=cases")
        return visitor.send(f"/views/{ids[name]}/removal").status_code

    assert removal(colleague, "Private") == removal(manager, "Private") == 404
    assert removal(colleague, "Everybodys") == 403
    assert removal(manager, "Everybodys") == removal(owner, "Private") == 303
    assert tabs(owner) == []
    with world.runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.record == "saved_view").order_by(AuditRow.id))
        assert [row.action for row in rows] == ["add", "add", "remove", "remove"]


def test_what_cannot_be_kept_is_said_at_the_name_and_nothing_is_lost(world: World) -> None:
    visitor = somebody(world)
    visitor.get("/views/new?page=cases&query=q%3DOurs")

    answer = visitor.send("/views", page="cases", query="q=Ours", name=" ", is_shared="yes")
    assert answer.status_code == 422
    assert "Give the view a name of at most 60 characters." in answer.text
    assert 'value="q=Ours"' in answer.text
    assert "checked" in re.findall(r'<input[^>]*name="is_shared"[^>]*>', answer.text)[0]

    answer = visitor.send("/views", page="cases", query="q=" + "x" * saved_views.LONGEST_QUERY, name="Long")
    assert answer.status_code == 422
    for nobodys in ("page=nowhere", "page="):
        assert visitor.get(f"/views/new?{nobodys}").status_code == 404
    assert tabs(visitor) == []


def test_nobody_keeps_more_views_than_a_page_can_show(world: World) -> None:
    user = world.users[Role.TECHNICIAN]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        because = Because(people.actor_of(user), "kept a view", db.now(session))
        for number in range(saved_views.MOST):
            made = {"name": f"View {number}", "query": f"q={number}", "is_shared": False}
            saved_views.keep(session, user.id, "cases", because=because, **made)
    visitor = somebody(world)
    visitor.get("/views/new?page=cases&query=q%3DOurs")

    assert visitor.send("/views", page="cases", query="q=Ours", name="One more").status_code == 422
    assert visitor.send("/views", page="cases", query="q=Ours", name="View 7").status_code == 303


def test_the_private_views_of_somebody_who_is_erased_go_with_the_name(world: World) -> None:
    owner, colleague = somebody(world), somebody(world, Role.BILLING)
    keep(owner, "Private")
    keep(owner, "Everybodys", is_shared="yes")

    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = people.find_user(session, world.users[Role.TECHNICIAN].email)
        assert user is not None
        erasure.erase_user(session, user, because=Because("user:0", "they asked for it", db.now(session)))

    assert tabs(colleague) == ["Everybodys"]
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(SavedView.name)).all() == ["Everybodys"]
