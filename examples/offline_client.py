#!/usr/bin/env python3
"""A Taskward client that works offline; standard library only.

    TASKWARD_URL=http://127.0.0.1:8000 TASKWARD_EMAIL=… TASKWARD_PASSWORD=… python3 offline_client.py COMMAND

    add TITLE          done ID        title ID TITLE        delete ID        list        sync        find SEARCH

``find 'milk tag:home is:overdue'`` asks the server. All else works on a copy in a file; ``sync`` sends what was done
meanwhile and fetches what others did. It may fail at any point, lose answers, and be repeated: what was sent under an
Idempotency-Key is carried out once. Where another device changed the same task, the fields changed here win, the other
fields are theirs; an edit wins over a deletion.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

#: Method, path below the person's address, body and headers → status and body; raises OSError when offline.
Send = Callable[[str, str, Any, dict[str, str]], tuple[int, Any]]


class Device:
    """The copy on one device, the changes not yet sent, and how far it has read."""

    def __init__(self, file: Path, send: Send) -> None:
        self.file, self.send = file, send
        self.state: dict[str, Any] = {"tasks": {}, "outbox": [], "sending": None, "since": None}
        if file.exists():
            self.state = json.loads(file.read_text())

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """The tasks by id, those in the trash included."""
        return self.state["tasks"]

    def add(self, title: str, **fields: Any) -> str:
        """Add a task under an id of our own, so that it can be spoken of before the server knows it."""
        task = {"title": title, **fields}
        task_id = str(uuid.uuid4())
        self.tasks[task_id] = {"id": task_id, "rev": None, "deleted_at": None, **task}
        self._queue({"op": "put", "id": task_id, "task": task})
        return task_id

    def change(self, task_id: str, **fields: Any) -> None:
        """Change a task's fields."""
        task = self.tasks[task_id]
        task.update(fields)
        for waiting in self.state["outbox"]:
            if waiting["id"] == task_id and waiting["op"] in ("put", "update"):
                waiting["task" if waiting["op"] == "put" else "changes"].update(fields)
                return self._save()
        return self._queue({"op": "update", "id": task_id, "changes": fields, "rev": task["rev"]})

    def delete(self, task_id: str) -> None:
        """Move a task to the trash."""
        task = self.tasks[task_id]
        task["deleted_at"] = "now"
        waiting = [each for each in self.state["outbox"] if each["id"] == task_id]
        self.state["outbox"] = [each for each in self.state["outbox"] if each["id"] != task_id]
        if any(each["op"] == "put" for each in waiting):
            del self.tasks[task_id]  # nobody else has ever seen it
            return self._save()
        return self._queue({"op": "delete", "id": task_id, "rev": task["rev"]})

    def sync(self) -> None:
        """Send what was done here, then fetch what was done elsewhere; raises OSError when offline."""
        while self.state["sending"] or self.state["outbox"]:
            if not self.state["sending"]:
                # Written down before it is sent: after a crash the same request goes out under the same key.
                batch = self.state["outbox"][:100]
                self.state["outbox"] = self.state["outbox"][100:]
                self.state["sending"] = {"key": str(uuid.uuid4()), "operations": batch}
                self._save()
            self._send_batch(self.state["sending"])
        more = True
        while more:
            since = f"?since={self.state['since']}" if self.state["since"] else ""
            status, page = self.send("GET", f"/tasks/changes{since}", None, {})
            if status == 410:  # away for too long: read everything again
                self.tasks.clear()
                self.state["since"], page = None, {"items": [], "next": None, "has_more": True}
            elif status != 200:
                raise OSError(f"the server answered {status}")
            for item in page["items"]:
                if item.get("deleted"):
                    self.tasks.pop(item["id"], None)
                else:
                    self.tasks[item["id"]] = item
            self.state["since"], more = page["next"], page["has_more"]
            self._save()

    def _send_batch(self, batch: dict[str, Any]) -> None:
        operations = batch["operations"]
        status, answer = self.send(
            "POST", "/tasks/batch", {"operations": operations}, {"Idempotency-Key": batch["key"]}
        )
        if status == 200:
            newest = {item["id"]: item["rev"] for item in answer["items"]}
            for waiting in self.state["outbox"]:
                waiting["rev"] = newest.get(waiting["id"], waiting.get("rev"))
            self.state["sending"] = None
        elif "operation" in answer:
            refused = operations[answer["operation"]]
            if status == 412 and answer["current"] and refused["op"] == "update":
                refused["rev"] = answer["current"]["rev"]  # our fields on top of their version
            else:
                operations.remove(refused)  # gone there, or changed there and deleted here
            # Another request now, so another key.
            self.state["sending"] = {"key": str(uuid.uuid4()), "operations": operations} if operations else None
        elif status == 413 and len(operations) > 1:
            half = len(operations) // 2
            self.state["outbox"] = operations[half:] + self.state["outbox"]
            self.state["sending"] = {"key": str(uuid.uuid4()), "operations": operations[:half]}
        else:
            raise OSError(f"the server answered {status}: {answer}")
        self._save()

    def _queue(self, operation: dict[str, Any]) -> None:
        self.state["outbox"].append(operation)
        self._save()

    def _save(self) -> None:
        # A file is replaced as a whole, so that a crash leaves the old one or the new one.
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.state))
        new.replace(self.file)


def server(url: str, email: str, password: str) -> Send:
    """Return how to talk to a Taskward server, signing in when it is first needed."""
    signed_in: dict[str, str] = {}

    def request(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        it = urllib.request.Request(url + path, data, {"Content-Type": "application/json"} | headers, method=method)
        try:
            with urllib.request.urlopen(it, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def send(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if not signed_in:
            status, answer = request("POST", "/api/auth/login", {"email": email, "password": password}, {})
            if status != 200:
                raise OSError(f"cannot sign in: {answer['detail']}")
            signed_in.update(answer)
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        return request(method, f"/api/users/{signed_in['user_id']}{path}", body, headers | bearer)

    return send


def show(tasks: Iterable[dict[str, Any]]) -> None:
    """Print tasks, a line each."""
    for task in tasks:
        print(task["id"], "x" if task.get("completed") else " ", task["title"])


def main(command: str, *words: str) -> None:
    """Run one command."""
    send = server(*(os.environ[f"TASKWARD_{name}"] for name in ("URL", "EMAIL", "PASSWORD")))
    device = Device(Path(os.environ.get("TASKWARD_FILE", "taskward.json")), send)
    match command, words:
        case "add", [title]:
            print(device.add(title))
        case "done", [task_id]:
            device.change(task_id, completed=True)
        case "title", [task_id, title]:
            device.change(task_id, title=title)
        case "delete", [task_id]:
            device.delete(task_id)
        case "sync", []:
            device.sync()
        case "list", []:
            show(task for task in device.tasks.values() if not task["deleted_at"])
        case "find", [search]:
            status, answer = send("GET", f"/tasks?{urllib.parse.urlencode({'q': search, 'limit': 200})}", None, {})
            if status != 200:
                sys.exit(answer["detail"])
            show(answer["items"])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["help"])
