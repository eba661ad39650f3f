"""What the Python suites share: the sandbox's address, the real `carto`, and one line for each check."""

import json
import os
import subprocess
import sys

BASE_URL = os.environ["CARTO_BASE_URL"]
ISSUER = os.environ["CARTO_AUTH_ISSUER"]


def carto(*words):
    """Runs `carto` and reads its record."""
    run = subprocess.run([os.environ["CARTO"], *words, "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return json.loads(run.stdout)


class Checks:
    """Prints each check, and counts those that failed."""

    def __init__(self, client):
        self.client = client
        self.failed = 0

    def check(self, what, passed):
        print("ok  " if passed else "FAIL", f"{self.client}: {what}", flush=True)
        self.failed += not passed

    def refused(self, what, errors, call):
        """Passes if the call fails with one of these errors, and with no other."""
        try:
            call()
        except errors:
            self.check(f"refused: {what}", True)
        else:
            self.check(f"refused: {what}", False)

    def end(self):
        sys.exit(1 if self.failed else 0)
