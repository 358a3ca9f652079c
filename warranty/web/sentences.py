"""What services say to programs in English sentences, said again to people in their own language.

The registry and the importer name what is wrong in one sentence, tasks say in one or two what to do; they are kept so, and
go out over REST as they are. A page finds the form of a sentence in ``FORMS`` and fills the translation with the same gaps;
one that it does not know stays as it is. A test holds the forms together with what the importer writes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from warranty.web.i18n import N_, reader

FORMS: Final = (
    N_("The site %(site)s is not one of the unit's client."),
    N_("%(account)s opens no cases: name the account that does."),
    N_("%(client)s has no site named %(site)s: add it with `warranty site add`."),
    N_("%(client)s has several units %(serial)s: name the one that is meant."),
    N_("%(code)s is no currency: write three capital letters, like EUR."),
    N_("%(column)s %(text)s is neither true nor false."),
    N_("%(column)s %(text)s is no day; write it as 2026-03-31."),
    N_("%(column)s %(text)s is no time; write it as 2026-03-31T09:00:00+02:00."),
    N_("%(column)s %(text)s is no whole number."),
    N_("%(column)s %(text)s is none of %(words)s."),
    N_("%(column)s %(text)s: the day or the month may come first; write it as 2026-03-31."),
    N_("%(column)s is empty."),
    N_("%(email)s is no mail address."),
    N_("%(column)s %(text)s was ruined by a spreadsheet: make the column text, and export again."),
    N_("%(column)s holds a control character (%(sign)s); type it anew."),
    N_("%(column)s is %(number)s; it is a whole number from 0 to %(most)s."),
    N_("%(column)s is longer than %(limit)s characters."),
    N_("%(column)s names something of another client."),
    N_("%(folder)s holds no .yaml or .yml file."),
    N_("%(folder)s is a folder; %(kind)s come as one file."),
    N_("%(maker)s is another manufacturer: correct that first."),
    N_("%(count)s products answer to %(wanted)s: name the manufacturer and the model."),
    N_("%(count)s units have the serial number %(serial)s: %(what)s."),
    N_("%(line)s is no line of an address; there are %(lines)s."),
    N_("%(maker)s has neither letters nor digits."),
    N_("%(name)s is neither text nor a number nor a list of texts."),
    N_("%(path)s is no file: save the table to a file first."),
    N_("%(file)s has a line of more than %(most)s characters: it is no table."),
    N_("%(file)s is blank."),
    N_("%(file)s is larger than %(most)s GB: split it into several files."),
    N_("%(file)s is no %(encoding)s text: save it as CSV UTF-8."),
    N_("%(file)s is not text (it holds zero bytes): export the table as CSV UTF-8."),
    N_("%(file)s is one JSON document: write one object a line, without a list around them."),
    N_("%(place)s says otherwise of %(what)s: keep one of the two."),
    N_("%(serial)s is a formula: paste the values and export again."),
    N_("%(serial)s is a placeholder, not a serial number: read it from the unit."),
    N_("A case of this unit is open under what it is now: close the case first."),
    N_("A case of this unit is open, and moves it: close the case first."),
    N_("A cell that begins like a formula is kept as text."),
    N_("A component stands in the exceptions twice."),
    N_("A contract stays with its client: add it there anew."),
    N_("A coverage of a product names its client: products belong to nobody."),
    N_("A kind stands in precedence twice."),
    N_("A manufacturer without a product or part number is not kept."),
    N_("A name stands in external_refs twice."),
    N_("A product cannot be merged into itself."),
    N_("A row covers one thing: fill %(columns)s, not both."),
    N_("A share stands in covers twice."),
    N_("A unit becomes %(state)s by its case; by hand it goes to %(states)s."),
    N_("A unit is registered as %(states)s, not as %(state)s."),
    N_("A unit with exceptions is %(result)s."),
    N_("Another unit has the same serial number: a report on the serial alone may go to review."),
    N_("Both have a unit of one serial number in stock: correct one of them first."),
    N_("Cannot read %(path)s: %(why)s."),
    N_("Contract %(number)s promises these shares in %(count)s lines: change them by hand."),
    N_("Fill %(columns)s, or client to cover every unit of a client."),
    N_("Line %(line)s: the quotes of this row do not match (%(why)s): mend it, import again."),
    N_("Line %(line)s has the same serial number: name the manufacturer in both rows."),
    N_("Members that are not read: %(names)s."),
    N_("Name the components that were not healthy."),
    N_("No column is named %(header)s, which is mapped to %(column)s: %(headers)s."),
    N_("No line is a JSON object: write one object a line, without a list around them."),
    N_("No row says the time zone of the site: %(zone)s is taken."),
    N_("No service level: a decision that rests on this coverage goes to review."),
    N_("No unit has the serial number %(serial)s: import the units first."),
    N_("Only the first sheet, %(sheet)s, is read, and not %(others)s."),
    N_("Some cells are formulas: the values that the spreadsheet had kept are taken."),
    N_("The client has no site named %(site)s: add it with `warranty site add`."),
    N_("The contacts of a site that is known already stay as they are."),
    N_("The first line names no column: put the names of the columns there."),
    N_("The header has %(count)s columns: of no table are there more than %(most)s."),
    N_("The header lacks %(missing)s; %(headers)s. The columns of %(kind)s are %(columns)s."),
    N_("The part number differs from that of the product, which stays as it is."),
    N_("The part number was ruined by a spreadsheet and is left out."),
    N_("The product %(product)s is not known: name its manufacturer, and it is made."),
    N_("The row covers every unit of its client."),
    N_("The row does not say whose it is: fill the column client, or say --client."),
    N_("The row is of %(named)s, and this import is for %(client)s."),
    N_("The row stands there twice and is taken once."),
    N_("The scope does not belong to %(client)s."),
    N_("The site %(site)s is not one of %(client)s."),
    N_("The site %(site)s is not one of this client."),
    N_("The site %(site)s is made, without an address and with the time zone %(zone)s: complete it."),
    N_("No site says in which time zone the days of the contract are: %(zone)s is taken."),
    N_(
        "The unit comes in as onboarding, and faults on it go to review until it is handed over. If that is done, say "
        "in_service in the column state."
    ),
    N_("The unit stays %(state)s: checks of its hand-over are open (%(checks)s)."),
    N_("Draw the signature: a dot or a single line is none."),
    N_("The file with the signature is not one of this unit."),
    N_("Name the file with the signature."),
    N_("Only a signature that is %(how)s has strokes."),
    N_("The unit stays %(state)s: an import only takes units from onboarding into service."),
    N_("The workbook cannot be read: %(why)s"),
    N_("There are more than %(most)s rows: split them into several imports."),
    N_("There is a header and no row."),
    N_("There is no client named %(client)s: add it with `warranty client add`."),
    N_("There is no column %(column)s of %(kind)s; there are %(columns)s."),
    N_("There is no format %(format)s for %(kind)s; there are auto, %(formats)s."),
    N_("There is no product %(product)s: import the products or units first."),
    N_("There is no product %(product)s of %(maker)s."),
    N_("There is no serial number."),
    N_("There is no time zone %(zone)s: write it as in Europe/Amsterdam."),
    N_("This is a list of %(what)s, not of units: it has a column %(column)s."),
    N_("Two headers are mapped to one column: choose one of them."),
    N_("checked_at without an error needs vendor_says: what the vendor said."),
    N_("covers is empty: it holds parts, labour or both."),
    N_("ends_on %(ends)s is before starts_on %(starts)s."),
    N_("model is empty."),
    N_("serial_number is longer than 64 characters."),
    N_("unknown is no cause that a contract can exclude."),
    N_("vendor_says needs checked_at: when the vendor said so."),
    N_("There is a client named %(name)s already."),
    N_("%(client)s has a site named %(site)s already."),
    N_("The client has a contract %(number)s already."),
    N_("%(product)s is known already."),
    N_("%(product)s is known already: merge the two."),
    N_("%(name)s stands there twice."),
    N_("The line is no JSON."),
    N_("The line is no JSON object: write one object a line."),
    N_("No vendor account is named for this contract: claim it by hand."),
    N_("No vendor account opens cases for this unit: add one, and it is sent by itself; or handle it by hand."),
    N_("%(account)s is switched off. Switch it on, and it goes on by itself; or handle it by hand."),
    N_(
        "%(account)s does not accept our credentials: %(said)s. Mend the account, and it goes on by itself; or handle "
        "it by hand."
    ),
    N_("%(account)s cannot be used: %(said)s. Mend the account, and it goes on by itself; or handle it by hand."),
    N_("%(account)s refused it: %(said)s. Mend what it names, then send it again; or handle it by hand."),
    N_("It may have arrived, and cannot be searched for. %(what)s"),
    N_("It may have arrived, and cannot be searched for: %(why)s"),
    N_("No answer that tells whether it arrived: %(why)s"),
    N_("RMA number %(number)s ran out. Ask the vendor for another one, or for more time, on %(place)s, and enter it."),
    N_("No case at %(account)s can be read: %(why)s"),
    N_("The vendor holds more than one case for this claim: %(numbers)s."),
    N_("Sending broke off with %(error)s: it may have arrived."),
    N_("This fault cannot be decided without a person: %(why)s"),
    N_("%(account)s asks for: %(needs)s."),
    N_("%(account)s asks for the part number: fill it in at the product of %(product)s."),
    N_("%(account)s asks for the country: fill it in at the site of %(site)s."),
    N_("None of the %(count)s parts of its list is plainly the %(component)s: choose."),
    N_("%(account)s lists no parts for this unit: name what is needed, or handle it by hand."),
    N_("%(account)s takes claims by hand: open it there and enter the number. %(how)s"),
    N_("%(account)s takes claims by hand: open it there and enter the number."),
    N_("%(account)s takes claims for a %(component)s by hand: open it there and enter the number. %(how)s"),
    N_("%(account)s takes claims for a %(component)s by hand: open it there and enter the number."),
    N_("An import of this file broke off: this one went on behind row %(row)s."),
    N_("%(record)s %(id)s: %(here)s to %(there)s is no move; allowed: %(allowed)s."),
    N_("%(what)s (%(count)s rows, the first: %(first)s)"),
    N_("%(what)s (%(count)s rows, the first: line %(line)s)"),
    N_("%(what)s (line %(line)s)"),
    N_("%(what)s (%(file)s)"),
)
"""Each sentence with its gaps, in which a column, a name or a number stands."""

_GAP: Final = re.compile(r"%\((\w+)\)s")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The forms as patterns: those that say most by themselves first."""
    ordered = sorted(FORMS, key=lambda form: -len(_GAP.sub("", form)))
    return tuple((_pattern(form), form) for form in ordered)


