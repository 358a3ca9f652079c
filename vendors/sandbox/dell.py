"""Dell's look-up API, pretended: token endpoint and asset entitlements. Source: vendor-apis.md, section 3.1."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, jsonify, request

from vendors.sandbox._stage import Stage

MAX_TAGS = 100
DESCRIPTIONS = {
    "CB": "Collect and Return Support",
    "ND": "Onsite Service After Remote Diagnosis",
    "NU": "ProSupport with Next Business Day Service",
}


def error(status: int, text: str) -> Response:
    """Give an error as this vendor words it."""
    response = jsonify({"error": f"E{status}", "error_description": text})
    response.status_code = status
    return response


class Play:
    """The twin: what it knows of each tag, and its two endpoints."""

    def __init__(self, stage: Stage) -> None:
        """Remember the tags of an earlier process."""
        self._stage = stage
        self._tags: dict[str, dict[str, Any]] = {}
        for entry in stage.kept():
            self._tags[entry["record"]["serviceTag"]] = entry["record"]
        self.blueprint = Blueprint("dell", __name__)
        self.blueprint.post("/auth/oauth/v2/token")(self.token)
        self.blueprint.get("/PROD/sbil/eapi/v5/asset-entitlements")(self.entitlements)

    def register(self, tag: str, record: dict[str, Any]) -> None:
        """Make a tag known.

        Args:
            tag: the service tag.
            record: the vendor's record of it; every field may be missing. A row of ``entitlements`` is the vendor's
                own, or the short form ``{"code", "type", "starts_on", "ends_on"}`` with days in the record's
                ``time_zone`` (UTC where missing), which is written as the vendor writes it.

        Raises:
            ValueError: a day that is none.
        """
        record = dict(record)
        zone = ZoneInfo(record.pop("time_zone", "UTC"))
        rows = [_row(row, zone, number) for number, row in enumerate(record.pop("entitlements", []), start=1)]
        tag = tag.strip().upper()
        known = {
            "id": len(self._tags) + 1,
            "serviceTag": tag,
            "orderBuid": "707",
            "shipDate": rows[0]["startDate"] if rows else None,
            "productId": None,
            "productLineDescription": None,
            "systemDescription": None,
            "localChannel": "ENTP",
            "countryCode": None,
            "duplicated": None,
            "invalid": None,
            **record,
            "entitlements": rows,
        }
        self._tags[tag] = known
        self._stage.keep("registered", record=known)

    def token(self) -> Response:
        """Answer the token endpoint."""
        if request.mimetype != "application/x-www-form-urlencoded":
            return error(400, "the body must be a form")
        if unknown := set(request.form) - {"grant_type", "client_id", "client_secret", "scope"}:
            return error(400, f"unknown field {', '.join(sorted(unknown))}")
        if request.form.get("grant_type") != "client_credentials":
            return error(400, "unsupported grant type")
        if not self._stage.login():
            return error(401, "Invalid client credentials")
        return jsonify(self._stage.new_token())

    def entitlements(self) -> Response:
        """Answer the look-up."""
        return self._stage.read(self._entitlements)

    def _entitlements(self) -> Response:
        if not self._stage.has_token():
            return error(401, "Access token is missing, unknown or expired")
        if set(request.args) != {"servicetags"} or len(request.args.getlist("servicetags")) != 1:
            return error(400, "exactly one parameter is taken: servicetags")
        tags = request.args["servicetags"].upper().split(",")
        if len(tags) > MAX_TAGS:
            return error(400, f"at most {MAX_TAGS} service tags")
        if not all(tag.isascii() and tag.isalnum() for tag in tags):
            return error(400, "not a service tag")
        nothing: dict[str, Any] = {"invalid": True, "entitlements": []}
        records = [self._tags.get(tag, {"serviceTag": tag, **nothing}) for tag in dict.fromkeys(tags)]
        self._stage.random.shuffle(records)  # no order is promised
        return jsonify(records)


def _row(row: dict[str, Any], zone: ZoneInfo, number: int) -> dict[str, Any]:
    """Give one entitlement as the vendor writes it."""
    if "starts_on" not in row:
        return row
    code = row.get("code")
    starts = datetime.combine(date.fromisoformat(row["starts_on"]), time(), zone).astimezone(UTC)
    after = datetime.combine(date.fromisoformat(row["ends_on"]) + timedelta(days=1), time(), zone).astimezone(UTC)
    return {
        "itemNumber": row.get("item", f"997-{11000 + number}"),
        "startDate": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "endDate": f"{after - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.{number:03d}Z",
        "entitlementType": row.get("type", "INITIAL"),
        "serviceLevelCode": code,
        "serviceLevelDescription": row.get("description", DESCRIPTIONS.get(str(code))),
        "serviceLevelGroup": "5",
    }
