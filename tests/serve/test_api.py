"""The interface for programs: what goes in, what comes out, and what is refused."""

import csv
import errno
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from idennet.errors import InputError
from idennet.facs import MOVEMENTS, NAMES
from idennet.inference.analyser import Analyser
from idennet.media.pictures import decode_picture
from idennet.models.action_units import ActionUnitModel
from idennet.people.population import Population
from idennet.serve.app import create_app
from idennet.serve.limits import Limits
from planted import PlantedFinder
from planted import planted_png as png

Serve = Callable[..., TestClient]
STREAM = "ws://127.0.0.1:8765/v1/stream"


def test_a_photograph_gives_what_the_library_gives(client: TestClient, analyser: Analyser) -> None:
    answer = client.post("/v1/photographs?name=two.png", content=png(2))
    assert answer.status_code == 200
    expected = analyser.analyse(decode_picture(png(2), "two.png")).to_dict()
    assert answer.json() == json.loads(json.dumps({**expected, **_versions(answer.json())}))


def test_a_photograph_without_a_face_says_so(client: TestClient) -> None:
    answer = client.post("/v1/photographs", content=png(0)).json()
    assert (answer["problem"], answer["faces"]) == ("no face found", [])


def test_details_show_the_subtraction(client: TestClient) -> None:
    face = client.post("/v1/photographs?details=true", content=png(1)).json()["faces"][0]
    inside = face["inside"]
    left = np.subtract(inside["expression_features"], inside["subtracted"])
    np.testing.assert_allclose(left, inside["au_residual"], atol=2e-4)
    assert inside["raw"]["AU12"] == pytest.approx(
        face["aus"]["AU12"]["probability"], abs=1e-4
    )  # uncalibrated
    assert inside["unsubtracted"] != inside["raw"]
    assert inside["crop"].startswith("data:image/jpeg;base64,")


def test_weights_explain_every_action_unit(client: TestClient) -> None:
    aus = client.get("/v1/weights").json()["aus"]
    assert [au["name"] for au in aus] == list(NAMES.values())
    assert set(MOVEMENTS) == set(NAMES)
    assert {au["au"] for au in aus if not au["reliable"]} == {"AU23", "AU24"}
    for au in aus:
        assert client.get(f"/movements/{au['au']}.webp").headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "Nothing was sent"),
        (b"GIF89a", 422, "not a picture, or a damaged one"),
        (png(1)[:300], 422, "damaged or incomplete"),
        (b"x" * 2000, 413, "More than 1,500 bytes"),
    ],
)
def test_bad_uploads_get_one_sentence(serve: Serve, content: bytes, status: int, words: str) -> None:
    answer = serve(limits=Limits(photograph_bytes=1500)).post("/v1/photographs", content=content)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_an_upload_without_a_length_is_cut_off_too(serve: Serve) -> None:
    sent = []

    def endless():
        while True:
            sent.append(1)
            yield b"x" * 1000

    answer = serve(limits=Limits(photograph_bytes=5000)).post(
        "/v1/photographs", content=(chunk for chunk, _ in zip(endless(), range(100), strict=False))
    )
    assert answer.status_code == 413


def test_a_decompression_bomb_is_refused_before_it_is_decoded(client: TestClient) -> None:
    answer = client.post("/v1/photographs?name=bomb.png", content=_bomb(40_000, 40_000))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("bomb.png has 40000 x 40000 pixels; at most 50 megapixels")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\\b.png", "a\0b", "a\nb", "..", "", "x" * 201, "\u202egnp.exe"]
)
def test_hostile_names_are_refused(client: TestClient, name: str) -> None:
    answer = client.post("/v1/photographs", params={"name": name}, content=png(1))
    assert answer.status_code == 422


