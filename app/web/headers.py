"""Security headers of every answer."""

from flask import Flask, Response, current_app, request

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


def init_app(app: Flask) -> None:
    """Add the headers after every request, errors included."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers, wanted = response.headers, dict(_ALWAYS)
    if response.status_code == 204:
        del headers["Content-Type"]
    wanted["Content-Security-Policy"] = _policy(response)
    if request.endpoint != "static" or response.status_code >= 400:
        # What is behind a sign-in, or about one, is nobody's to keep (RFC 6749 §5.1 asks for both headers).
        wanted |= {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if current_app.config["HTTPS"]:
        wanted["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    # A view may be stricter. One look at what is there: each lookup by name would compare it with every header, which
    # took a twentieth of the time of the shortest requests.
    given = {name.lower() for name, _ in headers}
    headers.extend({name: value for name, value in wanted.items() if name.lower() not in given})
    return response


def _policy(response: Response) -> str:
    if response.mimetype == "text/html":
        return DOCS_POLICY if request.endpoint == "docs.page" else PAGE_POLICY
    return WORKER_POLICY if request.path == "/service-worker.js" else DATA_POLICY
