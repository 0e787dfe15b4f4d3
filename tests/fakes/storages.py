"""What a study may be kept in; each is begun in a folder, and yields its address."""

import subprocess
from contextlib import contextmanager

from tests.fakes import postgresql as servers
from tests.fakes.processes import answers, free_port, python, wait_for


@contextmanager
def sqlite(folder):
    """A file with tables."""
    yield f"sqlite:///{folder}/tuning.db"


@contextmanager
def journal(folder):
    """A file that only grows."""
    yield f"journal://{folder}/tuning.log"


@contextmanager
def grpc(folder):
    """A proxy before a file with tables."""
    port = free_port()
    code = (
        "import optuna, warnings; warnings.simplefilter('ignore');"
        "from optuna.storages import RDBStorage, run_grpc_proxy_server;"
        f"run_grpc_proxy_server(RDBStorage('sqlite:///{folder}/proxy.db'),"
        f"host='127.0.0.1', port={port})"
    )
    server = python(code, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port), server)
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def postgresql(_):
    """A server."""
    with servers.postgresql() as address:
        yield address


ALL = [sqlite, journal, grpc, postgresql]
