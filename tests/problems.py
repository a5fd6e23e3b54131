"""What a refusal has to look like."""

from werkzeug.test import TestResponse

PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "request_id"}


def pointers(response: TestResponse) -> list[str]:
    """Return where a refused request is wrong, having checked that it is refused as bad input and says why."""
    assert response.status_code == 422, response.text
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert body["type"] == "urn:taskward:problem:invalid-input"
    assert all(error["detail"] for error in body["errors"])
    return [error["pointer"] for error in body["errors"]]
