"""The page in a real browser: the Chromium that is there, without a screen; none is downloaded."""

import csv
import json
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from browsed import CHROMIUM, load, opened, saved, served

from idennet.faces.finder import FoundFace
from idennet.facs import column
from idennet.inference.analyser import Analyser
from idennet.models.action_units import ActionUnitModel
from idennet.models.weights import load_weights
from planted import PlantedFinder, planted_face, planted_picture, planted_png

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


def test_a_photograph_shows_its_faces_with_names_and_bars(page) -> None:
    load(page, two=(2, 0))
    assert page.locator(".box").count() == page.locator("#faces .face").count() == 2
    assert page.locator(".au").count() == 22
    row = page.locator(".au", has_text="lip corner puller")
    row.locator("summary").press("Enter")
    assert row.locator("img").is_visible()
    assert "drawn up and out" in row.inner_text()


def test_what_was_loaded_last_is_shown_the_first_with_a_face_before_others(page) -> None:
    caption, chosen = page.locator("#caption"), page.locator("#faces [aria-pressed=true]")
    load(page, one=(1, 0))
    assert (caption.inner_text(), chosen.count()) == ("one", 1)
    load(page, none=(0, 0), two=(2, 1), three=(1, 2))
    assert caption.inner_text() in ("two", "three")
    assert chosen.count() == 1
    load(page, nobody=(0, 1))
    assert caption.inner_text() == "nobody"
    assert page.locator("#reading .says").inner_text() == "Not seen here."


def test_cards_stand_under_each_other_in_two_columns(page) -> None:
    """Nothing is wider than what stands above it."""
    page.set_viewport_size({"width": 1280, "height": 900})
    for number in range(2):
        load(page, **{f"n{number}": (1, number)})
        cards = page.locator("#work section:visible").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect()).map(({left, right}) => [left, right])"
        )
        assert len(cards) == 5 + number
        assert len({tuple(edges) for edges in cards}) == 2


def test_the_identity_is_left_in_and_taken_out(page) -> None:
    load(page, one=(1, 0), other=(1, 1))
    read = page.locator("#bars").inner_text()
    page.get_by_role("switch", name="Subtract the identity").press("Space")
    assert page.locator("#bars").inner_text() != read
    assert "identity subtracted" in page.locator("#red").inner_text()
    page.get_by_text("Raw", exact=True).click()
    assert page.get_by_role("switch").is_checked()
    page.get_by_role("switch").press("Space")
    assert page.locator("input[value=read]").is_checked()
    page.get_by_role("switch").press("Space")
    assert page.locator("#bars").inner_text() == read
    assert page.locator("#neighbours .face").count() == 2
    assert "Subtraction changes AU" in page.locator("#switch-says").inner_text()


def test_raw_and_calibrated_values_are_each_ordered_and_marked_by_themselves(
    browser, random_weights: Path
) -> None:
    network, card = load_weights(random_weights)
    shifts = {au: (1.0, 3.0 if at % 2 else -3.0) for at, au in enumerate(card.aus)}
    model = ActionUnitModel(network, card.model_copy(update={"calibration": shifts}))
    with served(Analyser(PlantedFinder(), model)) as address, opened(browser, address) as page:
        load(page, one=(1, 0))
        answer = page.request.post(f"{address}v1/photographs?details=true", data=planted_png(1, 0)).json()
        (face,) = answer["faces"]
        calibrated = {au: of["probability"] for au, of in face["aus"].items()}
        orders = []
        for label, values in (("Raw", face["inside"]["raw"]), ("Calibrated", calibrated)):
            page.get_by_text(label, exact=True).click()
            rows = [text.strip("~") for text in page.locator(".au .code").all_inner_texts()]
            marked = [text.strip("~") for text in page.locator(".au.present .code").all_inner_texts()]
            assert marked == [au for au in rows if values[au] >= 0.5]
            assert rows == sorted(
                values, key=lambda au: (au not in marked, not face["aus"][au]["reliable"], -values[au])
            )
            orders.append(rows)
        assert orders[0] != orders[1]


def test_two_pictures_are_compared(page) -> None:
    load(page, one=(1, 0), other=(1, 1))
    assert page.locator(".difference").count() == 10
    assert "→" in page.locator(".difference").first.inner_text()


