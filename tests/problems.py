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


def check_problem(response: TestResponse, status: int, path: str) -> str:
    """Check that an answer is a problem of this status at this path, and return its detail."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert body.keys() == PROBLEM_FIELDS
    assert (body["status"], body["instance"]) == (status, path)
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert body["title"]
    detail: str = body["detail"]
    assert detail
    return detail
