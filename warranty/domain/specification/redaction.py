"""A device's configuration without its secrets, whatever maker's words it is written in.

In doubt something is taken out: what is lost is one word of a comparison, what would stay is somebody's password.
"""

from __future__ import annotations

import re
from typing import Final

REMOVED: Final = "<removed>"

_KEYS: Final = (
    r"[\w-]{0,64}(?:passw(?:or)?d|passphrase|passcode|secret|psk|phash|credentials?|token|wpa-key|wep-key)[\w-]{0,64}"
    r"|pwd|community|[\w-]{0,64}community-(?:name|string)|community-map|snmp-community"
    r"|key|[\w-]{0,64}-key|[\w-]{0,64}private[\w-]{0,64}key[\w-]{0,64}|key-string|key-octet-string|keystring|md5|sha|sha1|sha-?(?:224|256|384|512)"
    r"|hmac-[\w-]+|priv|auth|cipher|irreversible-cipher|simple|digest-key|message-digest-key|session-key"
    r"|shared-?key|pre-shared-key|chap|pap|wpa2?-(?:personal|passphrase)|ENC"
)
"""Words that are followed by a secret in the rest of their line. No word is tried at every length that a hostile line has:
each pattern here takes a time that grows with the text, never with its square."""

_WORD: Final = re.compile(
    rf"(?<![\w-])(?P<word>\"?(?:{_KEYS})\"?)(?P<gap>\s*[=:]\s*|\s+)(?P<rest>\S.*)$", re.IGNORECASE
)
_END: Final = re.compile(r"(?<!\s)\s*(\{|;(?:\s*##.*)?|,)\s*$")
_HARMLESS: Final = re.compile(
    r"^(?:no\s+)?(?:service password-encryption|password encryption|aaa authentication|ip ssh|set allowaccess|set authmethod"
    r"|authentication-order|crypto key generate)\b",
    re.IGNORECASE,
)

_TAG: Final = re.compile(
    r"(<(?P<tag>[\w-]{0,64}(?:passw(?:or)?d|passphrase|secret|phash|psk|token|community|credential)[\w-]{0,64}"
    r"|(?:[\w-]{1,64}-)?key|hash)"
    r"(?:\s[^<>]*)?>)[^<]*(</(?P=tag)>)",
    re.IGNORECASE,
)
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_CRYPTED: Final = re.compile(
    r"\$[0-9a-z]{1,8}\$[^\s\";<>]+|(?<![\w/+])[A-Za-z0-9+/]{40,}={0,2}(?![\w/+])|\b[0-9A-Fa-f]{32,}\b"
)
_IN_URL: Final = re.compile(r"(?<!\w)(\w+://)[^\s/@\"]+@")
_NAME_OF_COMMUNITY: Final = re.compile(r"^(\s*set (?:name|password|auth-pwd|priv-pwd) ).*$", re.IGNORECASE)
_TRAP_HOST: Final = re.compile(r"^(\s*snmp-(?:server|agent)\s+(?:target-)?host\s+\S+).*$", re.IGNORECASE)
_FIRST_HOP: Final = re.compile(r"^(\s*(?:standby|vrrp|glbp)\s.*?\bauthentication\s).*$", re.IGNORECASE)
_CERTIFICATE: Final = re.compile(r"^(\s*certificate (?:self-signed|ca)?\s*[0-9A-Fa-f]+)\s*$", re.IGNORECASE)

_PASSING: Final = re.compile(
    r"^\s*(?:! Last configuration change|! NVRAM config last|! Time:|!Time:|! Startup-config last modified"
    r"|!Running configuration last done|Building configuration|Current configuration\s*:|ntp clock-period|## Last commit"
    r"|## Last changed|#conf_file_ver|# [a-z]{3}/\d\d/\d{4} |# \d{4}-\d\d-\d\d )",
    re.IGNORECASE,
)
"""Lines that change though nobody changed anything."""


def redacted(text: str) -> str:
    """The configuration with ``<removed>`` in the place of each secret, and without lines that change by themselves."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _BLOCK.sub(REMOVED, text)
    text = _TAG.sub(rf"\1{REMOVED}\3", text)
    lines = []
    of_communities = in_certificate = in_quote = False
    for line in text.split("\n"):
        word = line.strip().lower()
        if in_quote:  # what a secret in quotation marks goes on with
            in_quote = line.count('"') % 2 == 0
            continue
        if in_certificate:
            in_certificate = word != "quit"
            if in_certificate:
                continue
        if _PASSING.match(line):
            continue
        if word.startswith("config "):
            of_communities = word.startswith(("config system snmp", "config snmp"))
        elif word == "end":
            of_communities = False
        clean = _NAME_OF_COMMUNITY.sub(rf"\g<1>{REMOVED}", line) if of_communities else line
        clean = _line(clean)
        in_certificate = bool(_CERTIFICATE.match(line))
        in_quote = REMOVED in clean and line.count('"') % 2 == 1 and line.lstrip().startswith("set ")
        lines.append(clean.rstrip())
    return "\n".join(lines).strip() + "\n"


def _line(line: str) -> str:
    line = _IN_URL.sub(rf"\1{REMOVED}@", line)
    for pattern in (_TRAP_HOST, _FIRST_HOP):
        line = pattern.sub(lambda found: f"{found[1].rstrip()} {REMOVED}", line)
    if not _HARMLESS.match(line.strip()):
        line = _WORD.sub(_without, line)
    return _CRYPTED.sub(REMOVED, line)


def _without(found: re.Match[str]) -> str:
    end = _END.search(found["rest"])
    if found["rest"].strip() in {"{", ";"}:
        return found[0]
    return (
        f"{found['word']}{found['gap']}{REMOVED}{'' if end is None else f' {end[1]}' if end[1] == '{' else end[1][0]}"
    )
