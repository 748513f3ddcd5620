#!/bin/sh
# make-venv.sh FOLDER: create a virtual environment there. On Debian without python3-venv, root installs that package first.
set -u
folder=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "confab: $python is not Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
"$python" -m venv "$folder" >/dev/null 2>&1 && exit 0

# On Debian ensurepip is in a separate package; without it the environment is incomplete.
rm -rf "$folder"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "confab: installing python3-venv" >&2
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; } >/dev/null &&
        "$python" -m venv "$folder" && exit 0
    rm -rf "$folder"
fi
echo "confab: '$python -m venv' does not work; install python3-venv (Debian, Ubuntu: apt-get install python3-venv)" >&2
exit 1
