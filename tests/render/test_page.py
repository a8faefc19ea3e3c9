"""The page of HTML in a real browser: legible, usable with keys alone, on a telephone, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.model import Safety
from fixer.render.html import to_html
from tests.render.made import COMPOSE, DOCKERFILE, HOSTILE, evil

LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
LONG = "RUN " + " && ".join(f"install-{n}" for n in range(60)) + " " + "x" * 300
# All texts that are seen, with the contrast to what is behind them, as WCAG counts it.
CONTRAST = """
const rgb = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const behind = one => {
  for (let at = one; at; at = at.parentElement) {
    const rect = at.tagName === 'g' && at.querySelector('rect');
    const color = rgb(rect ? getComputedStyle(rect).fill : getComputedStyle(at).backgroundColor);
    if (color[3] === 1) return color;
    if (color[3] !== 0) throw new Error('half transparent: ' + at.outerHTML.slice(0, 80));
  }
  return [255, 255, 255, 1];
};
const out = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const one = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !one.checkVisibility() || ['STYLE', 'title'].includes(one.tagName)) continue;
  const style = getComputedStyle(one);
  const color = rgb(one.tagName === 'text' ? style.fill : style.color);
  out.push([ratio(color, behind(one)), parseFloat(style.fontSize), walk.currentNode.data.trim().slice(0, 60)]);
}
return out;
"""
FOCUS = """
const one = document.activeElement;
if (one === document.body) return null;
const style = getComputedStyle(one), box = one.getBoundingClientRect();
return [one.tagName.toLowerCase(), style.outlineStyle, parseFloat(style.outlineWidth), box.width > 0 && box.left >= 0,
  [...document.querySelectorAll('a, summary, [tabindex="0"]')].indexOf(one)];
"""


@pytest.fixture(scope="module")
def driver(browser: tuple[str, str]) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location, service = browser[0], browser[1]
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(service))
    try:
        yield found
    finally:
        found.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with all that there can be: several units, a graph, long lines, what is left, and what was not read."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "web").mkdir()
    (folder / "web/Dockerfile").write_text(f"{DOCKERFILE}{LONG}\n")
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "worker").mkdir()
    (folder / "worker/Dockerfile").write_text('FROM acme/base:1\nRUN true\nCMD ["./worker"]\n')
    (folder / "broken.Dockerfile").write_bytes(b"FROM\0")
    report = app.report([folder], Config(), Choice(True, Safety.REVIEW), drawn=True)
    file = folder / "page.html"
    file.write_text(to_html(report))
    return file


def show(driver: webdriver.Chrome, file: Path, width: int = 1280, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    for name in ("browser", "performance"):
        driver.get_log(name)  # what came before
    driver.get(file.as_uri())
    driver.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")


def requests(driver: webdriver.Chrome) -> list[str]:
    rows = (json.loads(row["message"])["message"] for row in driver.get_log("performance"))
    return [row["params"]["request"]["url"] for row in rows if row["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_is_legible_and_fits(driver: webdriver.Chrome, page: Path, width: int, scheme: str) -> None:
    show(driver, page, width, scheme)
    assert requests(driver) == [page.as_uri()]
    assert driver.get_log("browser") == []
    wide, inner = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert (wide, inner) == (width, width)
    texts: list[Any] = driver.execute_script(CONTRAST)
    assert len(texts) > 150
    assert [row for row in texts if row[0] < 4.5] == []
    assert [row for row in texts if row[1] < 12] == []
    dark = driver.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_keys_reach_everything_in_order(driver: webdriver.Chrome, page: Path) -> None:
    show(driver, page, 360)
    wanted = driver.execute_script("return document.querySelectorAll('a, summary, [tabindex=\"0\"]').length")
    seen: list[Any] = []
    for _ in range(wanted + 5):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        focus = driver.execute_script(FOCUS)
        if focus is None:
            break
        seen.append(focus)
    assert [focus[4] for focus in seen] == list(range(wanted))
    assert {focus[0] for focus in seen} == {"a", "summary", "div"}
    assert {(focus[1], focus[2] >= 2, focus[3]) for focus in seen} == {("solid", True, True)}


def test_keys_open_and_close(driver: webdriver.Chrome, page: Path) -> None:
    show(driver, page)
    first = driver.find_element("css selector", "#findings ~ details, section details[id]")
    states = [first.get_property("open")]
    for key in (Keys.ENTER, Keys.SPACE):
        first.find_element("css selector", "summary").send_keys(key)
        states.append(first.get_property("open"))
    assert states == [True, False, True]


def test_it_is_told_to_those_who_do_not_see_it(driver: webdriver.Chrome, page: Path) -> None:
    show(driver, page)
    tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in tree if "role" in one]
    levels = driver.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"main", "banner", "contentinfo"} <= {role for role, _ in named}
    pictures = [name for role, name in named if role in ("image", "img", "graphics-document")]
    assert any("service web runs" in name for name in pictures)
    assert all(name for role, name in named if role in ("link", "heading"))


def test_a_hostile_repository_does_nothing(driver: webdriver.Chrome, tmp_path: Path) -> None:
    words = "".join(HOSTILE).replace("alert(1)", "window.taken=1")
    file = tmp_path / "page.html"
    file.write_text(to_html(evil(words)))
    show(driver, file)
    assert requests(driver) == [file.as_uri()]
    assert driver.get_log("browser") == []
    found = driver.execute_script(
        "return [window.taken, document.querySelectorAll('script, img, iframe, object, a:not([href^=\"#\"])').length,"
        " document.querySelectorAll('style').length, document.title.includes('<script>')]"
    )
    assert found == [None, 0, 1, False]
    assert "<script>window.taken=1</script>" in driver.execute_script("return document.body.innerText")


def test_the_policy_would_stop_it_all_the_same(driver: webdriver.Chrome, page: Path, tmp_path: Path) -> None:
    """Also shows that the tests above would see it."""
    bad = '<script>window.taken=1</script><img src="http://127.0.0.1:9/x" onerror="window.taken=2"><p>x</p>'
    bad += '<p style="color: #999; background: #fff">pale</p>'
    file = tmp_path / "page.html"
    file.write_text(page.read_text().replace("<main>", f"<main>{bad}"))
    show(driver, file)
    assert driver.execute_script("return window.taken") is None
    assert len(driver.get_log("browser")) >= 3
    file.write_text(f"<html><body>{bad}")
    show(driver, file)
    assert driver.execute_script("return window.taken") is not None
    assert len(requests(driver)) == 2
    assert [row[2] for row in driver.execute_script(CONTRAST) if row[0] < 4.5] == ["pale"]