def test_names_of_faces_at_the_top_stand_below_them(page) -> None:
    load(page, one=(1, 0))
    page.evaluate(
        """async () => {
            const { page: { item } } = await import("/page/state.js");
            item.answer.faces[0].box = [20, 1, 80, 61];
            (await import("/page/stage.js")).drawBoxes();
        }"""
    )
    figure, name = (page.locator(one).bounding_box() for one in ("#figure", ".box span"))
    assert figure["y"] <= name["y"] < name["y"] + name["height"] <= figure["y"] + figure["height"]


def test_people_get_names(page) -> None:
    load(page, one=(1, 0))
    page.get_by_label("Name of this person").fill("Ada")
    assert "Ada" in page.locator("#faces").inner_text()
    assert page.locator(".box").inner_text() == "Ada"


def test_faces_that_may_be_of_other_people_are_called_maybe(page) -> None:
    told = {"people": [1, 2, 1, 2], "person_certainties": [0.95, 0.2, 0.95, 0.2]}
    page.route("**/v1/people", lambda route: route.fulfill(json=told))
    load(page, one=(2, 0), other=(2, 1))
    names = page.locator("#faces b")
    assert names.all_inner_texts() == ["Person 1", "maybe Person 2", "Person 1", "maybe Person 2"]
    page.locator("#faces .face").nth(1).click()
    assert page.locator(".box").nth(1).inner_text() == "maybe Person 2"
    assert page.locator(".says").inner_text().startswith("20 % sure to be Person 2")
    page.get_by_label("Name of this person").fill("Ada")
    assert names.all_inner_texts() == ["Person 1", "Ada", "Person 1", "maybe Ada"]


def test_tables_are_saved_with_the_columns_of_the_command_line(page, analyser: Analyser) -> None:
    load(page, one=(1, 0), none=(0, 0))
    lines = saved(page, "Photographs, CSV").read_text().splitlines()
    table = analyser.analyse(planted_picture(1)).to_pandas()
    assert lines[0].split(",") == list(table.columns)
    assert len(lines) == 3
    assert "no face found" in lines[1] + lines[2]


def test_what_is_hidden_is_said_and_never_compared(browser, graded_weights: Path) -> None:
    from playwright.sync_api import expect

    analyser = Analyser(PlantedFinder(), ActionUnitModel.open(graded_weights))
    seen = {seed: analyser.analyse(planted_picture(1, seed)).faces[0] for seed in range(20)}
    covered = next(seed for seed, face in seen.items() if 0 < len(face.hidden) < 3)
    unseen = {column(au) for au, prob in seen[covered].au_probs.items() if isnan(prob)}
    with served(analyser) as address, opened(browser, address) as page:
        load(page, one=(1, covered), other=(1, next(seed for seed in seen if not seen[seed].hidden)))
        rows = page.locator(".au", has=page.get_by_text("hidden", exact=True))
        for values in ("Calibrated", "Raw", "Subtract the identity"):
            page.get_by_text(values, exact=True).click()
            expect(rows).to_have_count(len(unseen), timeout=30_000)
            assert {text.strip("~") for text in rows.locator(".code").all_inner_texts()} == unseen
        expect(page.locator(".says")).to_contain_text("hidden")
        expect(page.locator(".difference").first).to_be_visible()
        compared = {text.strip("~") for text in page.locator(".difference > :first-child").all_inner_texts()}
        assert compared
        assert not compared & unseen
        assert "Hidden in one of them" in page.locator("#differences").inner_text()
        row = next(csv.DictReader(saved(page, "Photographs, CSV").read_text().splitlines()))
        assert {row[name] + row[f"{name}_present"] + row[f"{name}_intensity"] for name in unseen} == {""}
        answer = json.loads(saved(page, "Photographs, JSON").read_text())[0]["faces"][0]
        assert {name for name, of in answer["aus"].items() if of["probability"] is None} == unseen


def test_what_is_present_has_a_strength_and_nothing_else(browser, graded_weights: Path) -> None:
    analyser = Analyser(PlantedFinder(), ActionUnitModel.open(graded_weights))
    with served(analyser) as address, opened(browser, address) as page:
        load(page, one=(1, 0))
        page.wait_for_selector(".au.present")
        told = {
            ("present" in row.get_attribute("class").split(), "Strength" in row.text_content())
            for row in page.locator(".au").all()
        }
    assert told == {(True, True), (False, False)}


