"""One etcd for all tests that do it no harm; each of them has a prefix of its own."""

from collections.abc import Iterator

import pytest

from etcd_server import EtcdServer, running


@pytest.fixture(scope="session")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    with running(tmp_path_factory.mktemp("etcd")) as server:
        yield server
