"""Object storage that speaks S3, on this machine: moto's server."""

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BUCKET = "music"


@dataclass(frozen=True)
class ObjectStore:
    """A server with an empty bucket.

    Attributes:
        endpoint: Where it answers.
        s3: boto3's client of it.
    """

    endpoint: str
    s3: object

    def names(self, prefix=""):
        """Name the objects below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=prefix
        )
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def upload(self, folder, prefix):
        """Put all files of a folder below a prefix."""
        for path in filter(Path.is_file, folder.rglob("*")):
            name = f"{prefix}/{path.relative_to(folder).as_posix()}"
            self.s3.upload_file(str(path), BUCKET, name)


@contextmanager
def object_store(monkeypatch):
    """Start a server; let the environment have its address and some credentials."""
    boto3 = pytest.importorskip("boto3", reason="no boto3: install moto[server,s3]")
    moto = pytest.importorskip("moto.server", reason="install moto[server,s3]")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # every request
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    for key, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "ada",
        "AWS_SECRET_ACCESS_KEY": "not a secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(key, value)
    try:
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield ObjectStore(endpoint, client)
        client.close()
    finally:
        server.stop()
