"""A real Envoy for a test: started from what `render` gives, with keys of its own, and asked over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from threed.local.envoy import program
from threed.local.gateway import Gateway, render
from threed.local.gateway.configuration import FILES
from threed.local.ports import answers, free_ports


class Signer:
    """A key, its published half, and tokens."""

    def __init__(self, kid: str = "one"):
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict:
        return ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True) | {"kid": self.kid, "alg": "ES256", "use": "sig"}

    def publish(self, path: Path) -> Path:
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({"keys": [self.jwk]}))
        return draft.replace(path)

    def token(self, **changes: object) -> str:
        """A good token; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {"iss": "threed", "aud": "threed-api", "sub": "ada", "project": "p", "role": "editor"}
        claims |= {"iat": now, "exp": now + 600} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.kid})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of the one ErrorInfo that every error has."""
        infos = [each for each in self.json["details"] if each["@type"].endswith("/google.rpc.ErrorInfo")]
        assert len(infos) == 1, f"want exactly one ErrorInfo, got {self.json}"
        assert infos[0]["domain"] == "threed.dev"
        return infos[0]["reason"]

    @property
    def violations(self) -> list[dict]:
        return [v for each in self.json["details"] for v in each.get("fieldViolations", [])]


@dataclass
class Door:
    """A running gateway. `pid` is Envoy's own."""

    gateway: Gateway
    signer: Signer
    folder: Path
    process: subprocess.Popen

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.gateway.port}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.signer.token()}"}

    def call(
        self, method: str, path: str, body: object = None, token: bool = True, port: int = 0, **headers: str
    ) -> Answer:
        """One HTTP/1.1 call, to this door or another port. A dict goes as JSON; names of headers take `_` for `-`."""
        sent = (self.bearer if token else {}) | {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body, sent = json.dumps(body), {"content-type": "application/json"} | sent
        connection = http.client.HTTPConnection("127.0.0.1", port or self.gateway.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def curl(self, *arguments: str, tls: bool = False) -> str:
        """What curl prints for a path (the last argument) with a good token."""
        *options, path = arguments
        url = f"https://localhost:{self.gateway.tls_port}{path}" if tls else f"http://{self.address}{path}"
        authorization = f"authorization: {self.bearer['authorization']}"
        command = ["curl", "-sS", "--max-time", "60", "-H", authorization, *options, url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def peak_memory(self) -> int:
        """High water of Envoy's resident memory, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))

    def log(self) -> list[dict]:
        """The access log. Envoy writes it when it ends, so the gateway is stopped first."""
        stop(self.process)
        return [json.loads(line) for line in (self.folder / "access.log").read_text().splitlines()]


@contextlib.contextmanager
def opened(
    folder: Path,
    grpc: tuple[str, ...],
    ports: list[int] | None = None,
    files: Path = FILES,
    health: int = 200,
    **settings: object,
) -> Iterator[Door]:
    """A gateway before those servers, whose health is `health`. `ports`: plain and TLS; free ones by default."""
    signer = Signer()
    keys = folder / "keys"
    keys.mkdir()
    port, tls_port = ports or free_ports(2)
    defaults = {
        "jwks_file": signer.publish(keys / "jwks.json"),
        "access_log": folder / "access.log",
        "admin_socket": folder / "admin.sock",
    }
    gateway = Gateway(**defaults | {"grpc": grpc, "port": port, "tls_port": tls_port} | settings)
    with started(gateway, folder, files, health) as process:
        yield Door(gateway, signer, folder, process)


@contextlib.contextmanager
def started(gateway: Gateway, folder: Path, files: Path, health: int) -> Iterator[subprocess.Popen]:
    config = folder / "envoy.yaml"
    config.write_text(render(gateway, files))
    command = [program(), "-c", config, "--concurrency", "2", "--disable-hot-restart", "-l", "warn"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not answers(gateway.port, "/healthz", status=health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "envoy.log").read_text())
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)


def validate(gateway: Gateway, folder: Path) -> str:
    """What `envoy --mode validate` warns of; fails with its words when it refuses."""
    config = folder / "validate.yaml"
    config.write_text(render(gateway))
    command = [program(), "--mode", "validate", "-c", config, "-l", "warn"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False
