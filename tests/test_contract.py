"""The contract and what stands behind it: every promise has a keeper, and every part of it is spelled the same way."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.api import field_behavior_pb2, field_info_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from tests.end_to_end.contract import METHODS, http_rule, role_of

from threed import errors, ids, queue, services
from threed.app import CONTRACT
from threed.errors import Code
from threed.v1 import access_pb2, jobs_pb2
from threed_workers import engines, formats, jobs
from threed_workers.samples import SAMPLES

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / "protos/threed/v1"
BUF = Path(sys.executable).with_name("buf")
FILES = [*CONTRACT, jobs_pb2.DESCRIPTOR]
every_method = pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: method.full_name.removeprefix("threed.v1.")
)

# Rpcs without a REST form, and why.
NOT_OVER_REST = {"WriteUpload": "HTTP/1.1 has no stream in both directions; UploadChunk is its REST form"}
# Rpcs whose verb says that a repeat is harmless, or that make nothing that lasts: they need no request_id.
NO_REQUEST_ID = {
    "CancelDerivative", "CancelRenderJob", "FinalizeUpload", "ProbeJobs", "RetryDerivative", "RetryRenderJob",
    "PauseRenderJob", "ResumeRenderJob", "UndeleteAsset", "UndeleteScene", "UploadChunk", "WriteUpload",
}  # fmt: skip


def messages() -> list[Descriptor]:
    """Every message of the contract, nested ones too."""
    found, rest = [], [m for file in FILES for m in file.message_types_by_name.values()]
    while rest:
        message = rest.pop()
        if message.GetOptions().map_entry:
            continue
        found.append(message)
        rest.extend(message.nested_types)
    return sorted(found, key=lambda message: message.full_name)


def fields() -> list[FieldDescriptor]:
    return [field for message in messages() for field in message.fields]


# ---------------------------------------------------------------- rpcs


@every_method
def test_every_rpc_has_a_handler(method):
    modules = [getattr(services, name) for name in services.__all__]
    classes = {name: found for module in modules for name, found in inspect.getmembers(module, inspect.isclass)}
    handler = vars(classes[method.containing_service.name]).get(method.name)  # vars: an inherited stub does not count
    assert inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler)


def test_every_service_lies_in_the_module_of_its_proto():
    assert {Path(file.name).stem for file in CONTRACT} == set(services.__all__)


@every_method
def test_every_rpc_declares_the_role_that_it_needs(method):
    role = role_of(method)
    assert role in (access_pb2.VIEWER, access_pb2.EDITOR, access_pb2.ADMIN)
    reads = method.name.startswith(("Get", "List", "Watch"))
    assert (role == access_pb2.VIEWER) == reads, "whoever reads is a viewer, whoever changes is not"


@every_method
def test_every_rpc_has_a_rest_form_of_its_kind(method):
    rule = http_rule(method)
    if rule is None:
        assert method.name in NOT_OVER_REST
        return
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb)
    wants = {"Get": "get", "List": "get", "Watch": "get", "Create": "post", "Update": "patch", "Replace": "put"}
    wants |= {"Delete": "delete", "Undelete": "post", "Cancel": "post", "Retry": "post", "Finalize": "post"}
    assert verb == next((v for prefix, v in wants.items() if method.name.startswith(prefix)), verb)
    assert re.fullmatch(r"/v1(/[a-z]+|/\{[a-z_.]+\})+(:[a-z][A-Za-z]*)?", path)
    assert bool(rule.body) == (verb in ("post", "put", "patch"))
    assert (":watch" in path) == (method.server_streaming and not method.client_streaming)
    # Every variable of the path is a field
    for variable in re.findall(r"\{([^}]+)\}", path):
        message = method.input_type
        for name in variable.split("."):
            message = message.fields_by_name[name].message_type


@every_method
def test_every_rpc_takes_and_gives_messages_of_its_own_name(method):
    assert method.input_type.name == f"{method.name}Request"
    own = f"{method.name}Response"
    made = ("Asset", "Upload", "Scene", "RenderJob", "Derivative", "SavedRecipe", "Event")
    resources = (*made, "DownloadUrl", "Capabilities", "Empty")
    assert method.output_type.name in (own, *resources)
    lists_or_streams = method.name.startswith("List") or method.server_streaming
    assert not lists_or_streams or method.output_type.name == own


@every_method
def test_what_makes_something_can_be_repeated(method):
    names = method.input_type.fields_by_name
    if "request_id" in names:
        assert (
            names["request_id"].GetOptions().Extensions[field_info_pb2.field_info].format
            == field_info_pb2.FieldInfo.UUID4
        )
    else:
        reads = method.name.startswith(("Get", "List", "Watch"))
        guarded = method.name.startswith(("Update", "Replace", "Delete"))  # an etag, or the same end twice
        assert reads or guarded or method.name in NO_REQUEST_ID


@pytest.mark.parametrize("method", [m for m in METHODS if m.name.startswith("List")], ids=lambda m: m.name)
def test_lists_are_paged_alike(method):
    asked, given = method.input_type.fields_by_name, method.output_type.fields
    assert {"page_size", "page_token", "filter"} <= set(asked)
    assert given[0].is_repeated and given[0].number == 1
    assert given[1].name == "next_page_token"


# ---------------------------------------------------------------- fields and words


def test_every_field_says_how_it_behaves():
    behaviors = {
        field.full_name: field.GetOptions().Extensions[field_behavior_pb2.field_behavior] for field in fields()
    }
    silent = [name for name, said in behaviors.items() if not said]
    assert silent == []
    unclear = [
        name
        for name, said in behaviors.items()
        if len(
            {
                field_behavior_pb2.REQUIRED,
                field_behavior_pb2.OPTIONAL,
                field_behavior_pb2.OUTPUT_ONLY,
                field_behavior_pb2.IDENTIFIER,
            }
            & set(said)
        )
        != 1
    ]
    assert unclear == []


def test_names_have_no_prepositions_and_units_at_the_end():
    words = {word for field in fields() for word in field.name.split("_")}
    assert not words & {"of", "for", "with", "to", "from", "in", "on", "the"}
    assert not [
        field.full_name
        for field in fields()
        if field.name.endswith(("_size", "_seconds", "_ms", "_length"))
        and field.name not in ("page_size", "committed_size", "max_seconds")
    ]


def test_ids_are_named_after_what_they_point_to():
    kinds = {"asset_id": "asset", "scene_id": "scene", "job_id": "render_job", "upload_id": "upload"}
    kinds |= {"derivative_id": "derivative", "recipe_id": "recipe", "event_id": "event"}
    assert set(kinds.values()) == set(ids.PREFIXES)
    pointing = {field.name for field in fields() if field.name.endswith("_id")} - {"request_id", "parent_id"}
    assert pointing == set(kinds)
    text = "".join(path.read_text() for path in PROTOS.glob("*.proto"))
    for prefix in ids.PREFIXES.values():
        assert f"`{prefix}` and 26 characters" in text, "the contract says how an id looks"
        made = ids.write(next(kind for kind, p in ids.PREFIXES.items() if p == prefix), ids.uuid7())
        assert len(made) == len(prefix) + 26


@pytest.mark.parametrize("resource", ["Asset", "Scene", "RenderJob", "Derivative", "SavedRecipe", "Upload"])
def test_resources_have_the_fields_that_all_have(resource):
    message = next(m for m in messages() if m.name == resource)
    own = message.fields[0]
    assert own.name.endswith("_id")
    assert list(own.GetOptions().Extensions[field_behavior_pb2.field_behavior]) == [field_behavior_pb2.IDENTIFIER]
    for name in ("project", "created_by"):
        behavior = message.fields_by_name[name].GetOptions().Extensions[field_behavior_pb2.field_behavior]
        assert list(behavior) == [field_behavior_pb2.OUTPUT_ONLY], "it comes from the token"


def test_no_request_names_a_project():
    requests = [message for message in messages() if message.name.endswith("Request")]
    assert [m.name for m in requests if "project" in m.fields_by_name] == []


# ---------------------------------------------------------------- jobs, formats, engines


def test_every_kind_of_job_has_a_module_and_a_queue():
    kinds = {field.name for field in jobs_pb2.Job.DESCRIPTOR.oneofs_by_name["spec"].fields}
    assert kinds == set(jobs.__all__) == set(queue.KINDS)
    assert all(callable(importlib.import_module(f"threed_workers.jobs.{kind}").run) for kind in kinds)


def test_the_lexicon_of_formats_has_every_format_and_no_other():
    words = re.findall(r"^\| `([a-z0-9_]+)`", (PROTOS / "formats.md").read_text(), re.MULTILINE)
    names = [format.name for format in formats.ALL]
    assert sorted(words) == sorted(names)
    assert set(names) <= set(SAMPLES)


def test_the_lexicon_of_engines_has_every_engine_and_no_other():
    words = re.findall(r"^## `([a-z0-9_]+)`", (PROTOS / "engines.md").read_text(), re.MULTILINE)
    assert words == [engine.name for engine in engines.ALL], "in the order that they are chosen"


# ---------------------------------------------------------------- errors


def documented() -> list[tuple[str, str]]:
    """Every (code, reason) that a comment of the contract names, as `* `CODE` `REASON`, `CODE` `REASON`: ...`."""
    found = []
    for path in PROTOS.glob("*.proto"):
        for line in re.findall(r"// \* ((?:`[A-Z_]+`,? ?)+):", path.read_text()):
            code = ""
            for word in re.findall(r"`([A-Z_]+)`", line):
                # NOT_FOUND and UNAVAILABLE are both a code and a reason: the first of a line is always a code.
                if word in Code.__members__ and (not code or word not in errors.table()):
                    code = word
                else:
                    found.append((code, word))
    return found


def test_every_reason_in_the_contract_is_of_the_table_with_its_code():
    said = documented()
    assert len({reason for _, reason in said}) > 25, "the comments are read"
    table = {reason: found.code.name for reason, found in errors.table().items()}
    assert [(code, reason) for code, reason in said if table.get(reason) != code] == []


def test_the_page_of_errors_is_current(tmp_path):
    subprocess.run([sys.executable, ROOT / "docs/generate.py", "--into", tmp_path, "errors"], check=True)
    written = (tmp_path / "errors.md").read_text()
    assert written == (ROOT / "docs/errors.md").read_text(), "run docs/generate.py"
    assert set(re.findall(r"^\| `([A-Z_]+)`", written, re.MULTILINE)) == set(errors.table())


@pytest.mark.parametrize("error", errors.table().values(), ids=lambda error: error.reason)
def test_an_error_is_one_cause_and_is_raised_somewhere(error):
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,62}", error.reason)
    assert inspect.getdoc(error).startswith("Raised "), "the table reads `Raised when`"
    places = [*(ROOT / "server/threed").rglob("*.py"), *(ROOT / "workers/threed_workers").rglob("*.py")]
    uses = [
        path for path in places if path.name != "errors.py" and re.search(rf"\b{error.__name__}\b", path.read_text())
    ]
    assert uses, "nothing raises it: take it out"


def test_a_reason_belongs_to_one_class():
    classes, rest = [], [errors.ThreedError]
    while rest:
        children = rest.pop().__subclasses__()
        rest += children
        classes += [child for child in children if "reason" in vars(child)]
    reasons = [found.reason for found in classes]
    assert len(reasons) == len(set(reasons))


# ---------------------------------------------------------------- buf


def buf(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([BUF, *arguments], capture_output=True, text=True, cwd=cwd)


def test_the_contract_is_linted():
    """STANDARD and COMMENTS: every service, rpc, message, field and enum value has a comment."""
    answer = buf("lint")
    assert answer.returncode == 0, answer.stdout


def test_the_contract_is_formatted():
    answer = buf("format", "-d", "--exit-code", "--path", "protos/threed")
    assert answer.returncode == 0, answer.stdout


def test_the_contract_keeps_what_the_last_release_promised(tmp_path):
    describe = ["git", "describe", "--tags", "--match", "v*", "--abbrev=0"]
    tag = subprocess.run(describe, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    if tag:
        archive = subprocess.run(
            ["git", "archive", tag, "protos", "buf.yaml"], capture_output=True, cwd=ROOT, check=True
        )
        subprocess.run(["tar", "-x", "-C", tmp_path], input=archive.stdout, check=True)
    else:
        copied(tmp_path)
    answer = buf("breaking", "--against", str(tmp_path))
    assert answer.returncode == 0, answer.stdout


def test_a_field_that_goes_away_is_noticed(tmp_path):
    # Given the contract as it was, and as somebody left it
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        copied(folder)
    proto = after / "protos/threed/v1/scenes.proto"
    text = proto.read_text()
    proto.write_text(text.replace("  bool hidden = 12 [(google.api.field_behavior) = OPTIONAL];\n", ""))
    assert proto.read_text() != text
    # When the two are compared
    answer = buf("breaking", "--against", str(before), cwd=after)
    # Then the loss is named
    assert answer.returncode != 0
    assert 'field "12" with name "hidden" on message "SceneNode"' in answer.stdout


def copied(folder: Path) -> None:
    """The contract as buf reads it, in that folder."""
    shutil.copytree(ROOT / "protos", folder / "protos", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "buf.yaml", folder)
