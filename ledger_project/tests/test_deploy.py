"""The files in deploy/ agree with the code: settings, commands, paths, secrets and ports."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from ledger_project import environment
from ledger_project.tests import compose
from ledger_project.tests.pages import ROOT, column, text

pytestmark = pytest.mark.one_database

DEPLOY = ROOT / "deploy"
COMPOSE = compose.load(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "mini-ledger"}

SETTINGS = {setting.name for setting in environment.env.declared}
OTHERS = {"PROMETHEUS_MULTIPROC_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT"}


def unknown(names: Any) -> list[str]:
    """Return the names that are no variables of the service."""
    return [n for n in names if n.removesuffix("_FILE") not in SETTINGS and n not in OTHERS]


def check_command(words: list[str]) -> None:
    """Check that a command of manage.py exists and has these options."""
    assert words[:2] == ["python", "manage.py"], words
    name = words[2]
    load_command_class(get_commands()[name], name).create_parser("", name).parse_args(words[3:])


# ── Docker Compose ───────────────────────────────────────────────────────────────────────────────


def test_compose_has_only_members_that_it_knows():
    assert {name for name in COMPOSE if not name.startswith("x-")} == {
        *("name", "services", "secrets", "volumes", "networks")
    }
    assert {member for each in SERVICES.values() for member in each} - compose.SERVICE == set()


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined_and_have_only_settings_that_exist(name):
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [path.partition(":")[0] for path in service["tmpfs"]] == ["/tmp"]
    assert unknown(service["environment"]) == []


def test_the_commands_of_our_containers_exist():
    lines = []
    for service in OURS.values():
        words = service.get("command", [])
        lines += words[2].split(" && ") if words[:2] == ["sh", "-c"] else [" ".join(words)]

    for line in filter(None, lines):
        check_command(line.split())


@pytest.mark.parametrize("name", SERVICES)
def test_everything_that_a_container_refers_to_exists(name):
    service = SERVICES[name]
    mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
    used = set(re.findall(r"/run/secrets/(\w+)", str(service)))

    assert [
        each for each in mounted if each.startswith("./") and not (DEPLOY / each).exists()
    ] == []
    assert {each for each in mounted if not each.startswith("./")} <= set(COMPOSE["volumes"])
    assert used <= set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    # Restarts for what runs on, and a health check for what others wait for.
    for other, waits in service.get("depends_on", {}).items():
        ends = "restart" not in SERVICES[other]
        condition = "service_completed_successfully" if ends else "service_healthy"
        assert waits == {"condition": condition}
        assert ends or "test" in SERVICES[other]["healthcheck"]


def test_ports_are_only_open_on_this_machine():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert [
        service["image"] for service in SERVICES.values() if ":latest" in service["image"]
    ] == []


def test_the_script_of_secrets_creates_each_secret_and_git_ignores_them():
    created = {Path(each["file"]).name for each in COMPOSE["secrets"].values()}
    script = text("deploy/secrets.sh")
    loop = re.search(r"for name in ([\w \\\n]+); do", script)[1].replace("\\", "").split()
    roles = re.search(r"for role in ([\w ]+); do", script)[1].split()

    assert {*loop, *(f"{role}_url" for role in roles)} == created == set(COMPOSE["secrets"])
    assert "deploy/secrets/" in text(".gitignore").splitlines()


def test_a_proxy_on_this_machine_is_trusted_by_default():
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]

    assert OURS["ledger"]["environment"]["LEDGER_TRUSTED_PROXIES"] == network["gateway"]


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HARDENED = {
    *("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes"),
    *("PrivateTmp=yes", "PrivateDevices=yes", "CapabilityBoundingSet=", "RestrictNamespaces=yes"),
    *("SystemCallFilter=@system-service", "SystemCallArchitectures=native", "UMask=0077"),
    *("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictSUIDSGID=yes"),
}


def values(unit: Path, key: str) -> list[str]:
    return re.findall(f"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened_and_has_only_settings_that_exist(unit):
    lines = unit.read_text().splitlines()
    credentials = dict(each.split(":") for each in values(unit, "LoadCredential"))
    variables = dict(each.split("=", 1) for each in values(unit, "Environment"))
    files = [value.removeprefix("%d/") for value in variables.values() if value.startswith("%d/")]

    assert HARDENED - set(lines) == set()
    assert unknown(variables) == []
    assert sorted(files) == sorted(credentials)
    assert {str(Path(path).parent) for path in credentials.values()} == {"/etc/ledger"}
    assert values(unit, "EnvironmentFile") == ["/etc/ledger/ledger.env"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_commands_of_a_unit_exist(unit):
    folder = values(unit, "WorkingDirectory")[0]
    python = f"{folder}/.venv/bin/python "

    for command in values(unit, "ExecStart"):
        assert command.startswith(python)
        words = ["python", *command.removeprefix(python).split()]
        if words[1:3] == ["-m", "ledger_project"]:
            assert f"exec .venv/bin/{' '.join(words)}\n" in text("docs/operations.md")
        else:
            check_command(words)
    is_job = values(unit, "Type") == ["oneshot"]
    assert values(unit, "Restart") == ([] if is_job else ["always"])


def test_systemd_accepts_the_units(tmp_path):
    units = [*UNITS, DEPLOY / "systemd" / "ledger-nightly.timer"]
    for unit in units:
        # systemd checks that the program and the folder exist.
        here = unit.read_text().replace("/srv/ledger/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(here.replace("/srv/ledger", str(ROOT)))
    # On machines without systemd, the other tests of this module read the units alone.
    analyze = shutil.which("systemd-analyze") or "true"

    done = subprocess.run(
        [analyze, "verify", "--man=no", *(tmp_path / unit.name for unit in units)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_of_the_units_settings_names_settings_that_exist(machine):
    lines = [line for line in text("deploy/systemd/ledger.env").splitlines() if "=" in line]
    example = dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    assert unknown(example) == []
    assert machine.settings("HTTPS", "SELF_SERVICE_CASH", **example) == {
        "HTTPS": True,
        "SELF_SERVICE_CASH": False,
    }


def test_the_page_about_monitoring_says_what_to_do_about_each_alert():
    [group] = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]

    alerts = [rule["alert"] for rule in group["rules"]]
    assert sorted(column("docs/monitoring.md", "alert")) == sorted(alerts)
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"page", "ticket"}
    assert [rule["alert"] for rule in group["rules"] if not rule["annotations"]["summary"]] == []


def test_an_alert_about_a_missing_metric_is_about_each_ledger():
    [group] = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]

    # `absent()` is false as soon as one ledger has the metric.
    assert [rule["alert"] for rule in group["rules"] if "absent(" in rule["expr"]] == []


def test_no_alert_adds_up_the_ledgers_of_a_service():
    [group] = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]

    # Many requests to one ledger would hide the errors of another.
    sums = [each for rule in group["rules"] for each in re.findall(r"sum.*?\)", rule["expr"])]
    assert sums
    assert [each for each in sums if not re.match(r"sum by \(.*ledger", each)] == []


def test_the_panels_of_the_dashboard_use_the_source_that_is_provisioned():
    [source] = yaml.safe_load(text("deploy/grafana/provisioning/datasources/prometheus.yaml"))[
        "datasources"
    ]
    panels = json.loads(text("deploy/grafana/dashboards/mini-ledger.json"))["panels"]
    [provider] = yaml.safe_load(text("deploy/grafana/provisioning/dashboards/mini-ledger.yaml"))[
        "providers"
    ]

    used = {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"}
    assert used == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted


def test_prometheus_loads_the_rules_and_scrapes_what_compose_runs():
    config = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]
    }

    command = OURS["deliverer"]["command"]
    assert config["rule_files"] == ["alerts.yml"]
    assert targets == {
        "ledger": ["ledger:8000"],
        "ledger-deliverer": [f"deliverer:{command[command.index('--metrics-port') + 1]}"],
    }
    assert "ledger" in OURS["ledger"]["environment"]["LEDGER_ALLOWED_HOSTS"].split(",")
