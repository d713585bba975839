"""Asking for the permits that commands need over all entities, for a whole batch at once; and whether all are stopped.

A batch costs one conditional write a rule, and none where no policy has such a rule. Permits are taken after the
entities are saved and before their commands go: what is cut off in between is asked for again, and is not counted twice.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Final

from actors.decisions import orders_of, permit, queued, spoken_of_orders, untold
from actors.items import Change
from actors.order_permits import Denied, FleetOf, Rule, denial, freed, rules_of, wanting
from actors.order_release import Rules
from actors.outbox import Publication
from actors.snapshots import Snapshots
from ingest.ports import Clock
from models.orders import Order
from models.policies.policies import Policies
from storage.entities import Snapshot
from storage.permits import Claim, PermitStore

LOOK_MS: Final = 1_000
"""How old the knowledge of a stop may be, in milliseconds."""


class Stops:
    """Whether all commands are stopped, asked once a second at most."""

    def __init__(self, store: PermitStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._asked_at: int | None = None
        self._stopped = False

    def __call__(self) -> bool:
        """Return whether they were when it was asked last."""
        now = self._clock()
        if self._asked_at is None or now >= self._asked_at + LOOK_MS:
            self._stopped = self._store.command_stop().stopped
            self._asked_at = now
        return self._stopped


class Permitting:
    """Takes the permits of a batch and gives back those that count no more; one instance a shard.

    Parameters
    ----------
    fleet_of
        Knows the machine register.
    """

    def __init__(
        self, store: PermitStore, snapshots: Snapshots, policies: Policies, fleet_of: FleetOf, clock: Clock
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._policies = policies
        self._fleet_of = fleet_of
        self._clock = clock
        self._by_key = {policy.key: policy for policy in policies.commands if policy.has_permits}

    def __call__(
        self,
        saved: MutableMapping[str, Snapshot],
        groups: Mapping[str, Sequence[Change]],
        publication: Publication,
    ) -> None:
        """Let go what gets its permits, in the entities that a batch has just saved, and publish it."""
        if not self._by_key:
            return
        self._give_back(saved, groups)
        now = self._clock()
        wanted = [order for snapshot in saved.values() for order in wanting(orders_of(snapshot), now)]
        if not wanted:
            return
        verdicts = self._verdicts(wanted, now)
        rules = Rules(self._policies, now, self._store.command_stop().stopped)
        for entity in dict.fromkeys(order.command.entity for order in wanted):
            before = saved[entity]
            after = self._snapshots.change(entity, lambda current: permit(current, verdicts, rules))
            publication.send([order for order in queued(after) if order.command_id in verdicts])
            if untold(after) != untold(before):
                publication.tell(untold(after))
            saved[entity] = after

    def _verdicts(self, wanted: Iterable[Order], now: int) -> dict[str, Denied | None]:
        verdicts: dict[str, Denied | None] = {}
        left: dict[str, list[Rule]] = {}
        for order in wanted:
            policy = self._by_key.get(order.policy or "")
            needed = [] if policy is None else rules_of(order, policy, now, self._fleet_of)
            if isinstance(needed, Denied):
                verdicts[order.command_id] = needed
            else:
                verdicts[order.command_id] = None
                left[order.command_id] = needed
        while left := {name: rules for name, rules in left.items() if rules}:
            verdicts.update(denied := self._asked({name: rules[0] for name, rules in left.items()}, now))
            left = {name: rules[1:] for name, rules in left.items() if name not in denied}
        return verdicts

    def _asked(self, wanted: Mapping[str, Rule], now: int) -> dict[str, Denied]:
        by_rule: dict[str, list[tuple[str, Rule]]] = {}
        for name, rule in wanted.items():
            by_rule.setdefault(rule.name, []).append((name, rule))
        denied: dict[str, Denied] = {}
        for rule_name, asking in by_rule.items():
            most = min(rule.most for _, rule in asking)
            claims = [Claim(name, rule.until) for name, rule in asking]
            grant = self._store.take_permits(rule_name, most, claims, now)
            denied |= {
                name: denial(rule, grant.free_at, now) for name, rule in asking if name not in grant.granted
            }
        return denied

    def _give_back(self, saved: Mapping[str, Snapshot], groups: Mapping[str, Sequence[Change]]) -> None:
        free: dict[str, list[str]] = {}
        for entity, snapshot in saved.items():
            known = orders_of(snapshot)
            spoken_of = spoken_of_orders(snapshot, groups[entity])
            for rule, command_id in freed(spoken_of, known, self._policies, self._fleet_of):
                free.setdefault(rule, []).append(command_id)
        for rule, command_ids in free.items():
            self._store.give_back_permits(rule, command_ids)
