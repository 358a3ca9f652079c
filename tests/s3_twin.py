"""A pretended S3-compatible store: speaks enough of the protocol for one bucket, and checks every signature (version 4).

It knows the protocol from its documentation and not from our client: a request that Amazon would refuse, this refuses.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

PAGE = 3  # so that few objects make several pages


@dataclass(slots=True)
class S3Twin:
    """The store. ``refuses`` is the HTTP status that every request gets instead of its answer, while it is set."""

    bucket: str = "evidence"
    key_id: str = "AKIDEXAMPLE"
    secret: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # with signs that a URL must escape
    region: str = "eu-central-1"
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    refuses: int = 0
    asked: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"twin": self}))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, prefix: str = "", *, secret: str | None = None) -> str:
        """The setting that names this store."""
        key, port = quote(secret or self.secret, safe=""), self._server.server_port
        return f"s3://{self.key_id}:{key}@127.0.0.1:{port}/{self.bucket}{prefix}?region={self.region}&tls=off"


class _Handler(BaseHTTPRequestHandler):
    twin: S3Twin
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self._body()
        if self._is_let_in(body):
            self.twin.objects[self._key()] = body, datetime.now(UTC)
            self._answer(200, headers={"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'})

    def do_GET(self) -> None:
        if not self._is_let_in(b""):
            return
        if not self._key():
            self._list()
        elif found := self.twin.objects.get(self._key()):
            written = found[1].strftime("%a, %d %b %Y %H:%M:%S GMT")
            self._answer(200, found[0], {"ETag": '"tag"', "Last-Modified": written})
        else:
            self._refuse(404, "NoSuchKey")

    def do_POST(self) -> None:
        """Delete several objects; whether they were there does not matter."""
        body = self._body()
        if not self._is_let_in(body):
            return
        assert urlsplit(self.path).query == "delete"
        keys = [unescape(key) for key in re.findall("<Key>(.*?)</Key>", body.decode())]
        for key in keys:
            self.twin.objects.pop(key, None)
        gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def log_message(self, *_words: Any) -> None: ...

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _key(self) -> str:
        """The key of the object; empty for the bucket itself."""
        return unquote(urlsplit(self.path).path).removeprefix(f"/{self.twin.bucket}").removeprefix("/")

    def _list(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        keys = sorted(key for key in self.twin.objects if key.startswith(asked.get("prefix", "")))
        left = [key for key in keys if key > asked.get("continuation-token", "")]
        more = len(left) > PAGE
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.twin.objects[key][1].isoformat()}</LastModified>"
            f"<ETag>tag</ETag><Size>{len(self.twin.objects[key][0])}</Size></Contents>"
            for key in left[:PAGE]
        )
        token = f"<NextContinuationToken>{escape(left[PAGE - 1])}</NextContinuationToken>" if more else ""
        truncated = str(more).lower()
        body = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{token}{found}</ListBucketResult>"
        self._answer(200, body.encode())

    def _is_let_in(self, body: bytes) -> bool:
        self.twin.asked.append(f"{self.command} {self.path}")
        if self.twin.refuses:
            self._refuse(self.twin.refuses, "InternalError")
        elif not hmac.compare_digest(*self._signatures(body)):
            self._refuse(403, "SignatureDoesNotMatch")
        else:
            return True
        return False

    def _signatures(self, body: bytes) -> tuple[str, str]:
        """The signature that came, and the one that there should be."""
        said = dict(part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(","))
        names, scope = said["SignedHeaders"].split(";"), said["Credential"].split("/", 1)[1]
        assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names)
        digest = self.headers["x-amz-content-sha256"]
        assert digest in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}
        parts = urlsplit(self.path)
        pairs = sorted(
            (quote(name, safe="~"), quote(value, safe="~"))
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        )
        request = "\n".join(
            [
                self.command,
                parts.path,
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(self.headers[name].split())}" for name in names),
                "",
                ";".join(names),
                digest,
            ]
        )
        day, region, service, _ = scope.split("/")
        assert (region, service) == (self.twin.region, "s3")
        key = f"AWS4{self.twin.secret}".encode()
        for word in (day, region, service, "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        text = ["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()]
        return said["Signature"], hmac.digest(key, "\n".join(text).encode(), "sha256").hex()

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
