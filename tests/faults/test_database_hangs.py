"""A PostgreSQL that takes connections and then says nothing, as behind a network that is gone."""

import socket
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from tests.conftest import ONE_DATABASE, MakeApp
from tests.people import Person


@ONE_DATABASE
def test_requests_wait_for_it_together_and_not_one_after_the_other(make_app: MakeApp, alice: Person) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        app = make_app(DATABASE_URL=f"postgresql://taskward@127.0.0.1:{silent.getsockname()[1]}/taskward")
        begun = monotonic()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(app.test_client().get, "/api/me", headers=alice.bearer()) for _ in range(8)]
            answers = [each.result().status_code for each in asked]
    assert set(answers) == {503}
    assert monotonic() - begun < 20  # a connection is given up after 5 seconds
