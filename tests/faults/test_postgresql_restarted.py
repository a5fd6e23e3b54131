"""A PostgreSQL that crashes under load and comes back."""

import time
from contextlib import contextmanager
from pathlib import Path

from tests.databases import control_postgresql, create_database, start_postgresql
from tests.faults.load import Load, account, log
from tests.installations import migrate
from tests.servers import start_server

AWAY = 1.0


def test_a_crash_of_postgresql_is_503_until_it_is_back_and_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    # What is acknowledged has to be in the write-ahead log, as it is by default; the other tests do without.
    postgresql = start_postgresql(synchronous_commit="on", fsync="on", full_page_writes="on")
    env = {"INSTANCE_PATH": str(tmp_path), "RATE_LIMIT": "0", "DATABASE_URL": create_database(postgresql, "taskward")}
    migrate(env)
    with contextmanager(start_server)(env, tmp_path / "log") as server:
        tokens = account(server.url)
        with Load(server.url, tokens["user_id"], tokens["access_token"]) as load:
            load.wait_for(50)
            control_postgresql(postgresql, "stop", mode="immediate")
            time.sleep(AWAY)
            control_postgresql(postgresql, "start")
            back = time.monotonic()
            load.wait_for(1)
            recovered = time.monotonic() - back
            load.wait_for(50)
        assert load.statuses[503]
        assert load.statuses[0] == 0
        log.info("PostgreSQL was back %.2f s when the first write succeeded", recovered)
        load.account("PostgreSQL crashed and restarted")
