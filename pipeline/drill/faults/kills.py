"""kill -9 of a part or a server: once, again as soon as it is back, and amid a surge of events."""

from typing import Final

import psutil

from pipeline.drill.rig import Rig, SkipFaultError, await_end, kill, pid_of, running, until

SURGE: Final = 5.0
SURGE_S: Final = 3.0


def once(what: str, rig: Rig) -> str:
    """Kill it."""
    name = name_of(what, rig)
    victim = victim_of(name, rig)
    program = victim.name()
    kill(victim.pid)
    return f"killed {name} ({program})"


def twice(what: str, rig: Rig) -> str:
    """Kill it, and kill what takes its place within the seconds of its start."""
    name = name_of(what, rig)
    first = pid_of(rig, name)
    kill(first)
    until(lambda: running(rig).get(name, first) != first, f"{name} to be started again")
    late_s = rig.rng.uniform(0, 4)
    await_end([pid_of(rig, name)], late_s)
    second = pid_of(rig, name)
    kill(second)
    return f"killed {name}, and again {late_s:.1f} s after its start"


def mid_batch(what: str, rig: Rig) -> str:
    """Kill it in the middle of a surge, when batches are full."""
    name = name_of(what, rig)
    with rig.load.turned(rate=rig.load.knobs.rate * SURGE):
        moment = rig.rng.uniform(0.2, 1.0) * SURGE_S
        await_end([pid_of(rig, name)], moment)
        kill(victim_of(name, rig).pid)
    return f"killed {name} {moment:.1f} s into a surge of {SURGE:.0f} times the rate"


def name_of(what: str, rig: Rig) -> str:
    """Return the process that plays a role now."""
    if what == "broker":
        return rig.leader()
    if what == "cassandra":
        return f"cassandra-{rig.rng.randint(1, rig.nodes)}"
    if what != "controller":
        return what
    if rig.nodes == 1:
        raise SkipFaultError("with one node the broker is the controller")
    return rig.controller()


def victim_of(name: str, rig: Rig) -> psutil.Process:
    """Return what to kill: of the query either its Python process or its Java."""
    process = psutil.Process(pid_of(rig, name))
    if name != "query":
        return process
    return rig.rng.choice([process, *process.children()])
