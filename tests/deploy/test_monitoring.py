"""deploy/prometheus-alerts.yml and deploy/grafana-dashboard.json: valid, about existing metrics, and firing when they should."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask_migrate import upgrade

from tests import packages
from tests.client import Client
from tests.servers import ROOT

ALERTS, DASHBOARD = ROOT / "deploy/prometheus-alerts.yml", ROOT / "deploy/grafana-dashboard.json"
TOKEN = "metrics-token-of-the-tests"
OWN_OF_PROMETHEUS = {"up"}
LABELS_OF_PROMETHEUS = {"job", "instance"}

METRICS = 'confab_request_seconds_count{job="confab",instance="a",method="GET",route="/metrics",status="200"}'


def requests(status: str, values: str, route: str = "/api/rooms", method: str = "GET") -> dict[str, str]:
    """A series of counted requests."""
    labels = f'job="confab",instance="a",method="{method}",route="{route}",status="{status}"'
    return {f"confab_request_seconds_count{{{labels}}}": values}


def pool(values: str) -> dict[str, str]:
    """A pool of twenty connections, of which *values* are in use."""
    labels = '{job="confab",instance="a",pool="write"}'
    return {
        f"confab_database_connections_in_use{labels}": values,
        f"confab_database_connections_most{labels}": "20x60",
    }


def latency(within_a_second: str, slower: str) -> dict[str, str]:
    """Requests that took less than a second, and those that took up to five."""
    labels = 'job="confab",instance="a",method="GET",route="/api/rooms",status="200"'
    return {
        f'confab_request_seconds_bucket{{{labels},le="1.0"}}': within_a_second,
        f'confab_request_seconds_bucket{{{labels},le="5.0"}}': slower,
        f'confab_request_seconds_bucket{{{labels},le="+Inf"}}': slower,
    }


SOCKETS = 'confab_open_sockets{job="confab",instance="a"}'
BUS = 'confab_bus_up{job="confab",instance="a"}'
UP = 'up{job="confab",instance="a"}'

# For each alert: series with which it fires, and series with which it does not. A value for each 30 s; "a+bx60" adds b 60 times.
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "ConfabDown": ({UP: "1x2 0x60"}, {UP: "1x30 0 1x30"}),
    "ConfabNotScraped": ({'up{job="other",instance="a"}': "1x60"}, {UP: "1x60"}),
    "ConfabRestarts": ({METRICS: "5 6 1 2 1 2 1 2 1 2 3+1x60"}, {METRICS: "5 6 7 1 2+1x60"}),
    "ConfabNotReady": (requests("503", "0+1x60", "/api/health/ready"), requests("200", "0+1x60", "/api/health/ready")),
    "ConfabServerErrors": (
        requests("200", "0+98x60") | requests("500", "0+2x60"),
        requests("200", "0+98x60") | requests("507", "0+50x60") | requests("503", "0+9x60", "/api/health/ready"),
    ),
    "ConfabSlow": (latency("0+90x60", "0+100x60"), latency("0+99x60", "0+100x60")),
    "ConfabDatabasePoolExhausted": (pool("19x60"), pool("2x28 20 2x30")),
    "ConfabBusDown": ({BUS: "0x60"}, {BUS: "1x28 0 0 1x30"}),
    "ConfabSocketsNearLimit": ({SOCKETS: "7000x60"}, {SOCKETS: "6000x60"}),
    "ConfabSocketsLost": ({SOCKETS: "1000x12 10x60"}, {SOCKETS: "1000x15 10 900x60"}),
    "ConfabManyRefused": (
        requests("200", "0+2x60") | requests("429", "0+1x60"),
        requests("200", "0+9x60") | requests("429", "0+1x60"),
    ),
    "ConfabPasswordsGuessed": (
        requests("401", "0+60x60", "/api/auth/login", "POST"),
        requests("401", "0+60x60", "/api/rooms") | requests("401", "0+3x60", "/api/auth/login", "POST"),
    ),
}


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


@cache
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> dict[str, str]:
    """All PromQL of alerts and dashboard, by where it is."""
    found = {rule["alert"]: rule["expr"] for rule in alerts()}
    for panel in panels():
        for target in panel.get("targets", ()):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return found


def promtool(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [packages.promtool_binary(), *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def app(make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    path = tmp_path_factory.mktemp("monitoring") / "confab.db"
    app = make_app({"DATABASE_URL": f"sqlite:///{path}", "METRICS_TOKEN": TOKEN})
    with app.app_context():
        upgrade()
    return app


@pytest.fixture(scope="module")
def samples(app: Flask) -> dict[str, set[str]]:
    """The labels of each metric that `/metrics` really has."""
    Client(app).get("/api/health")
    found: dict[str, set[str]] = {}
    for line in Client(app, TOKEN).get("/metrics").get_data(as_text=True).splitlines():
        if not line.startswith("#"):
            name, labels = re.fullmatch(r"([a-z_]+)(?:{(.*)})? \S+", line).groups()  # type: ignore[union-attr]
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels or ""))
    return found


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_each_alert_says_what_happened_and_what_to_do() -> None:
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
        assert len(rule["annotations"]["description"]) > 60, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_each_alert_fires_when_it_should_and_not_otherwise(tmp_path: Path) -> None:
    assert set(CASES) == {rule["alert"] for rule in alerts()}
    tests = [
        {
            "interval": "30s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
                    "eval_time": "17m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                }
            ],
        }
        for alert, cases in CASES.items()
        for fires, series in zip((True, False), cases, strict=True)
    ]
    rules = {"rule_files": [str(ALERTS)], "evaluation_interval": "30s", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(rules))
    done = promtool("test", "rules", "tests.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_and_their_labels_exist(samples: dict[str, set[str]]) -> None:
    assert len(expressions()) > 25
    for place, expression in expressions().items():
        named = set(re.findall(r"\b(?:confab_\w+|up)\b(?!\")", expression)) - OWN_OF_PROMETHEUS
        assert named <= set(samples), (place, named - set(samples))
        known = LABELS_OF_PROMETHEUS.union({"le"} if "_bucket" in expression else (), *(samples[n] for n in named))
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            used |= {label.strip() for label in grouped.split(",")}
        assert used <= known, (place, used - known)


def test_every_metric_is_on_the_dashboard(samples: dict[str, set[str]]) -> None:
    shown = " ".join(target["expr"] for panel in panels() for target in panel.get("targets", ()))
    # The time when a counter was created is of no interest, and the total and count of a histogram are in its buckets.
    metrics = {name for name in samples if not name.endswith(("_created", "_sum", "_bucket", "_count"))}
    assert {name for name in metrics if name not in shown} == set()


def test_routes_that_are_named_exist(app: Flask) -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    for place, expression in expressions().items():
        for operator, pattern in re.findall(r'route(=~|!~|!=|=)"([^"$]*)"', expression):
            options = re.split(r"\|(?![^(]*\))", pattern) if "~" in operator else [re.escape(pattern)]
            for option in options:
                assert any(re.fullmatch(option, route) for route in routes), (place, option)


def test_the_dashboard_can_be_imported() -> None:
    found = dashboard()
    assert found["id"] is None, "Grafana gives it a number"
    assert (found["title"], found["uid"]) == ("Confab", "confab")
    variables = {variable["name"]: variable for variable in found["templating"]["list"]}
    assert set(variables) == {"datasource", "instance"}
    assert variables["datasource"]["query"] == "prometheus"
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"]), panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs), panel["title"]


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_promtool_accepts_the_dashboards_expressions(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{n}", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for n, expression in enumerate(expressions().values())
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", "rules.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
