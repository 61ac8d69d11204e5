"""The command line: one module per command, each with HELP, `add_arguments(parser)` and `run(arguments) -> exit code`.

The modules import nothing heavy at their top, so that `threed --help` answers at once. Exit codes: 0 done, 1 it could
not be done, 2 the command line is wrong, 130 interrupted. Results go to standard output, everything else to standard
error.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from threed.cli import (
    assets,
    cancel,
    capabilities,
    derive,
    doctor,
    download,
    events,
    frames,
    migrate,
    pause,
    recipes,
    refusals,
    render,
    resume,
    retry,
    scenes,
    serve,
    token,
    up,
    upload,
    watch,
    work,
)

COMMANDS = {
    "up": up,
    "doctor": doctor,
    "token": token,
    "upload": upload,
    "assets": assets,
    "scenes": scenes,
    "derive": derive,
    "recipes": recipes,
    "render": render,
    "watch": watch,
    "events": events,
    "frames": frames,
    "pause": pause,
    "resume": resume,
    "retry": retry,
    "cancel": cancel,
    "download": download,
    "capabilities": capabilities,
    "serve": serve,
    "work": work,
    "migrate": migrate,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; argparse exits by itself with 0 for help and 2 for a wrong line."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the command.
        stream.reconfigure(errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has gone; without this, Python complains once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        sentence = refusals.sentence(error)
        if sentence is None:
            raise
        print(f"threed {arguments.command}: {sentence}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="threed", description="The open-source backend for 3D assets.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
