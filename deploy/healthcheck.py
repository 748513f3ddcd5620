"""Exit with 0 if the server of this machine or container answers, and with 1 and a line if it does not.

Run it in the folder of the server, whose `.env` it reads for HOST and PORT. `--ready` asks whether the server can serve, and not
only whether it is alive. `--wait SECONDS` gives the server this time to start.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import urllib.error
import urllib.request

from dotenv import dotenv_values

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to connect to a server that listens there


def server_url() -> str:
    """The address of the server, from HOST and PORT as the server itself reads them."""
    values = {**dotenv_values(".env"), **os.environ}
    host, port = values.get("HOST") or "127.0.0.1", values.get("PORT") or "8000"
    host = EVERY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def find_fault(url: str) -> str | None:
    """None if *url* is answered with 200, else why it is not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=4).close()
    except urllib.error.HTTPError as error:
        return f"{url} is answered with {error.code}: {error.read(1000).decode(errors='replace').strip()}"
    except (OSError, ValueError) as error:
        return f"{url} is not answered: {error}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ready", action="store_true")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS")
    options = parser.parse_args()
    url = server_url() + ("/api/health/ready" if options.ready else "/api/health")
    end = time.monotonic() + options.wait
    while (fault := find_fault(url)) is not None and time.monotonic() < end:
        time.sleep(0.2)
    if fault is not None:
        sys.stderr.write(f"confab: {fault}\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