def test_nothing_is_kept_unless_a_folder_is_given(serve: Serve, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    serve(folder=kept).post("/v1/photographs?name=one.png", content=png(1))
    serve().post("/v1/photographs?name=two.png", content=png(1))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["aus.csv", "aus.json", "aus.jsonl", "kept"]
    lines = (kept / "aus.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["one.png"]


def test_rows_of_different_making_are_never_mixed(serve: Serve, graded_weights: Path, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        serve(folder=tmp_path).post(f"/v1/photographs?name={name}", content=png(1))
    table = (tmp_path / "aus.csv").read_text().splitlines()
    assert [row["file"] for row in csv.DictReader(table)] == ["one.png", "two.png"]
    others = Analyser(PlantedFinder(), ActionUnitModel.open(graded_weights))
    with pytest.raises(InputError, match="choose another folder"):
        create_app(others, folder=tmp_path)
    assert (tmp_path / "aus.csv").read_text().splitlines() == table


def test_other_hosts_and_other_sites_are_refused(client: TestClient) -> None:
    def get(**headers: str) -> int:
        return client.get("/v1/weights", headers=headers).status_code

    assert get() == get(origin="http://127.0.0.1:8765") == 200
    assert get(host="localhost:8765") == get(host="[::1]:8765") == 200
    assert get(host="rebound.example") == get(host="127.0.0.1.example:8765") == 400
    assert get(host="[[") == get(host="[::1") == 400
    assert get(origin="http://evil.example") == get(origin="null") == get(origin="http://127.0.0.1:1") == 403
    assert get(origin="http://[") == 403
    assert "access-control-allow-origin" not in client.get("/v1/weights").headers
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers={"origin": "http://evil.example"}),
    ):
        pass


def test_other_machines_are_refused_without_a_token(analyser: Analyser) -> None:
    for token, status in ((None, 403), ("secret", 200)):
        headers = {"authorization": f"Bearer {token}"}
        client = TestClient(
            create_app(analyser, token=token), "http://127.0.0.1", client=("192.0.2.7", 1), headers=headers
        )
        assert client.get("/v1/weights").status_code == status


@pytest.mark.parametrize("token", ["", "a+b", "a;b c", "a\n", "ä"])
def test_a_token_that_no_link_can_hold_is_refused(analyser: Analyser, token: str) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        create_app(analyser, token=token)


def test_a_token_opens_everything_and_nothing_else_does(serve: Serve) -> None:
    client = serve(token="secret")
    outside = {"host": "camera.example:8765"}
    assert client.get("/health", headers=outside).status_code == 200
    for path in ("/", "/v1/weights", "/metrics", "/docs", "/openapi.json", "/movements/AU1.webp"):
        assert client.get(path, headers=outside).status_code == 401
    assert client.get("/v1/weights", headers=outside | {"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/v1/weights", headers=outside | {"authorization": "Bearer secret"}).status_code == 200
    page = client.get("/?token=secret", headers=outside)
    assert page.status_code == 200
    assert "HttpOnly; SameSite=Strict" in page.headers["set-cookie"]
    cookie = {"cookie": "idennet_token=secret"}
    assert client.get("/v1/weights", headers=outside | cookie).status_code == 200


def test_only_so_many_photographs_are_read_at_once(serve: Serve) -> None:
    answer = serve(limits=Limits(photographs=0)).post("/v1/photographs", content=png(1))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_the_documentation_has_examples_of_the_schema(graded_weights: Path) -> None:
    app = create_app(Analyser(PlantedFinder(), ActionUnitModel.open(graded_weights)))
    with TestClient(app, "http://127.0.0.1:8765", client=("127.0.0.1", 1)) as client:
        description = client.get("/openapi.json").json()
        given = client.post("/v1/photographs", content=png(1)).json()
    operation = description["paths"]["/v1/photographs"]["post"]
    shown = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert shown.keys() == given.keys() - {"problem"}  # FastAPI leaves out what is null
    assert shown["faces"][0].keys() == given["faces"][0].keys()
    assert given["faces"][0]["aus"]["AU12"].keys() == shown["faces"][0]["aus"]["AU12"].keys()
    assert {"408", "413", "422", "503"} <= operation["responses"].keys()


def test_people_are_told_apart(serve: Serve) -> None:
    population = Population.open(None)
    anna, bert = np.random.default_rng(0).normal(size=(2, len(population.centre)))
    embeddings = [(one / np.linalg.norm(one)).tolist() for one in (anna, bert, anna)]
    client = serve(population=population)
    answer = client.post("/v1/people", json={"embeddings": embeddings, "pictures": [0, 0, 1]})
    assert answer.json()["people"] == [1, 2, 1]
    first, alone, second = answer.json()["person_certainties"]
    assert 0 < first == second < 1
    assert alone is None
    nobody = client.post("/v1/people", json={"embeddings": [], "pictures": []}).json()
    assert nobody == {"people": [], "person_certainties": []}


@pytest.mark.parametrize(
    ("content", "limits", "status", "words"),
    [
        (b'{"embeddings": [], "pictures": [0]}', {}, 422, "There are 0 embeddings and 1 pictures; give"),
        (
            b'{"embeddings": []}',
            {},
            422,
            "The body has no pictures; give embeddings, at most 500 lists of 256",
        ),
        (b'{"embeddings": [], "pictures": ["a"]}', {}, 422, "pictures.0 is 'a'; give"),
        (b"[]", {}, 422, "The body is '[]'; give"),
        (json.dumps({"embeddings": [[0] * 255 + [70]], "pictures": [0]}).encode(), {}, 422, "0.255 is '70'"),
        (b'{"embeddings": [[' + b"NaN," * 255 + b'0]], "pictures": [0]}', {}, 422, "embeddings.0.0 is 'NaN'"),
        (b'{"embeddings": [[1]], "pictures": [0]}', {}, 422, "embeddings.0 has 1 entries; give"),
        (b"no JSON", {}, 422, "The body is not JSON; give"),
        (b" " * 2000, {"faces_bytes": 1500}, 413, "More than 1,500 bytes"),
        (b"{}", {"photographs": 0}, 503, "try again in a second"),
    ],
)
def test_people_that_cannot_be_told_apart_get_one_sentence(
    serve: Serve, content: bytes, limits: dict, status: int, words: str
) -> None:
    answer = serve(population=Population.open(None), limits=Limits(**limits)).post(
        "/v1/people", content=content
    )
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_what_is_asked_wrongly_is_said_in_one_sentence(client: TestClient) -> None:
    answer = client.post("/v1/photographs?details=perhaps", content=png(1))
    assert answer.status_code == 422
    assert answer.json()["error"] == "details is 'perhaps'; give true or false."


@pytest.mark.parametrize(
    ("method", "address", "answer"),
    [
        ("POST", "/v1/photographs?detail=true", "'detail' of /v1/photographs; give details or name."),
        ("POST", "/v1/clips?name=a&name2=b", "'name2' of /v1/clips; give name."),
        ("GET", "/v1/clips/x/aus.csv?sep=tab", "'sep' of /v1/clips/x/aus.csv; it takes none."),
        ("DELETE", "/v1/clips/x?now=1", "'now' of /v1/clips/x; it takes none."),
        ("GET", f"/health?{'x' * 99}=1", f"'{'x' * 55}…' of /health; it takes none."),
    ],
)
def test_parameters_that_do_not_exist_are_refused(
    client: TestClient, method: str, address: str, answer: str
) -> None:
    given = client.request(method, address)
    assert given.status_code == 422
    assert given.json() == {"error": f"There is no parameter {answer}"}


@pytest.mark.parametrize("address", ["/v1/photographs", "/v1/overlays", "/v1/clips"])
def test_a_form_is_refused_with_what_to_send_instead(serve: Serve, address: str) -> None:
    client = serve(limits=Limits(clips=1))
    for _ in range(2):  # nothing of the first is left
        answer = client.post(address, files={"file": ("photo.png", png(1))})
        assert answer.status_code == 415
        assert f"curl --data-binary @FILE http://127.0.0.1:8765{address}" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/v1/foo", 404, "There is no /v1/foo; the interface is described at /docs."),
        ("GET", "/page/foo.js", 404, "There is no /page/foo.js; the interface is described at /docs."),
        ("PUT", "/v1/photographs", 405, "/v1/photographs is for POST, not for PUT; see /docs."),
        ("POST", "/v1/clips/x", 405, "/v1/clips/x is for DELETE and GET, not for POST; see /docs."),
        ("POST", "/page/app.js", 405, "/page/app.js is for GET, not for POST; see /docs."),
    ],
)
def test_addresses_and_methods_that_do_not_exist_are_said(
    client: TestClient, method: str, path: str, status: int, sentence: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})
    assert (status == 405) == ("allow" in answer.headers)


