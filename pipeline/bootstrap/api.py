"""The real places behind the HTTP API: one connection to Cassandra and one to Kafka for all requests."""

import threading
from collections.abc import Callable
from dataclasses import replace

from actors.bridges.secrets import secret
from pipeline.bootstrap.desks import open_office
from pipeline.bootstrap.policies import policies_of
from pipeline.console.api.app import build_app
from pipeline.console.api.counter import Counter
from pipeline.console.api.serve import serve
from pipeline.console.recently import recently
from pipeline.settings import Settings

COUNTED_FOR_MS = 2_000
"""How long a count of the actor workers holds, in milliseconds."""


def run_api(settings: Settings, stop: threading.Event, ready: Callable[[str], None]) -> None:
    """Serve the API until `stop` is set; `ready` is called with its address."""
    console = settings.console
    token = secret(console.token, console.token_file, "the token of the HTTP API")
    policies = policies_of(settings)
    with open_office(settings) as office:
        desk = replace(office.desk, actors=recently(office.desk.actors, office.desk.clock, COUNTED_FOR_MS))
        counter = Counter(desk, office.stores.scores, policies, console.wait_s, token)
        serve(build_app(counter), console.port, stop, ready)
