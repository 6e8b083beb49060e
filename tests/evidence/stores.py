"""MLflow elsewhere, on loopback: a PostgreSQL cluster, an S3-compatible store, a tracking server with basic auth."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BUCKET = "audits"
PASSWORD = "staple battery horse"
ADMIN = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "correct horse battery"}
S3 = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
AUTH = """\
[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = {MLFLOW_TRACKING_USERNAME}
admin_password = {MLFLOW_TRACKING_PASSWORD}
auth_cache_ttl_seconds = 600
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


def postgres_tools() -> Path | None:
    """The folder of Debian's ``initdb``, or that of another one on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    known = shutil.which("initdb")
    return found[-1].parent if found else Path(known).parent if known else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as 'nobody'."""
    return pwd.getpwnam("nobody").pw_name if os.getuid() == 0 else None


@contextmanager
def postgres(tools: Path) -> Iterator[str]:
    """A cluster of its own in a temporary folder; yields MLflow's address of its database, without the password."""
    with TemporaryDirectory(prefix="cluster-") as place:
        yield from _cluster(Path(place), tools, free_port(), _unprivileged())


def _cluster(folder: Path, tools: Path, port: int, user: str | None) -> Iterator[str]:
    if user:
        shutil.chown(folder, user)
    (folder / "password").write_text(f"{PASSWORD}\n")
    cluster = folder / "cluster"

    def run(*words: object) -> None:
        done = subprocess.run([*map(str, words)], user=user, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    run(tools / "initdb", "-D", cluster, "-U", "auditor", "--auth=scram-sha-256", f"--pwfile={folder}/password",
        "--no-sync", "-E", "UTF8", "--locale=C")  # fmt: skip
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run(tools / "pg_ctl", "-D", cluster, "-l", folder / "log", "-w", "-o", settings, "start")
    try:
        yield f"postgresql://auditor@127.0.0.1:{port}/postgres"
    finally:
        run(tools / "pg_ctl", "-D", cluster, "-m", "immediate", "stop")


@contextmanager
def object_store() -> Iterator[str]:
    """moto's server with one bucket; yields its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    address = f"http://127.0.0.1:{port}"
    boto3.client("s3", endpoint_url=address, **_keys()).create_bucket(Bucket=BUCKET)
    try:
        yield address
    finally:
        server.stop()


def _keys() -> dict[str, str]:
    return {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}


@contextmanager
def tracking_server(folder: Path, database: Path, artifacts: str, environment: Mapping[str, str]) -> Iterator[str]:
    """``mlflow server --app-name basic-auth`` over ``database``, serving artifacts; yields its address."""
    config, port = folder / "auth.ini", free_port()
    config.write_text(AUTH.format(folder=folder, **ADMIN))
    known = {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": "tested",
             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # fmt: skip
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--host", "127.0.0.1", "--port",
               str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination",
               artifacts]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment, **known}, process_group=0
        )
    try:
        _wait(child, port, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(child.pid, 9)  # nothing of it is kept, and its own way out takes seconds
        child.wait()


def _wait(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert child.poll() is None, log.read_text()[-3000:]
        with socket.socket() as attempt:
            attempt.settimeout(1)
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])
