"""`drill`: faults under load, and what the oracle says of them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.given import given_of, say
from pipeline.errors import FailCheckError


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(drill)


def drill(
    context: typer.Context,
    *,
    faults: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Only these faults; all if left out.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each fault comes, each time differently.")] = 3,
    first_seed: Annotated[
        int, typer.Option(min=1, help="The first of these seeds; later ones go on with an earlier drill.")
    ] = 1,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Begin no trial after so many minutes.")
    ] = None,
    nodes: Annotated[int, typer.Option(help="Servers of each kind: 1 or 3.")] = 1,
    rate: Annotated[float, typer.Option(min=1, help="Events per second, labels included.")] = 100.0,
    stop_s: Annotated[
        float, typer.Option(min=1, help="How long a stopped process is stopped, seconds.")
    ] = 30.0,
    away_s: Annotated[float, typer.Option(min=1, help="How long Cassandra is away, seconds.")] = 120.0,
    burst_s: Annotated[float, typer.Option(min=1, help="How long ten times the rate lasts, seconds.")] = 30.0,
    state_dir: Annotated[
        Path, typer.Option(help="For everything that is written; deleted before and afterwards.")
    ] = Path(".fastdata/drill"),
    keep: Annotated[bool, typer.Option("--keep", help="Keep that directory, to look around.")] = False,
    into: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything, every id, to a file.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the faults, and do nothing.")] = False,
) -> None:
    """Prove that nothing is lost, doubled or wrong under faults; exit 1 otherwise.

    Load runs through the whole pipeline on servers of its own. One fault after the other is injected; after each
    the load stops until nothing is left to do, and independent ledgers are compared: what the producer has
    acknowledged, scores (each computed again offline), Cassandra's rows, alerts, alarms, commands, their effects.
    """
    from pipeline.drill.faults import FAULTS  # noqa: PLC0415 - only what runs is loaded

    if list_:
        typer.echo("\n".join(FAULTS))
        return
    from pipeline.bootstrap.drill import DrillOptions  # noqa: PLC0415 - only what runs is loaded
    from pipeline.bootstrap.drill import drill as run  # noqa: PLC0415 - only what runs is loaded
    from pipeline.cli.run import tell  # noqa: PLC0415 - only what runs is loaded
    from pipeline.drill import levels, report  # noqa: PLC0415 - only what runs is loaded
    from pipeline.drill.rig import Spans  # noqa: PLC0415 - only what runs is loaded

    asked = tuple(name.strip() for name in faults.split(",")) if faults else ()
    spans = Spans(stop_s, away_s, burst_s)
    options = DrillOptions(
        asked, range(first_seed, first_seed + seeds), minutes, nodes, rate, spans, state_dir, keep
    )
    outcomes, noted = [], list[levels.Level]()
    for outcome in run(given_of(context).origin(), options, tell, noted.append):
        outcomes.append(outcome)
        say("\n".join(report.lines(outcome.fault, [outcome])))
    typer.echo("\n".join((*report.table(outcomes), outcomes[-1].told, "", *levels.table(noted))))
    if into is not None:
        facts = {
            "seeds": seeds,
            "first_seed": first_seed,
            "nodes": nodes,
            "rate": rate,
            "levels": levels.rows(noted),
        }
        into.write_text(json.dumps(report.as_dict(outcomes, facts), indent=1) + "\n", encoding="utf-8")
    if not report.clean(outcomes):
        raise FailCheckError("the drill found something lost, invented, doubled or wrong")
