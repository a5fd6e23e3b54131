"""What signing and verifying an access token costs with each algorithm: python bench/signatures.py

Measured through `tokens.issue` and `tokens.verify`, that is with everything Flask-JWT-Extended and the checks of claims
add, over a database of its own. Figures differ between machines, the ratios hardly.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from flask_migrate import upgrade  # noqa: E402

import config  # noqa: E402
from app import create_app  # noqa: E402
from app.extensions import db  # noqa: E402
from app.models import User  # noqa: E402
from app.services import jwk, key_rotation, keys, sign_ins, tokens  # noqa: E402

ROUNDS, CALLS = 9, 200


def microseconds(call: Callable[[], Any]) -> float:
    """Return the median over rounds of what one call takes."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - started) / CALLS * 1e6)
    return median(rounds)


def measured(sign_in: Any) -> tuple[float, float, float, int]:
    """Return what issuing a pair, verifying, and verifying again cost with the key that signs now; and a length."""
    token = tokens.issue(sign_in).access_token
    verified = keys.ring().verified

    def verify() -> None:
        verified.clear()
        tokens.verify(token, tokens.ACCESS)

    issuing, verifying = microseconds(lambda: tokens.issue(sign_in)), microseconds(verify)
    return issuing, verifying, microseconds(lambda: tokens.verify(token, tokens.ACCESS)), len(token)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as instance:
        app = create_app(config.load({"INSTANCE_PATH": instance, "LOG_LEVEL": "error"}))
        with app.app_context():
            upgrade(str(ROOT / "migrations"))
            user = User(email="bench@example.org", email_key="bench@example.org", password_hash="")
            db.session.add(user)
            db.session.flush()
            sign_in = sign_ins.start(user.id, "api", "bench")
            db.session.commit()
            db.session.refresh(sign_in)
            db.session.expunge(sign_in)
            db.session.rollback()
            rows = {}
            for algorithm in jwk.ALGORITHMS:
                key_rotation.rotate(algorithm, at_once=True)
                rows[algorithm] = measured(sign_in)
            db.session.remove()
            db.engine.dispose()
    base = rows["HS256"]
    line = "{:10}{:>13}{:>8}{:>13}{:>8}{:>13}{:>8}\n"
    sys.stdout.write(line.format("algorithm", "issue pair", "", "verify", "", "known token", "length"))
    for algorithm, (issuing, verifying, again, length) in rows.items():
        times = f"{issuing:.0f} us", f"x{issuing / base[0]:.1f}", f"{verifying:.0f} us", f"x{verifying / base[1]:.1f}"
        sys.stdout.write(line.format(algorithm, *times, f"{again:.1f} us", length))


if __name__ == "__main__":
    main()
