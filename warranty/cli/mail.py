"""``warranty mail``: which mails were refused and why, and sending them again once that is mended."""

from __future__ import annotations

from uuid import UUID

import click
from sqlalchemy import or_, select

from warranty import db
from warranty.cli.shared import CliProblem, answer, json_option, open_runtime
from warranty.models import Client, Fault, Mail, Outbox, VendorAccount
from warranty.models.work import OrderStatus
from warranty.services import mail as mails

MOST = 200


@click.group()
def mail() -> None:
    """See what became of mails."""


@mail.command("list")
@click.option(
    "--all", "show_all", is_flag=True, help="Sent and waiting ones too; without it those that were refused or given up."
)
@json_option
def list_mails(*, show_all: bool, as_json: bool) -> None:
    """List the newest mails; whom they go to is known by id, so that no address is printed."""
    query = (
        select(Mail, Client.name, Fault.reference, VendorAccount.name.label("account"), Outbox.error)
        .outerjoin(Client, Client.id == Mail.client_id)
        .outerjoin(Fault, Fault.id == Mail.fault_id)
        .outerjoin(VendorAccount, VendorAccount.id == Mail.account_id)
        .join(Outbox, Outbox.id == Mail.order_id)
        .order_by(Mail.id.desc())
        .limit(MOST)
    )
    if not show_all:
        query = query.where(or_(Mail.refused.is_not(None), Outbox.status == OrderStatus.DEAD))
    with open_runtime() as runtime, runtime.database.read(db.EVERYBODY) as session:
        rows = [
            {
                "id": row.Mail.public_id,
                "client": row.name,
                "case": row.reference,
                "account": row.account,
                "tells": row.Mail.tells,
                "to": f"user:{row.Mail.user_id}" if row.Mail.user_id else f"person:{row.Mail.person_id}",
                "written_at": row.Mail.written_at,
                "sent_at": row.Mail.sent_at,
                "trouble": row.Mail.refused or (None if row.Mail.sent_at else row.error),
            }
            for row in session.execute(query)
        ]
    answer(rows, as_json=as_json)


@mail.command("send-again")
@click.argument("ids", nargs=-1, required=True, type=click.UUID, metavar="ID...")
@json_option
def send_again(ids: tuple[UUID, ...], *, as_json: bool) -> None:
    """Send refused mails again, since what stood in their way is mended."""
    with open_runtime() as runtime, runtime.database.begin(db.EVERYBODY) as session:
        for public_id in ids:
            found = session.scalars(select(Mail).where(Mail.public_id == public_id)).one_or_none()
            if found is None:
                raise CliProblem(f"There is no mail {public_id}.")
            try:
                mails.send_again(session, found, now=db.now(session))
            except mails.NotRefused as err:
                raise CliProblem(str(err)) from err
    answer({"ordered_again": [str(id_) for id_ in ids]}, as_json=as_json)