def test_everything_is_done_by_keyboard_which_stays_where_it_was(page) -> None:
    focused = "document.activeElement.textContent.trim() || document.activeElement.id"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the reading"
    for name in ("Webcam", "Movements", "For programs", "files"):
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == name
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    files = [{"name": f"{k}.png", "mimeType": "image/png", "buffer": planted_png(1, k)} for k in range(2)]
    chooser.value.set_files(files)
    page.wait_for_selector("#jobs li", state="detached")
    face = page.locator("#faces .face").nth(1)
    face.press("Enter")
    assert face.get_attribute("aria-pressed") == "true"
    assert face.evaluate("each => each === document.activeElement")
    page.locator("input[value=read]").press("ArrowRight")
    assert page.locator("input[value=raw]").is_checked()
    page.get_by_role("button", name="Movements").press("Enter")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog").is_hidden()


def test_what_cannot_be_read_is_said(page) -> None:
    page.set_input_files("#files", [{"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}])
    page.wait_for_selector("#messages p")
    assert "x.png is not a picture" in page.locator("#messages").inner_text()


def test_the_webcam_is_read_as_it_goes(page) -> None:
    page.get_by_role("button", name="Webcam").click()
    page.wait_for_selector(".box")
    page.wait_for_selector("#caption:has-text('ms a frame')")
    page.get_by_role("button", name="Keep this picture").click()
    page.wait_for_selector("#faces .face")
    page.get_by_role("button", name="Stop").click()
    assert page.locator("#caption").inner_text() == "The webcam is off."
    assert page.get_by_label("The last picture of the webcam").is_visible()


class DirectedFinder(PlantedFinder):
    """Finds what the test says."""

    faces: tuple[FoundFace, ...] = ()

    def find(self, picture: np.ndarray) -> list[FoundFace]:
        return list(self.faces)


def large(face: FoundFace) -> FoundFace:
    x0, y0, x1, y1 = face.box
    return replace(face, box=(x0 - 10, y0 - 10, x1 + 10, y1 + 10))


A_SECOND_WITHOUT = """async () => {
    const { item } = (await import("/page/state.js")).page;
    return item.now.time > item.seen.time + 1;
}"""
"""Whether a frame was answered more than a second after the last that showed the chosen person."""


def test_the_webcam_stays_with_one_person(browser, random_weights: Path) -> None:
    from playwright.sync_api import expect

    one, two, three, four = map(planted_face, range(4))
    finder = DirectedFinder()
    finder.faces = (two, large(three))
    analyser = Analyser(finder, ActionUnitModel.open(random_weights))
    with served(analyser) as address, opened(browser, address) as page:
        boxes, chosen = page.locator(".box"), page.locator(".box[aria-pressed=true]")
        name, says = page.get_by_label("Name of this person"), page.locator(".says")
        page.get_by_role("button", name="Webcam").click()
        expect(chosen).to_have_text("Person 2")  # the largest
        name.fill("Ada")
        finder.faces = (large(large(one)), two, large(three))
        expect(boxes).to_have_count(3)
        expect(chosen).to_have_text("Ada")
        finder.faces = (one, two)
        expect(boxes).to_have_count(2)
        page.wait_for_function(A_SECOND_WITHOUT)
        expect(says).to_have_text("Not seen here.")
        expect(chosen).to_have_count(0)
        boxes.last.click()
        expect(chosen).to_have_text("Person 1")
        finder.faces = (large(one), four)
        expect(chosen).to_have_text("Person 4")  # the only one who came after the chosen one had gone
        expect(name).to_have_value("Person 4")
        page.get_by_role("button", name="Stop").click()
        boxes.first.click()
        expect(name).to_have_value("Person 3")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    load(page, two=(2, 0), other=(1, 1))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name_and_every_picture_a_text(page) -> None:
    load(page, two=(2, 0), other=(1, 1))
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, a, progress, img, video")].filter(each =>
            each.tagName === "IMG" ? !each.hasAttribute("alt") :
            !(each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length)
        ).map(each => each.outerHTML)"""
    )
    assert nameless == []


def test_the_interface_is_described(page, address: str) -> None:
    page.goto(f"{address}docs")
    page.wait_for_selector("html[data-ready]", state="attached")
    assert "POST /v1/photographs" in page.locator("main").inner_text()
