"""Writes everything that is generated from the contract: `python protos/generate.py [--into DIR] [LANGUAGE ...]`.

Languages: python (server messages and stubs), client (betterproto2), descriptors (what Envoy reads), go, typescript,
openapi. Without names, all of them. Go needs protoc-gen-go, protoc-gen-go-grpc and protoc-gen-openapi on PATH
(`make tools`); TypeScript needs `npm ci` in clients/typescript. The output is committed, and a test compares.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
CONTRACT = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "threed").rglob("*.proto"))
VALIDATE = "buf/validate/validate.proto"
# Envoy prints the details of errors only when their messages are in its descriptor set.
DETAILS = "google/rpc/error_details.proto"


def protoc(*arguments: str) -> None:
    """Run the protoc of grpcio-tools, with the venv's programs on PATH."""
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(ROOT / ".tools/bin"), str(ROOT / "clients/typescript/node_modules/.bin")]
    )
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *arguments]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)


def emptied(folder: Path) -> Path:
    """The folder, new and empty: files of messages that are gone must not stay."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def python(into: Path) -> None:
    """Messages for the server. protovalidate ships no module for google's runtime, so its options are generated too."""
    server = into / "server"
    package = emptied(server / "threed/v1")
    emptied(server / "buf/validate")
    protoc(f"--python_out={server}", f"--pyi_out={server}", f"--grpc_python_out={server}", *CONTRACT)
    protoc(f"--python_out={server}", f"--pyi_out={server}", VALIDATE)
    (package / "__init__.py").write_text('"""Generated from protos/threed/v1; see protos/generate.py."""\n')
    for stub in package.glob("*_pb2_grpc.py"):
        if "class " not in stub.read_text():
            stub.unlink()


def client(into: Path) -> None:
    """Messages for the Python client, whose docstrings are the comments of the contract."""
    package = emptied(into / "clients/python/threed_client/_gen")
    options = "client_generation=async_sync,server_generation=none"
    protoc(f"--python_betterproto2_out={package}", f"--python_betterproto2_opt={options}", *CONTRACT)


def descriptors(into: Path) -> None:
    """The descriptor set that Envoy transcodes by."""
    (into / "envoy").mkdir(parents=True, exist_ok=True)
    protoc("--include_imports", f"--descriptor_set_out={into / 'envoy/descriptors.binpb'}", *CONTRACT, DETAILS)


def go(into: Path) -> None:
    """Messages and stubs of the Go module."""
    package = into / "clients/go"
    emptied(package / "threed/v1")
    module = "module=github.com/threed-dev/threed/clients/go"
    # The published module of protovalidate for Go cannot be had from the module proxy: carry its messages along.
    mapped = "Mbuf/validate/validate.proto=github.com/threed-dev/threed/clients/go/buf/validate"
    emptied(package / "buf/validate")
    protoc(
        f"--go_out={package}",
        f"--go_opt={module},{mapped}",
        f"--go-grpc_out={package}",
        f"--go-grpc_opt={module},{mapped}",
        *CONTRACT,
    )
    protoc(f"--go_out={package}", f"--go_opt={module},{mapped}", VALIDATE)


def typescript(into: Path) -> None:
    """Messages for connect-es, with those of the google and buf packages that they name."""
    package = emptied(into / "clients/typescript/src/gen")
    google = [
        "google/api/annotations.proto",
        "google/api/client.proto",
        "google/api/field_behavior.proto",
        "google/api/field_info.proto",
        "google/api/http.proto",
        "google/api/httpbody.proto",
        "google/api/launch_stage.proto",
        "google/rpc/status.proto",
        DETAILS,
    ]
    protoc(f"--es_out={package}", "--es_opt=target=ts,import_extension=js", *CONTRACT, *google, VALIDATE)


def openapi(into: Path) -> None:
    """The REST surface as OpenAPI 3."""
    folder = into / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    options = "title=threed,version=v1,naming=json,fq_schema_naming=false,default_response=true,enum_type=string"
    public = [path for path in CONTRACT if not path.endswith("/jobs.proto")]
    protoc(f"--openapi_out={folder}", f"--openapi_opt={options}", *public)


LANGUAGES = {f.__name__: f for f in (python, client, descriptors, go, typescript, openapi)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT, metavar="DIR", help="write below DIR instead of in place")
    parser.add_argument("languages", nargs="*", choices=[*LANGUAGES, []], help="which; default all")
    arguments = parser.parse_args()
    for name in arguments.languages or LANGUAGES:
        LANGUAGES[name](arguments.into.resolve())


if __name__ == "__main__":
    main()