def test_every_answer_is_described_with_an_example(serve: Serve) -> None:
    described = serve(population=Population.open(None)).get("/openapi.json").json()
    answers = {
        (method, path, status): answer
        for path, ways in described["paths"].items()
        for method, operation in ways.items()
        for status, answer in operation["responses"].items()
    }
    assert len(answers) > 30
    for key, answer in answers.items():
        assert answer["description"] not in ("Successful Response", "Validation Error"), key
        kinds = answer.get("content", {})
        assert (
            key[2] == "204" or "image/jpeg" in kinds or any("example" in kind for kind in kinds.values())
        ), key


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(errno.ECONNRESET, "Reset")])
def test_the_disk_is_not_blamed_for_other_defects(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.setattr("idennet.serve.reader.Reader.photograph", Mock(side_effect=error))
    with pytest.raises(type(error)):
        client.post("/v1/photographs", content=png(1))


def test_every_route_but_files_refuses_parameters_that_do_not_exist(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    asked = [
        (method, path.format(identity="x", output="y")) for path, ways in paths.items() for method in ways
    ]
    assert len(asked) > 5
    for method, path in asked:
        assert client.request(method, path, params={"nonsense": 1}).status_code == 422
    assert client.get("/?token=any").status_code == 200  # links may have it


def test_a_full_disk_is_said(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise InputError("aus.csv cannot be written any further: No space left on device.")

    client = serve(folder=tmp_path)
    monkeypatch.setattr("idennet.inference.writers.Journal.append", full)
    answer = client.post("/v1/photographs", content=png(1))
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert "No space left" in answer.json()["error"]


def test_metrics_count(client: TestClient) -> None:
    client.post("/v1/photographs", content=png(2))
    text = client.get("/metrics").text
    assert 'idennet_faces_total{kind="photograph"} 2.0' in text
    assert 'idennet_answers_total{route="/v1/photographs",status="200"} 1.0' in text


def _versions(answer: dict) -> dict:
    return {key: answer[key] for key in ("schema", "weights")}


def _bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few kilobytes that claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10**6))
        + chunk(b"IEND", b"")
    )