def _pattern(form: str) -> re.Pattern[str]:
    parts = _GAP.split(form)
    said = (re.escape(part) if at % 2 == 0 else f"(?P<{part}>.+?)" for at, part in enumerate(parts))
    return re.compile("".join(said), re.DOTALL)


LONGEST: Final = 300
LONGEST_OF_ALL: Final = 2_000
"""A longer sentence, and a longer text, hold somebody's whole cell, and stay as they are: to look for the form of a sentence
costs by the square of its length."""

_NEXT: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")


def said_again(text: str) -> str:
    """What a service says in the reader's language: sentence by sentence, else as one; as it is where nobody knows it."""
    if len(text) > LONGEST_OF_ALL:
        return text
    parts = _NEXT.split(text)
    said = [_said(part) for part in parts]
    if all(one != part for one, part in zip(said, parts, strict=True)):
        return " ".join(said)
    whole = _said(text)
    return whole if whole != text else " ".join(said)


def _said(sentence: str) -> str:
    if len(sentence) > LONGEST:
        return sentence
    for pattern, form in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            gaps = found.groupdict()
            if "what" in gaps and gaps["what"].endswith((".", ":")):  # a sentence with its place behind it
                gaps["what"] = said_again(gaps["what"])
            return reader().text(form, **gaps)
    return sentence
