"""Which part of the application may know which other: the ranks, and what each of them must do without."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RANKS = {"extensions": 0, "database": 0, "prepared": 0, "signals": 0, "sqlite": 0, "models": 1, "services": 2, "web": 3}
RANKS |= {"auth": 4, "tasks": 4, "ops": 4, "cli": 4, "__init__": 5}
ROUTES = {"auth", "tasks", "ops"}
SQL, DATABASE = (
    {"sqlalchemy", "flask_sqlalchemy"},
    ("app.database", "app.prepared", "app.extensions.db", "app.extensions.*"),
)
LONGEST_FILE = 250
# A name that says nothing collects whatever has no place.
EMPTY_NAMES = {"utils", "helpers", "manager", "core", "common", "misc"}
# A rule that knows of a request or a response cannot serve both a page and a command.
REQUEST_BOUND = {"request", "session", "g", "abort", "jsonify", "make_response", "redirect", "url_for"}
REQUEST_BOUND |= {"render_template", "*"}


def violations(root: Path) -> list[str]:
    """Return every breach of the rules in the project at ``root``, as ``file: what is wrong``."""
    tables = set(_tables(root / "app" / "models"))
    found = []
    for path in (*root.glob("*.py"), *root.glob("app/**/*.py"), *root.glob("migrations/**/*.py")):
        file = path.relative_to(root)
        found += [f"{file}: {breach}" for breach in _breaches(file, path.read_text(), tables)]
    for path in (*root.glob("app/**/*.py"), *root.glob("tests/**/*.py"), *root.glob("bench/*.py")):
        if (length := len(path.read_text().splitlines())) > LONGEST_FILE:
            found.append(f"{path.relative_to(root)}: {length} lines, more than {LONGEST_FILE}")
    return found


def _breaches(file: Path, source: str, tables: set[str]) -> Iterator[str]:
    tree = ast.parse(source)
    imports = list(_imports(tree))
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}.union(imports)
    if str(file) == "config.py":
        yield from (f"settings import {name}" for name in imports if name.split(".")[0] == "app")
    elif used & {"os.environ", "os.environb", "os.getenv"}:
        yield "reads the environment"
    if file.parts[0] != "app":
        return
    if empty := EMPTY_NAMES.intersection(file.with_suffix("").parts):
        yield f"a name that says nothing: {min(empty)}"
    part = file.with_suffix("").parts[1]
    if part not in RANKS:
        yield f"no rank is known for {part}"
    else:
        yield from (breach for name in imports for breach in _import_breaches(part, name, tables))


def _import_breaches(part: str, name: str, tables: set[str]) -> Iterator[str]:
    package, *rest = name.split(".")
    if package == "":
        yield f"relative import of {name}"
    if package == "app":
        target = rest[0] if rest and rest[0] in RANKS else "__init__"
        if part != target and RANKS[part] <= RANKS[target] > 0:
            yield f"{part} (rank {RANKS[part]}) imports {name} (rank {RANKS[target]})"
    if part == "models" and (package == "config" or package.startswith("flask")):
        yield f"a model imports {name}"
    if part == "services" and package == "flask" and (not rest or rest[0] in REQUEST_BOUND):
        yield f"a service imports {name}"
    table = package == "app" and rest[:1] == ["models"] and rest[-1] in tables
    if part in ROUTES and (table or package in SQL or name.startswith(DATABASE) or name == "app.extensions"):
        yield f"a route module imports {name}"


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything imported anywhere in a file; a relative one starts with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _tables(models: Path) -> Iterator[str]:
    """Yield the names under which a table can be imported: its class's, its module's, the package's."""
    yield from ("models", "*")
    for path in models.glob("*.py"):
        yield path.stem
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any("__tablename__" in ast.unparse(x) for x in node.body):
                yield node.name


PLANTED = {
    "an upward import": ("app/models/x.py", "import app.services.tokens", "(rank 2)"),
    "one inside a function": ("app/web/x.py", "def f():\n    from app.auth import x", "(rank 4)"),
    "one for types only": ("app/web/x.py", "if TYPE_CHECKING:\n    from app import cli", "(rank 4)"),
    "the factory, from below": ("app/cli/x.py", "from app import create_app", "(rank 5)"),
    "two blueprints that meet": ("app/auth/x.py", "from app.tasks import pages", "(rank 4)"),
    "an extension that knows a table": ("app/extensions.py", "from app.models import Task", "(rank 1)"),
    "a relative import": ("app/web/x.py", "from . import errors", "relative"),
    "a part without a rank": ("app/billing/x.py", "", "no rank"),
    "a long file": ("app/web/x.py", "pass\n" * 251, "251 lines"),
    "a long file of tests": ("tests/x.py", "pass\n" * 251, "251 lines"),
    "a module with an empty name": ("app/web/utils.py", "", "says nothing"),
    "a request-bound service": ("app/services/x.py", "from flask import g as context", "a service"),
    "a model that knows flask": ("app/models/x.py", "from flask import current_app", "a model"),
    "a model that knows settings": ("app/models/x.py", "import config", "a model"),
    "a route with a table": ("app/tasks/x.py", "from app.models import Task", "a route"),
    "a route with a module of tables": ("app/tasks/x.py", "from app.models import task", "a route"),
    "a route with the session": ("app/ops/x.py", "from app.extensions import db", "a route"),
    "a route with SQL": ("app/auth/x.py", "from sqlalchemy import select", "a route"),
    "settings from elsewhere": ("app/web/x.py", "import os\nos.environ['A']", "environment"),
    "settings that know the application": ("config.py", "import app", "settings import"),
}
SOUND = {
    "app/models/task.py": "class Task:\n    __tablename__ = 'task'\nclass Priority: ...",
    "app/extensions.py": "import config\nimport app.database",
    "app/services/tasks.py": "from app.models import Task\nfrom flask import current_app",
    "app/tasks/api.py": "from flask import request\nfrom app.models import Priority\nimport app.tasks",
    "app/__init__.py": "from app.tasks import api\nfrom app.auth import api",
    "config.py": "import os\nos.environ['A']",
}


def test_the_application_keeps_to_its_architecture() -> None:
    assert violations(ROOT) == []


def test_the_checker_lets_a_sound_project_through(tmp_path: Path) -> None:
    assert _violations_of(SOUND, tmp_path) == []


@pytest.mark.parametrize(("file", "source", "complaint"), PLANTED.values(), ids=PLANTED)
def test_the_checker_catches(tmp_path: Path, file: str, source: str, complaint: str) -> None:
    assert [complaint in found for found in _violations_of(SOUND | {file: source}, tmp_path)] == [True]


def _violations_of(files: dict[str, str], root: Path) -> list[str]:
    for file, source in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(source)
    return violations(root)
