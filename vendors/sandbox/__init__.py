"""The vendors, pretended: real HTTP servers that follow the vendors' documents, are strict, and misbehave on demand.

One server plays any number of vendors at once, since their paths differ; a module here without a leading underscore is
a twin, and its file name is the vendor's. Control is over HTTP at ``/_sandbox/...`` and from Python by ``Twin``:

- ``GET /_sandbox/ledger``: everything accepted, in order (``?vendor=``)
- ``GET``, ``POST /_sandbox/behaviour``: how they behave: ``{"vendor": ..., "fault_rate": 0.3, "next_opens": [...]}``
- ``POST /_sandbox/tags``: ``{"TAG": {record}}`` for the look-up twins
- ``POST /_sandbox/cases/NUMBER``: ``{"state": ...}`` moves a case
- ``POST /_sandbox/tokens``: takes all tokens back
- ``POST /_sandbox/mails``: ``{"reference": ..., "text": ...}`` lays an answer into the mailbox; ``GET`` shows it

A sandbox has no secrets worth keeping and no guard on its control paths: it listens on loopback only.
"""

from vendors.sandbox._server import Twin, available, run_sandbox

__all__ = ["Twin", "available", "run_sandbox"]
