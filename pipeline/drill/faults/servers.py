"""Servers that come and go: a broker bounced, all restarted one by one, Cassandra away for a while, Cassandra slow."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pipeline.drill.faults.stops import held
from pipeline.drill.rig import LOOK_S, Rig, SkipFaultError, kill, pid_of, running, until

BOUNCES: Final = 5
SLOW_S: Final = 0.5


def bounce_broker(rig: Rig) -> str:
    """End the leading broker five times, by turns cleanly and by kill -9, and start it again at once."""
    for number in range(BOUNCES):
        name = rig.leader()
        pid = pid_of(rig, name)
        if number % 2:
            kill(pid)
        else:
            os.kill(pid, signal.SIGTERM)
        until(lambda name=name, pid=pid: running(rig).get(name) != pid, f"{name} to end")  # type: ignore[misc]
        rig.restart_servers()
    return f"the leading broker was bounced {BOUNCES} times"


def restart(rig: Rig) -> str:
    """Restart all servers as an operator does, one by one, and tell how long the oldest event had to wait meanwhile."""
    names, longest_s = sorted(rig.servers()), 0.0
    with ThreadPoolExecutor(1) as pool:
        rolling = pool.submit(rig.roll_servers)
        while not rolling.done():
            longest_s = max(longest_s, rig.oldest_s())
            time.sleep(LOOK_S)
    rolling.result()
    return f"{', '.join(names)} were restarted one by one; no event waited for more than {longest_s:.1f} s meanwhile"


def cassandra_away(rig: Rig) -> str:
    """Hold all Cassandra nodes for `away_s`, so that nobody starts them again."""
    names = [name for name in rig.servers() if name.startswith("cassandra")]
    held(names, rig, rig.spans.away_s)
    return f"{', '.join(names)} did not answer for {rig.spans.away_s:.0f} s"


def cassandra_slow(rig: Rig) -> str:
    """Let every answer of Cassandra come half a second later."""
    if rig.proxy is None:
        raise SkipFaultError("with three nodes the driver finds them behind any proxy")
    rig.proxy.delay_s = SLOW_S
    try:
        time.sleep(rig.spans.steady_s)
    finally:
        rig.proxy.delay_s = 0.0
    return f"answers of Cassandra came {SLOW_S * 1_000:.0f} ms later for {rig.spans.steady_s:.0f} s"
