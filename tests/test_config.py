"""Settings: what each variable accepts, what it is without being set, and where that is written down."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import config
from tests.in_turn import in_turn
from tests.programs import ROOT

SECRET = "correct-horse-battery-staple-0123456789"


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Load settings of an installation in a temporary directory."""

    def load(**variables: str) -> dict[str, Any]:
        return config.load({"INSTANCE_PATH": str(tmp_path), "SECRET_KEY": SECRET} | variables)

    return load


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    settings = config.load({"INSTANCE_PATH": str(tmp_path)})
    assert settings["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{tmp_path}/taskward.db"
    assert settings["PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert (settings["PROXY_HOPS"], settings["HTTPS"]) == (0, False)
    assert settings["ACCESS_TOKEN_TTL"] == timedelta(minutes=15)
    assert settings["REFRESH_IDLE"] == timedelta(days=30)
    assert settings["REFRESH_ABSOLUTE"] == timedelta(days=90)
    assert settings["REFRESH_GRACE"] == timedelta(seconds=30)
    assert (settings["REGISTRATION_OPEN"], settings["OAUTH_PASSWORD_GRANT"]) == (True, False)
    assert (settings["ARGON2_MEMORY_KIB"], settings["ARGON2_TIME_COST"]) == (19_456, 2)
    assert (settings["TRASH_KEPT"], settings["EVENTS_KEPT"]) == (timedelta(days=30), timedelta(days=365))
    assert config.server({})["bind"] == "127.0.0.1:8000"


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"INSTANCE_PATH": str(tmp_path), "SECRET_KEY": SECRET, "THREADS": "3"}.items():
        monkeypatch.setenv(name, value)
    assert config.load()["SECRET_KEY"] == SECRET
    assert config.server()["threads"] == 3


def _whole(name: str, low: int, high: int) -> list[Any]:
    values = [str(low - 1), str(high + 1), "many", "1.5", "-2", "0x10", " 5", "1_0", "\u0663", "9" * 5000]
    return [pytest.param(name, value, f"{low} to {high}", id=f"{name} {value[:20]}") for value in values]


REFUSED = [
    *_whole("PORT", 1, 65535),
    *_whole("THREADS", 1, 64),
    *_whole("PROXY_HOPS", 0, 10),
    *_whole("DATABASE_POOL_SIZE", 1, 256),
    *_whole("ACCESS_TOKEN_TTL", 60, 3600),
    *_whole("REFRESH_IDLE_DAYS", 1, 365),
    *_whole("REFRESH_ABSOLUTE_DAYS", 1, 730),
    *_whole("REFRESH_GRACE", 0, 600),
    *_whole("TRASH_KEEP_DAYS", 0, 3650),
    *_whole("EVENTS_KEEP_DAYS", 0, 3650),
    *_whole("ARGON2_MEMORY_KIB", 19_456, 1_048_576),
    *_whole("ARGON2_TIME_COST", 2, 100),
    *(
        pytest.param(name, value, accepts, id=f"{name} {value!r}")
        for name, values, accepts in (
            (
                "SECRET_KEY",
                ["", "changeme", "x" * 31, "a" * 64, "abcabcabc" * 9, "\udcffé" + "0123456789" * 4],
                "32 random characters",
            ),
            ("METRICS_TOKEN", ["changeme", "x" * 31, "a" * 64], "32 random characters"),
            (
                "METRICS_BIND",
                [
                    "9100",
                    ":9100",
                    "127.0.0.1",
                    "127.0.0.1:0",
                    "127.0.0.1:65536",
                    "127.0.0.1:8000",
                    "a b:9100",
                    "::1:9100",
                ],
                "another port than PORT",
            ),
            ("LOG_LEVEL", ["INFO", "trace", "warn"], "debug or info or warning or error"),
            ("HOST", ["bad host", "127.0.0.1:8000", "http://here", "[::1]"], "address or a host name"),
            ("PG_BINDIR", ["bin", "./bin", "~/bin"], "absolute path"),
            ("REGISTRATION_OPEN", ["yes", "true", "2", "on"], "0 or 1"),
            ("OAUTH_PASSWORD_GRANT", ["yes", "true", "2", "on"], "0 or 1"),
            ("MAINTENANCE", ["yes", "hourly"], "0 or 1"),
            (
                "DATABASE_URL",
                [
                    "taskward.db",
                    "mysql://host/db",
                    "sqlite://",
                    "sqlite:///:memory:",
                    "sqlite:///relative.db",
                    "postgresql://host:port/db",
                    "://",
                ],
                "postgresql://",
            ),
            (
                "PUBLIC_URL",
                [
                    "tasks.example.org",
                    "ftp://tasks.example.org",
                    "https://",
                    "https://tasks.example.org/app",
                    "https://tasks.example.org?a=b",
                    "https://tasks.example.org#top",
                    "https://me@tasks.example.org",
                    "https://tasks.example.org:99999",
                    "https://tasks.example.org:port",
                    "https://[::1",
                    "https://tasks example.org",
                    "javascript://tasks.example.org",
                ],
                "https://tasks.example.org",
            ),
        )
        for value in values
    ),
]


@in_turn(("name", "value", "accepts"), REFUSED)
def test_a_bad_value_is_refused_by_name_and_with_what_is_accepted(
    load: Any, name: str, value: str, accepts: str
) -> None:
    with pytest.raises(config.ConfigError) as refused:
        load(**{name: value})
    assert str(refused.value).startswith(f"{name}: ")
    assert accepts in str(refused.value)
    assert "\n" not in str(refused.value)


def test_workers_share_the_cores_on_which_passwords_are_hashed(load: Any) -> None:
    assert [load(WEB_CONCURRENCY=number)["HASHES_AT_ONCE"] for number in ("1", "64")] == [config.cores(), 1]


@pytest.mark.parametrize(("name", "value"), [("PORT", "0"), ("THREADS", "0"), ("WEB_CONCURRENCY", "65")])
def test_the_server_refuses_its_own_variables_too(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=f"^{name}: accepts"):
        config.server({name: value})


@in_turn(
    ("name", "setting", "value", "expected"),
    [
        ("REFRESH_GRACE", "REFRESH_GRACE", "0", timedelta(0)),
        ("TRASH_KEEP_DAYS", "TRASH_KEPT", "1", timedelta(days=1)),
        ("EVENTS_KEEP_DAYS", "EVENTS_KEPT", "0", None),
        ("MAINTENANCE", "MAINTENANCE", "0", False),
        ("ACCESS_TOKEN_TTL", "ACCESS_TOKEN_TTL", "60", timedelta(minutes=1)),
        ("REFRESH_IDLE_DAYS", "REFRESH_IDLE", "365", timedelta(days=365)),
        ("REGISTRATION_OPEN", "REGISTRATION_OPEN", "0", False),
        ("OAUTH_PASSWORD_GRANT", "OAUTH_PASSWORD_GRANT", "1", True),
        ("LOG_LEVEL", "LOG_LEVEL", "error", "error"),
        ("METRICS_TOKEN", "METRICS_TOKEN", "", None),
        ("METRICS_BIND", "METRICS_BIND", "[::1]:9100", "[::1]:9100"),
        ("THREADS", "DATABASE_POOL_SIZE", "13", 13),
        ("PROXY_HOPS", "PROXY_HOPS", "", 0),
        ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "sqlite:////srv/t.db", "sqlite:////srv/t.db"),
        (
            "DATABASE_URL",
            "SQLALCHEMY_DATABASE_URI",
            "postgres://me:p%40ss@db:5433/tasks?sslmode=require",
            "postgresql+psycopg2://me:p%40ss@db:5433/tasks?sslmode=require",
        ),
    ],
)
def test_a_good_value_is_taken(load: Any, name: str, setting: str, value: str, expected: object) -> None:
    assert load(**{name: value})[setting] == expected


