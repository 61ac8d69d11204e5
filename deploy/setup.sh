#!/bin/sh
# Installs threed into .venv, with everything that its workers need. Run it again at any time; it is quick then.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "threed needs Python 3.11 or newer; '$python' is not. Install it, or name another one: make setup PYTHON=python3.12"
    exit 1
fi

if [ ! -x .venv/bin/python ]; then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
        else
            say "The module venv is missing. Install it: sudo apt-get install python3-venv"
            exit 1
        fi
    fi
    "$python" -m venv .venv
fi
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv

# Only when something that decides about the installation has changed since the last time.
stamp=.venv/threed-installed
wanted=$(cat pyproject.toml clients/python/pyproject.toml constraints.txt | cksum)
if [ ! -f $stamp ] || [ "$(cat $stamp)" != "$wanted" ]; then
    say "Installing threed into .venv ..."
    .venv/bin/uv pip install --quiet --python .venv --constraint constraints.txt \
        --editable clients/python --editable '.[workers,step]' --group dev
    printf '%s' "$wanted" > $stamp
fi

validator=workers/threed_workers/validator
if [ ! -d $validator/node_modules ]; then
    if command -v npm >/dev/null; then
        npm ci --prefix $validator --no-audit --no-fund --silent
    else
        say "npm is missing: models are checked without the Khronos validator. Install it: apt-get install nodejs npm"
    fi
fi

ktx2=workers/threed_workers/textures/ktx2
if [ ! -d $ktx2/node_modules ] && command -v npm >/dev/null; then
    npm ci --prefix $ktx2 --no-audit --no-fund --silent || say "The KTX2 encoder was not installed: recipes with KTX2 are refused."
fi

h264=workers/threed_workers/films/h264
if [ ! -d $h264/node_modules ] && command -v npm >/dev/null; then
    npm ci --prefix $h264 --no-audit --no-fund --silent || say "The H.264 encoder was not installed: films are AV1."
fi

libraries() { .venv/bin/python -c 'import ctypes; [ctypes.CDLL(n) for n in ("libGL.so.1", "libEGL.so.1", "libX11.so.6", "libatomic.so.1")]'; }
if [ "$(uname)" = Linux ] && ! libraries 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing the graphics libraries that rendering needs (apt-get) ..."
        .venv/bin/threed doctor --install >/dev/null || true
    else
        say "Rendering needs system libraries that are missing:"
        .venv/bin/threed doctor >&2 || true
    fi
fi
