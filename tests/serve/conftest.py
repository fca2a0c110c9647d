"""A server with planted faces and an untrained network."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from idennet.inference.analyser import Analyser
from idennet.models.action_units import ActionUnitModel
from idennet.serve.app import create_app
from planted import PlantedFinder


@pytest.fixture(scope="session")
def analyser(random_weights: Path) -> Analyser:
    return Analyser(PlantedFinder(), ActionUnitModel.open(random_weights))


@pytest.fixture
def serve(analyser: Analyser) -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts a server and gives its client."""
    clients: list[TestClient] = []

    def start(**settings) -> TestClient:
        app = create_app(analyser, **settings)
        client = TestClient(app, base_url="http://127.0.0.1:8765", client=("127.0.0.1", 40_000))
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()
