"""A PostgreSQL server of a test's own, by a user that may run one."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.processes import answers, free_port, wait_for


@contextmanager
def postgresql():
    """Start a server; yield the address of an empty database."""
    programs = [shutil.which(name) for name in ("initdb", "postgres")]
    if not all(programs):
        pytest.skip("no initdb and postgres on PATH: apt-get install postgresql")
    owner = _owner()
    folder, port = Path(tempfile.mkdtemp(prefix="tagsmith-pg-")), free_port()
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    options = {"user": owner.pw_name, "group": owner.pw_gid, "extra_groups": ()}
    options = {**(options if os.geteuid() == 0 else {}), "cwd": folder}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [programs[0], "-D", folder / "data", "-U", "tagsmith", "-A", "trust"]
    subprocess.run([*initdb, "--no-sync"], check=True, **options, **quiet)
    run = [programs[1], "-D", folder / "data", "-p", str(port), "-k", folder, "-F"]
    server = subprocess.Popen([*run, "-h", "127.0.0.1"], **options, **quiet)
    try:
        wait_for(lambda: answers(port), server)
        yield f"postgresql://tagsmith@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
        shutil.rmtree(folder)


def _owner():
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam(user)
    except KeyError:
        pytest.skip("PostgreSQL refuses to run as root, and no user postgres is there")
