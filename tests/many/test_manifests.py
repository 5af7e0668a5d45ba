"""The files that start everything elsewhere: no engine runs them here, so what they say is checked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from smr_engine import __version__
from smr_engine.adapters.shipped import load_schema
from smr_engine.settings import ENVIRONMENT, Dispatch, load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
KNOWN = {variable.name for variable in ENVIRONMENT} | {"SMR_WORKSPACE"}
CONFIG = next(found["data"] for found in KUBERNETES if found["kind"] == "ConfigMap")
PODS = {
    found["metadata"]["name"]: found["spec"]["template"]
    for found in KUBERNETES
    if found["kind"] in {"Deployment", "StatefulSet"}
}
CONTAINERS = [container for pod in PODS.values() for container in pod["spec"]["containers"]]


def variables() -> Iterator[tuple[str, str, Any]]:
    """Yield where each environment variable stands, its name, and what it is set to."""
    for name, service in COMPOSE["services"].items():
        for variable, value in service["environment"].items():
            yield f"compose {name}", variable, value
    for variable, value in CONFIG.items():
        yield "kubernetes", variable, value
    for container in CONTAINERS:
        for entry in container.get("env", []):
            yield f"kubernetes {container['name']}", entry["name"], entry.get("value", entry)


def images() -> list[str]:
    services = [service["image"] for service in COMPOSE["services"].values()]
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    return [*services, *bases, *(container["image"] for container in CONTAINERS)]


def test_every_variable_of_ours_is_a_known_setting():
    unknown = [(where, name) for where, name, _ in variables() if name.startswith("SMR_")]
    assert unknown
    assert [found for found in unknown if found[1] not in KNOWN] == []
    text = (DEPLOY / "compose.yaml").read_text() + (DEPLOY / "kubernetes.yaml").read_text()
    assert set(re.findall(r"\bSMR_[A-Z_]+", text)) <= KNOWN


@pytest.mark.parametrize("given", [COMPOSE["services"]["worker"]["environment"], CONFIG])
def test_conductors_and_workers_get_settings_that_are_right_and_go_together(given, tmp_path):
    (tmp_path / "smr.yaml").write_text("")
    settings = load_settings(tmp_path, given, load_schema("settings"))
    assert settings.dispatcher is Dispatch.WORK_POOL
    assert settings.prefect_api_url == given["PREFECT_API_URL"]
    assert settings.database_url == "postgresql+psycopg://smr@postgres/smr"
    commands = [COMPOSE["services"]["worker"]["command"], CONTAINERS[-1]["command"]]
    for command in commands:
        assert command[: command.index("--pool") + 2][-1] == settings.work_pool


def test_every_image_is_pinned_and_ours_is_of_this_version():
    for image in images():
        name, _, tag = image.rpartition(":")
        assert re.match(r"\d+\.\d+", tag), image
        if name == "smr-engine":
            assert tag == __version__


def test_secrets_are_named_and_stand_nowhere():
    for where, name, value in variables():
        if "PASSWORD" in name:
            given = value["valueFrom"]["secretKeyRef"]["name"] if isinstance(value, dict) else value
            assert re.fullmatch(r"smr-passwords|\$\{[A-Z_]+:\?[^}]+\}", given), (where, name)
        else:
            assert not re.search(r"://[^/@\s]+:[^/@\s]+@", str(value)), (where, name)


def test_what_the_manifest_refers_to_is_there():
    named = {(found["kind"], found["metadata"]["name"]) for found in KUBERNETES}
    assert len(named) == len(KUBERNETES)
    labels = [pod["metadata"]["labels"] for pod in PODS.values()]
    for found in KUBERNETES:
        assert found["apiVersion"]
        assert found["metadata"]["namespace"] == "smr"
        if found["kind"] == "Service":
            assert any(found["spec"]["selector"].items() <= has.items() for has in labels)
    for pod in PODS.values():
        for volume in pod["spec"].get("volumes", []):
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in named
        for container in pod["spec"]["containers"]:
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in named
    assert CONFIG["SMR_PREFECT_API_URL"] == "http://prefect:4200/api"
    assert ("Service", "prefect") in named


def test_prefect_s_server_is_published_to_nobody():
    assert "ports" not in COMPOSE["services"]["prefect"]
    policy = next(found for found in KUBERNETES if found["kind"] == "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == PODS["prefect"]["metadata"]["labels"]
    (rule,) = policy["spec"]["ingress"]
    wanted = rule["from"][0]["podSelector"]["matchLabels"].items()
    assert {name for name, pod in PODS.items() if wanted <= pod["metadata"]["labels"].items()} == {
        "conductor",
        "web",
        "worker",
    }


@pytest.mark.parametrize("given", [COMPOSE["services"]["web"]["environment"], CONFIG])
def test_the_pages_are_served_where_people_and_probes_look(given, tmp_path):
    (tmp_path / "smr.yaml").write_text("")
    settings = load_settings(tmp_path, given, load_schema("settings"))
    assert settings.public_url
    (pages,) = PODS["web"]["spec"]["containers"]
    assert pages["command"] == COMPOSE["services"]["web"]["command"] == ["smr", "web"]
    assert {"name": "SMR_WEB_HOST", "value": "0.0.0.0"} in pages["env"]
    assert COMPOSE["services"]["web"]["environment"]["SMR_WEB_HOST"] == "0.0.0.0"
    (published,) = COMPOSE["services"]["web"]["ports"]
    assert published == f"127.0.0.1:{settings.web.port}:{settings.web.port}"
    service = next(
        f for f in KUBERNETES if f["metadata"]["name"] == "web" and f["kind"] == "Service"
    )
    assert service["spec"]["ports"][0]["targetPort"] == settings.web.port
    known = json.loads((ROOT / "schemas/openapi.json").read_text("utf-8"))["paths"]
    for probe in (pages["readinessProbe"], pages["livenessProbe"]):
        assert probe["httpGet"]["port"] == settings.web.port
        assert probe["httpGet"]["path"] in known


def test_the_image_holds_all_that_the_package_is_built_from(tmp_path):
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    for line in (line for line in lines if line.startswith("COPY ")):
        *sources, _ = line.split()[1:]
        for source in sources:
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, tmp_path / source)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {"flows/run_leg.py", "smr_engine/_data/playbooks/crisis-response.yaml"} <= held


def test_prefect_gets_a_database_of_its_own_and_no_way_into_the_cases(postgres_url):
    name, _, host = postgres_url.rpartition("/smr_")[2].partition("?host=")
    where = {"host": host, "user": "smr", "dbname": f"smr_{name}"}
    with psycopg.connect(**where, autocommit=True) as connection:
        (programs,) = connection.execute(
            "SELECT setting FROM pg_config WHERE name = 'BINDIR'"
        ).fetchone()
        given = {"PREFECT_PASSWORD": "o'ne", "POSTGRES_USER": "smr", "PGHOST": host}
        path = f"{programs}:{os.environ['PATH']}"
        environ = {**os.environ, **given, "POSTGRES_DB": where["dbname"], "PATH": path}
        try:
            command = ["sh", DEPLOY / "prefect-database.sh"]
            subprocess.run(command, env=environ, check=True, capture_output=True)
            with psycopg.connect(host=host, user="prefect", dbname="prefect", password="o'ne"):
                pass
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(host=host, user="prefect", dbname=where["dbname"])
        finally:
            connection.execute("DROP DATABASE IF EXISTS prefect")
            connection.execute("DROP ROLE IF EXISTS prefect")
