#!/bin/sh
# Installs what the tests use beside the stack itself: a broker, a browser, and LLVM. Debian and Ubuntu, as root.
set -eu

missing=""
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing="$missing rabbitmq-server"
command -v chromium >/dev/null || missing="$missing chromium"
ls /usr/lib/*/libLLVM.so.19* >/dev/null 2>&1 || missing="$missing libllvm19"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Some tests will be skipped. To run them, install:$missing" >&2
    exit 0
fi
# The package starts a broker of its own; the tests want theirs alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
