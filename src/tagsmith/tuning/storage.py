"""Where studies are kept: a database file, a journal, a server, or a proxy of one."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalStorage

from tagsmith.errors import MissingError, TrackingError

SQLITE, JOURNAL, GRPC = "sqlite:///", "journal://", "grpc://"
SECONDS_FOR_LOCKS = 60  # that a worker waits for another to have written to a file
SECONDS_FOR_SERVER = 10
ATTEMPTS = 5  # at tables that another worker makes at the same time

optuna.logging.set_verbosity(optuna.logging.WARNING)


def opened(address: str) -> BaseStorage:
    """Open, and if need be make, what studies are kept in.

    Args:
        address: As `tuning.storage` has it.

    Raises:
        MissingError: A driver is not installed.
        TrackingError: It cannot be reached, or refuses.
    """
    with reaching(address):
        try:
            return _opened(address)
        except OSError as error:  # of a file's, or of a proxy that does not answer
            raise optuna.exceptions.StorageInternalError(str(error)) from error


def _opened(address: str) -> BaseStorage:
    if address.startswith(JOURNAL):
        path = address.removeprefix(JOURNAL)
        return JournalStorage(JournalFileBackend(path))
    if address.startswith(GRPC):
        return _proxy(address.removeprefix(GRPC))
    if address.startswith(SQLITE):
        return _file(address)
    return _server(address)


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn what a storage raises into one sentence.

    Raises:
        MissingError: A driver is not installed.
        TrackingError: The storage cannot be reached, or refuses.
    """
    from grpc import RpcError
    from sqlalchemy.exc import SQLAlchemyError

    broken = (SQLAlchemyError, RpcError, optuna.exceptions.StorageInternalError)
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"psycopg", "psycopg2"}:
            raise
        raise MissingError(
            f"tuning.storage is {address}, whose driver {error.name} is not installed; "
            "pip install 'tagsmith[postgresql]'"
        ) from error
    except broken as error:
        text = " ".join(str(error).split())[:300]
        raise TrackingError(
            f"tuning.storage at {address} cannot be used: {text}; start that server, "
            "make that folder, or name another storage"
        ) from error


def _proxy(place: str) -> BaseStorage:
    from optuna.storages import GrpcStorageProxy

    host, _, port = place.rpartition(":")
    with warnings.catch_warnings():  # its interface may change, and then so will this
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        proxy = GrpcStorageProxy(host=host, port=int(port))
    proxy.wait_server_ready(timeout=SECONDS_FOR_SERVER)
    return proxy


def _file(address: str) -> BaseStorage:
    from filelock import FileLock

    # Processes that make the tables of a new database at the same time break it.
    with FileLock(f"{address.removeprefix(SQLITE)}.lock"):
        options = {"connect_args": {"timeout": SECONDS_FOR_LOCKS}}
        return RDBStorage(address, engine_kwargs=options)


def _server(address: str) -> BaseStorage:
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for attempt in range(ATTEMPTS):
        try:
            return RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
        except (IntegrityError, ProgrammingError):  # another worker makes them now
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")
