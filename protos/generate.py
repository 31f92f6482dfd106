"""Write the Envoy API as Python modules under our own prefix `protos.`, from the descriptors that xds-protos carries.

A build step, run as `PYTHONPATH=build/tools python protos/generate.py`. The published package cannot be installed beside
us: its top-level `xds` and `envoy` would hide our own package and overwrite that of the Envoy binary. What it lacks
against the Envoy we pin stands in `missing/`, under the same package names and field numbers.
"""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

HERE = Path(__file__).parent
ROOT = HERE.parent
MISSING = HERE / "missing"
# Fields that messages of the published API lack: file, message → fields
FIELDS = {
    ("envoy/config/route/v3/route_components.proto", "RetryPolicy"): (
        FieldDescriptorProto(
            name="refresh_cluster_on_retry",
            json_name="refreshClusterOnRetry",
            number=14,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_BOOL,
        ),
    ),
    ("envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry.proto", "SinkConfig"): (
        FieldDescriptorProto(
            name="max_data_points_per_request",
            json_name="maxDataPointsPerRequest",
            number=10,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_UINT32,
        ),
    ),
}
STAMP = ROOT / "build" / "protos.stamp"
OURS = re.compile(r"^(from|import) (?!google\.protobuf)(cel|envoy|google|opencensus|opentelemetry|udpa|validate|xds)\b", re.MULTILINE)


def published() -> list[FileDescriptor]:
    """The v3 API of Envoy as xds-protos ships it: one descriptor a file."""
    modules = [
        str(path.with_suffix("")).replace("/", ".")
        for path in files("xds-protos") or ()
        if path.parts[0] == "envoy" and path.name.endswith("_pb2.py") and path.parts[-2] in ("v3", "v3alpha")
    ]
    return [importlib.import_module(module).DESCRIPTOR for module in modules]


def closure(wanted: list[FileDescriptor]) -> dict[str, FileDescriptor]:
    """These files and all that they import, each after what it imports."""
    found: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        if file.name not in found:
            for dependency in file.dependencies:
                add(dependency)
            found[file.name] = file

    for file in wanted:
        add(file)
    return found


def serialized(file: FileDescriptor) -> FileDescriptorProto:
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    for message in proto.message_type:
        known = {field.name for field in message.field}
        message.field.extend(field for field in FIELDS.get((proto.name, message.name), ()) if field.name not in known)
    return proto


def generate(target: Path) -> int:
    """Write the modules and their stubs below `target`; the number of .proto files they come from."""
    described = closure(published())
    descriptors = target / "api.binpb"
    descriptors.write_bytes(FileDescriptorSet(file=[serialized(file) for file in described.values()]).SerializeToString())
    missing = sorted(str(path.relative_to(MISSING)) for path in MISSING.rglob("*.proto"))
    names = [name for name in described if not name.startswith("google/protobuf/")]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={descriptors}", f"--python_out={target}", f"--pyi_out={target}"]
    subprocess.run([*protoc, *names], check=True)
    if missing:
        subprocess.run([*protoc, f"-I{MISSING}", *missing], check=True)
    descriptors.unlink()
    return len(names) + len(missing)


def prefixed(source: str) -> str:
    """Imports of generated modules moved under `protos.`; google.protobuf stays where the runtime has it."""
    return OURS.sub(r"\1 protos.\2", source)


def main() -> None:
    target = ROOT / "build" / "protos"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    count = generate(target)
    for path in target.rglob("*_pb2.py*"):
        path.write_text(prefixed(path.read_text()))
    for package in sorted(target.iterdir()):
        shutil.rmtree(HERE / package.name, ignore_errors=True)
        shutil.move(package, HERE / package.name)
    STAMP.write_text(f"{count}\n")
    print(f"protos: {count} files of the Envoy API generated")


if __name__ == "__main__":
    main()
