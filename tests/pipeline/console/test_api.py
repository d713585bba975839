"""The HTTP API on a whole pipeline in memory, asked as programs ask it."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import structlog
from console_api import ANN, Api, Ask, ids, problem

from actors.alarm import Alarm
from models.actions import Command
from models.operations import AlarmAction, CaseAction, CommandAction
from models.orders import Order
from models.policies.policies import BUILT_IN, parse
from pipeline.asking import Desk
from pipeline.console.api import shapes
from pipeline.console.api.app import build_app
from pipeline.console.api.counter import Counter
from pipeline.console.recently import recently
from pipeline.errors import StopProcessError

Pipeline = Any  # tests/pipeline/conftest.py: SmallPipeline


@pytest.fixture
def busy(pipeline: Pipeline) -> Pipeline:
    pipeline.transactions(20)
    pipeline.run()
    return pipeline


@pytest.fixture
def counter(busy: Pipeline) -> Counter:
    operations = (f"o{n}" for n in range(1_000))
    desk = Desk(
        store=busy.entities,
        producer=busy.producer,
        actors=lambda: 1,
        clock=busy.clock,
        new_id=lambda: next(operations),
        pause=busy.settle,
    )
    policies = parse(BUILT_IN.read_text(encoding="utf-8"), "built-in")
    return Counter(desk, busy.scores, policies, wait_s=5)


@pytest.fixture
def ask(counter: Counter) -> Ask:
    def client(**fields: Any) -> Api:
        return Api(build_app(replace(counter, **fields)))

    return client


@pytest.fixture
def api(ask: Ask) -> Api:
    return ask()


def test_an_alarm_is_worked_from_the_list_to_its_end(api: Api, busy: Pipeline) -> None:
    first, second = ids(api, "/alarms", "alarm_id")
    done = api.post(f"/alarms/{first}/acknowledge", json={"why": "seen"}).json()
    assert (done["who"], done["why"], done["verdict"]) == ("ann", "seen", "applied")
    assert (done["before"], done["after"]) == ("active_unacknowledged", "active_acknowledged")
    shelved = api.post(f"/alarms/{second}/shelve", json={"why": "known", "lasts_s": 7_200}).json()
    assert shelved["after"] == "shelved"
    assert ids(api, "/alarms", "alarm_id", state="shelved") == [second]
    severity = api.get(f"/alarms/{first}").json()["alarm"]["severity"]
    assert ids(api, "/alarms", "alarm_id", severity=severity) == [first, second]
    others = [each for each in ("low", "medium", "high", "critical") if each != severity]
    assert ids(api, "/alarms", "alarm_id", severity=others) == []
    told = api.get(f"/alarms/{second}").json()
    assert told["alarm"]["alarm_id"] == second
    assert told["shelf"]["until"] > busy.clock()
    assert told["life"]["alerts"] == 2
    assert [each["action"] for each in told["audit"]] == ["shelve"]
    entity = told["alarm"]["entity"]
    assert ids(api, "/alarms", "alarm_id", entity=entity) == [second]
    assert ids(api, "/alarms", "alarm_id", condition="other") == []
    assert len(ids(api, "/alarms", "alarm_id", limit=1)) == 1


@pytest.mark.parametrize(
    ("path", "body", "action"),
    [
        ("acknowledge", {}, "acknowledge"),
        ("shelve", {"lasts_s": None}, "shelve"),
        ("note", {}, "note"),
        ("out-of-service", {}, "take_out_of_service"),
    ],
)
def test_changes_of_alarms_are_audited(api: Api, path: str, body: dict[str, Any], action: str) -> None:
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    done = api.post(f"/alarms/{alarm_id}/{path}", json={"why": "because", **body})
    assert done.status_code == 200, done.text
    (entry, *_) = api.get("/audit").json()
    assert entry == done.json()
    assert (entry["on"], entry["action"], entry["target"]) == ("alarm", action, alarm_id)
    of_alarm = api.get("/audit", params={"entity": entry["entity"], "target": alarm_id}).json()
    assert of_alarm == [entry]


@pytest.mark.parametrize(
    ("before", "after", "states"),
    [
        ("shelve", "unshelve", "active_unacknowledged"),
        ("out-of-service", "in-service", "active_unacknowledged"),
    ],
)
def test_what_is_set_aside_is_taken_back(api: Api, before: str, after: str, states: str) -> None:
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    body = {"why": "x", **({"lasts_s": 60} if before == "shelve" else {})}
    assert api.post(f"/alarms/{alarm_id}/{before}", json=body).status_code == 200
    assert api.post(f"/alarms/{alarm_id}/{after}", json={"why": "x"}).json()["after"] == states


def test_a_refusal_is_a_conflict_that_names_its_reason(api: Api) -> None:
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    api.post(f"/alarms/{alarm_id}/acknowledge", json={"why": "x"})
    told = problem(api.post(f"/alarms/{alarm_id}/acknowledge", json={"why": "x"}), 409)
    assert "it is acknowledged already" in told["detail"]
    assert told["instance"] == f"POST /alarms/{alarm_id}/acknowledge"
    assert problem(api.post(f"/alarms/{alarm_id}/reset", json={"why": "x"}), 409)


def test_a_case_is_worked_from_its_opening_to_its_end(api: Api, busy: Pipeline) -> None:
    entity = api.get("/alarms").json()[0]["entity"]
    opened = api.post("/cases", json={"entity": entity, "why": "odd"}).json()
    case_id = opened["target"]
    assert opened["after"] == "open"
    assert ids(api, "/cases", "case_id", entity=entity) == [case_id]
    taken = api.post("/cases/next").json()
    assert (taken["target"], taken["after"]) == (case_id, "assigned to ann")
    assert problem(api.post("/cases/next"), 404)["detail"] == "no open case waits for anybody"
    assert ids(api, "/cases", "case_id", assignee="ann") == [case_id]
    assert ids(api, "/cases", "case_id", assignee="bob") == []
    assert api.post(f"/cases/{case_id}/release", json={"why": "lunch"}).json()["after"] == "open"
    assert api.post(f"/cases/{case_id}/assign", json={"why": "back"}).json()["after"] == "assigned to ann"
    assert api.post(f"/cases/{case_id}/due", json={"why": "law", "in_s": 60}).status_code == 200
    assert api.post(f"/cases/{case_id}/note", json={"why": "called"}).status_code == 200
    told = api.get(f"/cases/{case_id}").json()
    assert busy.clock() - 60_000 < told["case"]["due_at"] < busy.clock() + 60_000
    assert {piece["kind"] for piece in told["evidence"]} >= {"alarm", "alert"}
    assert [each["action"] for each in told["audit"]] == [
        "open",
        "assign",
        "release",
        "assign",
        "set_due",
        "note",
    ]
    closed = api.post(f"/cases/{case_id}/close", json={"why": "phoned", "outcome": "confirmed"}).json()
    assert closed["after"] == "closed: confirmed"
    assert ids(api, "/cases", "case_id") == []
    assert problem(api.post(f"/cases/{case_id}/assign", json={"why": "x"}), 409)


def test_a_command_is_sent_by_one_approved_by_another_and_undone(ask: Ask, busy: Pipeline) -> None:
    api, bob = ask(), ask()
    bob.headers["X-Operator"] = "bob"
    entity = api.get("/alarms").json()[0]["entity"]
    (first, *_) = api.get("/commands", params={"entity": entity, "status": ["succeeded", "refused"]}).json()
    name = first["command"]["command_id"]
    told = api.get(f"/commands/{name}").json()
    assert told["order"] == first
    assert (first["command"]["kind"], first["command"]["by"]) == ("block_card", "policy")
    assert first["answered_at"]
    assert told["audit"] == []
    assert "already" in problem(api.post(f"/commands/{name}/cancel", json={"why": "x"}), 409)["detail"]
    assert problem(bob.post(f"/commands/{name}/approve", json={"why": "x"}), 409)
    undone = bob.post(f"/commands/{name}/revert", json={"why": "a mistake"})
    if first["status"] == "succeeded":
        assert undone.json()["who"] == "bob"
        kinds = [
            each["command"]["kind"]
            for each in api.get("/commands", params={"status": ["succeeded", "refused"]}).json()
        ]
        assert "unblock_card" in kinds
    else:
        assert problem(undone, 409)


def test_a_command_by_hand_names_its_sender_and_an_alarm_that_there_is(api: Api, busy: Pipeline) -> None:
    (alarm, *_) = api.get("/alarms").json()
    body = {"entity": alarm["entity"], "kind": "block_card", "why": "sure", "alarm_id": alarm["alarm_id"]}
    sent = api.post("/commands", json=body)
    assert sent.status_code == 200, sent.text
    assert api.get(f"/commands/{sent.json()['target']}").json()["order"]["command"]["by"] == "ann"
    refused = problem(api.post("/commands", json={**body, "alarm_id": "a9"}), 409)
    assert "has no alarm a9" in refused["detail"]
    assert problem(api.post("/commands", json={**body, "kind": "explode"}), 422)


def test_who_has_sent_a_destructive_command_does_not_approve_it(ask: Ask) -> None:
    api, bob = ask(), ask()
    bob.headers["X-Operator"] = "bob"
    sent = api.post("/commands", json={"entity": "P0001", "kind": "stop_machine", "why": "smoke"}).json()
    assert sent["after"] == "awaiting_approval"
    approve = f"/commands/{sent['target']}/approve"
    assert "another one has to approve it" in problem(api.post(approve, json={"why": "x"}), 409)["detail"]
    assert bob.post(approve, json={"why": "I see it too"}).json()["verdict"] == "applied"
    told = api.get(f"/commands/{sent['target']}").json()
    assert told["order"]["approvals"] == ["bob"]
    assert [(each["who"], each["verdict"]) for each in told["audit"]] == [
        ("ann", "applied"),
        ("ann", "refused"),
        ("bob", "applied"),
    ]


def test_all_commands_are_stopped_and_let_go_again(api: Api, busy: Pipeline) -> None:
    assert api.get("/commands/stop").json()["stopped"] is False
    assert api.post("/commands/stop-all", json={"why": "drill"}).json()["after"] == "stopped"
    state = api.get("/commands/stop").json()
    assert (state["stopped"], state["who"], state["why"]) == (True, "ann", "drill")
    assert api.post("/commands/resume", json={"why": "over"}).json()["after"] == "running"
    assert [each["action"] for each in api.get("/audit").json()] == ["resume", "stop_all"]
    assert problem(api.post("/commands/stop-all", json={}), 422)


def test_a_change_names_who_and_why_or_is_refused(ask: Ask, busy: Pipeline) -> None:
    api = ask()
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    path = f"/alarms/{alarm_id}/acknowledge"
    assert (
        "X-Operator" in problem(api.post(path, json={"why": "x"}, headers={"X-Operator": " "}), 400)["todo"]
    )
    del api.headers["X-Operator"]
    assert problem(api.post(path, json={"why": "x"}), 400)
    assert problem(api.post("/cases/next"), 400)
    api.headers.update(ANN)
    for body in ({}, {"why": ""}, {"why": "x", "because": "y"}, {"why": 1}):
        assert problem(api.post(path, json=body), 422)
    assert busy.records("operations") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("alarms/{alarm}/shelve", {"why": "x"}),
        ("alarms/{alarm}/shelve", {"why": "x", "lasts_s": 0}),
        ("cases", {"why": "x", "entity": ""}),
        ("cases/c1/due", {"why": "x"}),
        ("cases/c1/due", {"why": "x", "in_s": 1, "due_at": 1}),
        ("cases/c1/close", {"why": "x", "outcome": "perhaps"}),
    ],
)
def test_requests_that_say_too_little_or_too_much_are_refused(
    api: Api, path: str, body: dict[str, Any]
) -> None:
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    assert problem(api.post(f"/{path.format(alarm=alarm_id)}", json=body), 422)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/alarms/a9"),
        ("POST", "/alarms/a9/note"),
        ("GET", "/commands/c9"),
        ("POST", "/commands/c9/cancel"),
        ("GET", "/cases/c9"),
        ("POST", "/cases/c9/note"),
        ("GET", "/nothing"),
    ],
)
def test_what_is_not_there_is_not_found(api: Api, method: str, path: str) -> None:
    assert problem(api.request(method, path, json={"why": "x"} if method == "POST" else None), 404)


def test_methods_and_queries_that_do_not_exist_are_problems_too(api: Api) -> None:
    assert problem(api.request("DELETE", "/alarms"), 405)
    assert "state" in problem(api.get("/alarms", params={"state": "odd"}), 422)["detail"]
    assert problem(api.get("/alarms", params={"limit": 0}), 422)


def test_without_actors_nothing_is_changed_and_the_caller_knows(
    ask: Ask, counter: Counter, busy: Pipeline
) -> None:
    api = ask(desk=replace(counter.desk, actors=lambda: 0))
    (alarm_id, *_) = ids(api, "/alarms", "alarm_id")
    answer = api.post(f"/alarms/{alarm_id}/acknowledge", json={"why": "x"})
    assert "fastdata run" in problem(answer, 503)["todo"]
    assert answer.headers["retry-after"] == "5"
    assert busy.records("operations") == []
    assert api.get("/health").json() == {"status": "no_actors", "actors": 0}


def test_an_error_of_our_own_is_a_problem_without_its_inside(ask: Ask, counter: Counter) -> None:
    def broken() -> int:
        raise ZeroDivisionError("secret")

    with structlog.testing.capture_logs() as logs:
        told = problem(ask(desk=replace(counter.desk, actors=broken)).get("/health"), 500)
    assert "secret" not in str(told)
    assert [log["path"] for log in logs] == ["/health"]

    def stopped() -> int:
        raise StopProcessError("it is over")

    with structlog.testing.capture_logs():
        assert problem(ask(desk=replace(counter.desk, actors=stopped)).get("/health"), 500)


def test_a_token_is_asked_for_when_there_is_one(ask: Ask) -> None:
    api = ask(token="s3cret")
    for header in (
        {},
        {"Authorization": "s3cret"},
        {"Authorization": "Bearer other"},
        {"Authorization": "Basic s3cret"},
    ):
        answer = api.get("/alarms", headers=header)
        assert problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert api.get("/alarms", headers={"Authorization": "bearer s3cret"}).status_code == 200


def test_a_request_under_another_host_s_name_is_refused(api: Api) -> None:
    assert api.get("/alarms", headers={"Host": "evil.example"}).status_code == 400


def test_the_policies_are_shown(api: Api) -> None:
    assert any(each["command"] == "block_card" for each in api.get("/policies").json()["commands"])


def test_the_description_names_every_change_its_fields_and_its_problems(api: Api) -> None:
    told = api.get("/openapi.json").json()
    assert told["components"]["schemas"]["Problem"]["required"]
    assert {"AlarmRow", "AlarmStory", "CaseRow", "CaseStory", "Entry"} <= set(told["components"]["schemas"])
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"]
            assert operation["responses"]["503"]["content"].keys() == {"application/problem+json"}
            if method == "post":
                names = {each["name"] for each in operation["parameters"]}
                assert "x-operator" in names, path
                assert "409" in operation["responses"]
    posts = {path.rpartition("/")[2] for path, has in told["paths"].items() if "post" in has}
    renamed = {
        "take_out_of_service": "out-of-service",
        "put_in_service": "in-service",
        "set_due": "due",
        "stop_all": "stop-all",
    }
    wanted = {
        renamed.get(action, action)
        for action in (*get_args(AlarmAction), *get_args(CommandAction), *get_args(CaseAction))
    }
    assert wanted - {"open", "send"} <= posts


def test_everything_that_is_told_of_lives_and_commands_is_there() -> None:
    assert set(shapes.Life.model_fields) <= set(Alarm.__struct_fields__)
    assert set(shapes.CommandBody.model_fields) == set(Command.__struct_fields__)
    assert set(shapes.Order.model_fields) <= set(Order.__struct_fields__)


def test_what_was_asked_recently_is_not_asked_again() -> None:
    now, asked = [0], []

    def look() -> int:
        asked.append(now[0])
        return len(asked)

    answer = recently(look, lambda: now[0], 100)
    seen = []
    for at in (0, 50, 99, 100, 150, 250):
        now[0] = at
        seen.append(answer())
    assert seen == [1, 1, 1, 2, 2, 3]
