"""The files of the metrics: a full disk neither ends a process nor fails a request."""

import json

import pytest

pytestmark = pytest.mark.one_database

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
    "LEDGER_SECRET_KEY": "a-secret-key-of-more-than-32-bytes",
    "LEDGER_JWT_SIGNING_KEY": "a-signing-key-of-more-than-32-bytes",
    "LEDGER_ALLOWED_HOSTS": "testserver",
}

# More than fit into the initial size of a file.
MANY = "range(2000)"

GROWING = f"""
import django
django.setup()
from ledger_project.metrics import REFUSALS
for number in {MANY}:
    REFUSALS.labels(f"code_{{number}}").inc()
"""

# The limit on the size of a file stands for the space on the disk. At first there is none at all,
# then enough for the initial size of a file, and then for everything.
WITHOUT_SPACE = f"""
import json, os, resource
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
import django
django.setup()
from django.test import Client
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from ledger_project.metrics import REFUSALS

folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
registry = CollectorRegistry()
MultiProcessCollector(registry)
results = []

def take(label):
    REFUSALS.labels(label).inc()
    samples = [sample for family in registry.collect() for sample in family.samples]
    written = [each for each in samples if each.name == "ledger_refusals_total"]
    results.append([
        Client().get("/healthz").status_code,
        len(os.listdir(folder)),
        {{each.labels["code"]: each.value for each in written if each.labels["code"] == label}},
        len(written),
    ])

take("first")
take("first")
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
take("first")
for number in {MANY}:
    REFUSALS.labels(f"code_{{number}}").inc()
take("late")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
take("late")
print(json.dumps(results))
"""

ONE_COMMAND = ("manage.py", "check")


@pytest.fixture(scope="module")
def run(machine):
    """Return a function that runs Python with files for the metrics in a folder."""

    def run(folder, *command: str):
        done = machine.run(*command, PROMETHEUS_MULTIPROC_DIR=str(folder), **ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_every_byte_of_a_file_has_its_place_on_the_disk(tmp_path, run):
    run(tmp_path, "-c", GROWING)

    files = [each.stat() for each in tmp_path.glob("*.db")]
    assert max(each.st_size for each in files) > 64 * 1024
    assert [each for each in files if each.st_blocks * 512 < each.st_size] == []


def test_without_space_requests_succeed_and_the_totals_are_written_when_there_is_some(
    tmp_path, run
):
    done = run(tmp_path, "-c", WITHOUT_SPACE)

    none, still_none, little, full, enough = json.loads(done.stdout)
    assert (none, still_none) == ([200, 0, {}, 0], [200, 0, {}, 0])
    # One file for counters and one for histograms.
    assert little == [200, 2, {"first": 3}, 1]
    assert full[:3] == [200, 2, {}]
    assert enough == [200, 2, {"late": 2}, full[3] + 1]
    warnings = [json.loads(line) for line in done.stderr.splitlines()]
    said = [each["event"] for each in warnings if each["logger"] == "ledger.metrics"]
    # One for each file that could not be created, and one for the file that could not grow.
    assert [each.rpartition(": ")[2] for each in said] == ["File too large"] * 3


def test_a_command_creates_the_folder(tmp_path, run):
    run(tmp_path / "a" / "b", *ONE_COMMAND)

    assert list((tmp_path / "a" / "b").glob("*.db")) != []


def test_a_command_runs_without_a_folder_that_can_be_created(tmp_path, run):
    (tmp_path / "file").touch()

    done = run(tmp_path / "file" / "folder", *ONE_COMMAND)

    assert "Traceback" not in done.stderr
    assert f"could not write metrics to {tmp_path}/file/folder/" in done.stderr
