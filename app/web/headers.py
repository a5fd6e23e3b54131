"""Security headers of every answer."""

from typing import Any

from flask import Flask

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        # The one policy gives the constant address of the service worker, which app.js registers.
        "trusted-types service-worker",
    )
)
#: Swagger UI is written for pages without such a policy: it draws by innerHTML, with images in data: addresses.
DOCS_POLICY = PAGE_POLICY.replace("; require-trusted-types-for 'script'; trusted-types service-worker", "").replace(
    "img-src 'self'", "img-src 'self' data:"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
#: A service worker asks under the policy that its own file came with.
WORKER_POLICY = f"{DATA_POLICY}; connect-src 'self'"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: What is behind a sign-in, or about one, is nobody's to keep (RFC 6749 §5.1 asks for both headers).
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def init_app(app: Flask) -> None:
    """Add the headers to every answer, errors included; a view may be stricter by sending one of them itself.

    They are added when the answer leaves Flask: headers that pass through Werkzeug are each checked and copied several
    times, which took a tenth of the time of the shortest requests.
    """
    inner, always = app.wsgi_app, dict(_ALWAYS)
    if app.config["HTTPS"]:
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    def with_headers(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if status.startswith("204"):
                headers[:] = [(name, value) for name, value in headers if name != "Content-Type"]
            given = {name.lower(): value for name, value in headers}
            wanted = always | _policy(status, given) | ({} if "cache-control" in given else _NOT_KEPT)
            headers += [(name, value) for name, value in wanted.items() if name.lower() not in given]
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = with_headers  # type: ignore[method-assign]


def _policy(status: str, given: dict[str, str]) -> dict[str, str]:
    if status.startswith("304"):
        return {}  # what it confirms keeps the policy it came with
    page = given.get("content-type", "").startswith("text/html")
    return {"Content-Security-Policy": PAGE_POLICY if page else DATA_POLICY}
