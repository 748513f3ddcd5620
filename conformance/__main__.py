"""`python -m conformance`."""

import sys

from conformance.runner import main

if __name__ == "__main__":
    sys.exit(main())