@pytest.mark.parametrize(
    ("given", "public"),
    [
        ("https://tasks.example.org/", "https://tasks.example.org"),
        ("HTTPS://Tasks.Example.org", "https://tasks.example.org"),
        ("https://tasks.example.org:8443", "https://tasks.example.org:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://tasks.example.org\n", "https://tasks.example.org"),
    ],
)
def test_an_https_address_makes_cookies_secure_and_names_them_so(load: Any, given: str, public: str) -> None:
    settings = load(PUBLIC_URL=given)
    assert (settings["PUBLIC_URL"], settings["JWT_ENCODE_ISSUER"], settings["HTTPS"]) == (public, public, True)
    assert settings["SESSION_COOKIE_SECURE"] is True
    for name in ("SESSION_COOKIE_NAME", "ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME"):
        assert settings[name].startswith("__Host-taskward_")


def test_over_plain_http_cookies_are_not_marked_secure(load: Any) -> None:
    settings = load(PUBLIC_URL="http://tasks.example.org")
    assert (settings["HTTPS"], settings["SESSION_COOKIE_SECURE"]) == (False, False)
    assert not settings["ACCESS_COOKIE_NAME"].startswith("__")


@pytest.mark.parametrize(
    ("variables", "bind", "public"),
    [
        ({"HOST": "0.0.0.0", "PORT": "80"}, "0.0.0.0:80", "http://127.0.0.1:80"),  # noqa: S104
        ({"HOST": "::"}, "[::]:8000", "http://127.0.0.1:8000"),
        ({"HOST": "::1"}, "[::1]:8000", "http://[::1]:8000"),
        ({"HOST": "tasks.local", "PORT": "9000"}, "tasks.local:9000", "http://tasks.local:9000"),
    ],
)
def test_the_address_to_listen_on_is_the_public_one_unless_said_otherwise(
    load: Any, variables: dict[str, str], bind: str, public: str
) -> None:
    assert config.server(variables)["bind"] == bind
    assert load(**variables)["PUBLIC_URL"] == public


class Recorder(Mapping[str, str]):
    """An environment that notes what is asked of it."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values_, self.asked = values, set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_the_readme_lists_every_variable(tmp_path: Path) -> None:
    environment = Recorder({"INSTANCE_PATH": str(tmp_path)})
    config.load(environment)
    config.server(environment)
    assert len(environment.asked) > 15
    first_cells = re.findall(r"^\|([^|]*)\|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(first_cells)))
    assert environment.asked - listed == set()
