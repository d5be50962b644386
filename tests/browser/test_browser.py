"""The report in a real browser: what people do with it, step by step, in headless Chromium.

Where Chromium is not installed, CI=true or DIAR_TEST_BROWSER=1 has it installed, from Debian's packages,
as root. Pictures of what was seen are kept in .ci/artefacts.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import small_report
import soundfile
from chromium import FLAGS, chromium, wait_until
from paths import ROOT

from diar.base import colours
from diar.base.types import Turn
from diar.exports import lines
from diar.exports.recording import recording_of
from diar.kaldi import rttm
from diar.report.standalone import StandalonePage
from diar.words import reading
from diar.words.word import Word, text_of

PICTURES = ROOT / ".ci/artefacts"
ODD = 'a<b&"c'


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not chromium():
        if os.environ.get("CI") != "true" and os.environ.get("DIAR_TEST_BROWSER") != "1":
            pytest.skip("no Chromium: DIAR_TEST_BROWSER=1 installs it by apt-get")
        install = subprocess.run(
            [ROOT / "tests/browser/install.sh"], capture_output=True, text=True
        )
        if install.returncode:
            pytest.skip(f"Chromium cannot be installed: {install.stderr.strip()[-300:]}")
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=chromium(), headless=True, args=FLAGS, viewport={"width": 1280, "height": 900},
            ignore_default_args=["--hide-scrollbars"],  # people have them
        )  # fmt: skip
        context.set_default_timeout(20_000)
        yield context
        context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sample_wav, sample_turns):
    """A small experiment with its report; one whose recordings lie beside the page, too."""
    folder = small_report.make(tmp_path_factory.mktemp("seen"), sample_wav, sample_turns)
    for name, options in (("report", ()), ("split", ("--set", "inline=0"))):
        call = [ROOT / "steps/make_report.sh", *options, folder / "data", folder / "exp", "test"]
        subprocess.run(
            [*call, folder / "exp" / name], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
    words = "talk 1 6.9 0.3 Good\ntalk 1 7.2 0.5 morning.\n"  # of one of the recordings
    (folder / "data/test/ctm").write_text(words)
    call = [ROOT / "steps/make_report.sh", folder / "data", folder / "exp", "test"]
    subprocess.run([*call, folder / "exp/worded"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def tab(browser, folder):
    """A fresh page at the overview; in the end nothing was complained of, nothing came from a network."""
    tab = browser.new_page()
    tab.said, tab.asked = [], []
    tab.on(
        "console",
        lambda message: (
            tab.said.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto((folder / "exp/report/index.html").as_uri())
    tab.evaluate("localStorage.clear()")
    yield tab
    said, asked = tab.said, tab.asked
    tab.close()
    assert said == []
    assert [url for url in asked if not re.match("file:|blob:|data:", url)] == []


def picture(tab, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def opened(tab, recording="talk"):
    """Follow its link, and wait until the timeline is drawn."""
    tab.get_by_role("link", name=recording, exact=True).click()
    tab.locator("#timeline .bars .point").first.wait_for()
    wait_until(
        tab,
        "!element('inside').checkVisibility() || document.querySelector('#history .scatterlayer')",
    )


def clock(tab):
    minutes, seconds = tab.locator("#clock").inner_text().split(":")
    return 60 * int(minutes) + float(seconds)


def shown(tab):
    """(from, to) in seconds of the time axis."""
    return tab.evaluate("element('timeline')._fullLayout.xaxis.range")


def settled(tab, low, high):
    """Wait until the time axis shows this; it is drawn a moment after."""
    wait_until(
        tab,
        "([a, b]) => { const [c, d] = element('timeline')._fullLayout.xaxis.range;"
        " return Math.abs(a - c) < 0.2 && Math.abs(b - d) < 0.2; }",
        arg=[low, high],
    )


def point_of(tab, seconds):
    """Where on the screen the timeline has this time."""
    return tab.evaluate(
        "(t) => { const g = element('timeline'), l = g._fullLayout, b = g.getBoundingClientRect();"
        " return [b.left + l._size.l + l.xaxis.l2p(t), b.top + l._size.t + 60]; }",
        seconds,
    )


def column(tab, caption, number):
    table = tab.locator("table.sortable", has=tab.locator("caption", has_text=caption)).first
    return table, table.locator(f"tbody tr > :nth-child({number + 1})").all_inner_texts()


def headings(tab, caption):
    """What can be seen of the first row of a table."""
    table = column(tab, caption, 0)[0]
    return [text for text in table.locator("thead th:visible").all_inner_texts() if text]


def test_overview_sorts(tab):
    table, before = column(tab, "DER, below it", 0)
    assert before == ["DEC, default", "AHC"]
    heading = table.get_by_role("button", name="DER % full")
    place = heading.evaluate("(b) => b.closest('th').cellIndex")
    ders = []
    for order in ("ascending", "descending"):
        heading.click()
        assert table.locator("th[aria-sort]").get_attribute("aria-sort") == order
        ders.append([float(x.split()[0]) for x in column(tab, "DER, below it", place)[1]])
    assert ders[0] == sorted(ders[0]) and ders[1] == ders[0][::-1] and ders[0][0] < ders[0][1]
    heading.press("Enter")  # by keyboard, too
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    picture(tab, "overview")


def test_one_protocol_in_all_tables(tab):
    """It is kept in the address, and by what one looks at next."""
    assert headings(tab, "DER, below it")[:2] == ["system", "DER % full"]
    before = tab.locator("tr", has=tab.get_by_role("link", name="talk", exact=True)).inner_text()
    tab.select_option("#protocol", "forgiving")
    assert headings(tab, "DER, below it")[:2] == ["system", "DER % forgiving"]
    after = tab.locator("tr", has=tab.get_by_role("link", name="talk", exact=True)).inner_text()
    assert before != after and len(before.split()) == len(after.split())
    tab.get_by_text("against the others").first.click()
    paired = column(tab, "against the others", 0)[0]
    assert paired.locator("tbody tr:visible").count() == 1
    assert tab.evaluate("location.hash") == "#?protocol=forgiving"
    opened(tab)
    assert "protocol=forgiving" in tab.evaluate("location.hash")
    tab.keyboard.press("Escape")
    tab.locator("#overview").wait_for()
    tab.reload()
    assert tab.locator("#protocol").input_value() == "forgiving"
    assert headings(tab, "DER, below it")[1] == "DER % forgiving"
    tab.select_option("#protocol", "full")
    assert "protocol" not in tab.evaluate("location.hash")


def test_the_systems_that_are_shown(tab, folder):
    assert headings(tab, "select one to see")[-2:] == ["DEC, default", "AHC"]
    tab.get_by_text("systems: all").click()
    tab.get_by_label("DEC, default", exact=True).uncheck()
    assert headings(tab, "select one to see")[-1:] == ["AHC"] == headings(tab, "of each set")[1:]
    assert column(tab, "DER, below it", 0)[0].locator("tbody tr:visible").count() == 1
    tab.get_by_label("AHC", exact=True).click()  # the last one stays
    assert tab.get_by_label("AHC", exact=True).is_checked()
    tab.keyboard.press("Escape")
    assert not tab.locator("#systems").is_visible()
    assert tab.locator("#how-many").inner_text() == "1 of 2"
    address = tab.url
    link = tab.get_by_role("link", name="talk", exact=True).get_attribute("href")
    assert address.endswith("#?system=ahc") and link == "#test/talk?system=ahc"
    tab.goto("about:blank")
    tab.goto(address)
    assert headings(tab, "of each set") == ["set", "AHC"]
    tab.goto("about:blank")
    tab.goto(f"{(folder / 'exp/report/index.html').as_uri()}#?system=nobody&protocol=none")
    assert headings(tab, "of each set") == ["set", "DEC, default", "AHC"]


def test_the_best_is_marked_and_colours_have_figures(tab):
    best = column(tab, "DER, below it", 0)[0].locator("tr", has_text="DEC, default")
    assert [x.split() for x in best.locator("td:visible", has=tab.locator("b")).all_inner_texts()]
    cells = tab.locator("td[style^='--heat']:visible")
    heats = cells.evaluate_all("(all) => all.map((c) => [+c.dataset.value, +c.style.getPropertyValue('--heat'), c.innerText])")  # fmt: skip
    assert len(heats) > 4 and all(text.startswith(f"{der:.2f}") for der, _, text in heats)
    assert [heat for _, heat, _ in sorted(heats)] == sorted(heat for _, heat, _ in heats)


def test_a_wide_table_scrolls_below_its_first_column(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    box = tab.locator(".wide", has_text="DER, below it").first
    assert box.evaluate("(b) => b.scrollWidth > b.clientWidth")
    name, figures = box.locator("tbody th").first, box.locator("tbody td:visible").last
    left = name.bounding_box()["x"]
    assert figures.bounding_box()["x"] > 390
    box.evaluate("(b) => { b.scrollLeft = b.scrollWidth; }")
    assert name.bounding_box()["x"] == left and figures.bounding_box()["x"] < 390
    tops = [tab.locator(x).bounding_box()["y"] for x in ("#protocol", ".menu summary")]
    assert abs(tops[0] - tops[1]) < 8  # one row
    picture(tab, "phone_overview")


def test_recording_shows_who_speaks_when(tab, sample_turns):
    opened(tab)
    lanes = tab.evaluate(
        "element('timeline')._fullData.filter((t) => t.type === 'bar').map((t) => ({name: t.text[0],"
        " colour: t.marker.color, base: [...t.base], x: [...t.x]}))"
    )
    reference = lanes[:2]
    for lane in reference:
        who = re.search(r"speaker\d+", lane["name"])[0]
        bars = [(b, b + x) for b, x in zip(lane["base"], lane["x"], strict=True)]
        expected = sorted((s, e) for s, e, speaker in sample_turns if speaker == who)
        pixel = 0.05  # turns that are closer are drawn as one
        assert {round(b, 2) for b, _ in bars} <= {round(s, 2) for s, _ in expected}
        assert all(any(b - pixel <= s and e <= f + pixel for b, f in bars) for s, e in expected)
    colour = {re.search(r"speaker\d+", lane["name"])[0]: lane["colour"] for lane in reference}
    for lane in lanes[2:4]:  # the hypothesis has the colours of those whom it stands for
        assert lane["colour"] == colour[re.search(r"speaker\d+", lane["name"])[0]]
    assert set(colour.values()) == set(colours.SPEAKERS[:2])
    labels = tab.locator("#timeline .ytick").all_text_contents()
    assert {
        "reference",
        "speaker90",
        "talk_1",
        "miss",
        "false alarm",
        "confusion",
        "overlap",
    } <= set(labels)
    assert tab.locator("#figures").inner_text().count("DER") == 1
    rows = tab.locator("#talking tbody tr").all_inner_texts()
    assert len(rows) == 2 and all("talk_" in row for row in rows)
    picture(tab, "recording")


def test_zoom_and_move(tab):
    opened(tab)
    assert shown(tab) == [0, 30]
    tab.keyboard.press("+")
    settled(tab, 0, 15)
    tab.get_by_role("button", name="+", exact=True).click()
    settled(tab, 0, 7.5)
    x, y = point_of(tab, 5)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x - 300, y, steps=5)
    tab.mouse.up()
    wait_until(tab, "element('timeline')._fullLayout.xaxis.range[0] > 1")
    tab.wait_for_timeout(300)
    low, high = shown(tab)
    assert high - low == pytest.approx(7.5) and clock(tab) == 0  # a drag is no click
    x, y = point_of(tab, 6)
    tab.mouse.move(x, y)
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -300)
    tab.keyboard.up("Control")
    wait_until(
        tab,
        "(w) => { const [a, b] = element('timeline')._fullLayout.xaxis.range; return b - a < w - 1; }",
        arg=7.5,
    )
    assert point_of(tab, 6)[0] == pytest.approx(x, abs=3)  # what is below the pointer stays there
    tab.keyboard.press("0")
    settled(tab, 0, 30)


def test_click_plays_from_there(tab):
    opened(tab)
    tab.mouse.click(*point_of(tab, 12))
    wait_until(tab, "element('audio').currentTime > 12.5 && !element('audio').paused")
    assert tab.locator("#play").get_attribute("aria-pressed") == "true"
    head = tab.evaluate("element('playhead').getBoundingClientRect().left")
    wait_until(tab, "element('audio').currentTime > 13")
    assert tab.evaluate("element('playhead').getBoundingClientRect().left") > head
    tab.keyboard.press(" ")
    wait_until(tab, "element('audio').paused")
    now = clock(tab)
    assert 13 <= now < 20
    assert (
        head
        < tab.evaluate("element('playhead').getBoundingClientRect().left")
        == pytest.approx(point_of(tab, now)[0], abs=4)
    )
    tab.keyboard.press("ArrowRight")
    assert clock(tab) == pytest.approx(now + 5, abs=0.11)


def test_the_view_follows_what_is_heard(tab):
    opened(tab)
    for _ in range(3):
        tab.get_by_role("button", name="+", exact=True).click()
    settled(tab, 0, 3.75)
    tab.evaluate("page.seek(3.5, true)")
    wait_until(tab, "element('timeline')._fullLayout.xaxis.range[0] > 2")
    tab.keyboard.press(" ")


def test_a_latent_point_leads_to_its_time(tab):
    opened(tab)
    tab.locator("#latents").scroll_into_view_if_needed()
    row, x, y = tab.evaluate(
        "() => { const g = element('latents'), l = g._fullLayout, b = g.getBoundingClientRect();"
        " const t = g._fullData[0], i = t.x.length - 1;"
        " return [t.customdata[i], b.left + l._size.l + l.xaxis._offset - l._size.l + l.xaxis.l2p(t.x[i]),"
        " b.top + l.yaxis._offset + l.yaxis.l2p(t.y[i])]; }"
    )
    tab.mouse.move(x, y)
    tab.wait_for_timeout(200)
    tab.mouse.click(x, y)
    wait_until(tab, "!element('audio').paused")
    tab.keyboard.press(" ")
    assert row <= clock(tab) < row + 3
    ring = tab.evaluate("element('latents')._fullData.at(-1).x.length")
    assert ring == 1
    points = {by: None for by in ("hypothesis", "reference")}
    lanes = tab.evaluate("Object.fromEntries(page.timeline.lanes.map((l) => [l.label, l.colour]))")
    for by in points:
        tab.select_option("#colour", by)
        wait_until(
            tab,
            "(by) => element('latents')._fullData.some((t) => t.name?.startsWith(by))",
            arg={"hypothesis": "talk_", "reference": "speaker"}[by],
        )
        points[by] = tab.evaluate(
            "Object.fromEntries(element('latents')._fullData.filter((t) => t.name.includes('alk') || t.name.includes('peaker'))"
            ".map((t) => [t.name, t.marker.color]))"
        )
    assert set(points["hypothesis"]) == {"talk_1", "talk_2"}
    assert {"speaker90", "speaker91"} <= set(points["reference"])
    assert points["hypothesis"].items() <= lanes.items() >= points["reference"].items()
    before = tab.evaluate("[...element('latents')._fullData[0].x]")
    tab.select_option("#projection", "tsne")
    wait_until(tab, "(x) => element('latents')._fullData[0].x[0] !== x", arg=before[0])
    tab.locator("#latents").screenshot(path=PICTURES / "latents.png")
    losses = tab.evaluate("[...element('history')._fullData[0].y]")
    assert losses == [0.9, 0.5, None]


def test_two_systems_beside_each_other(tab):
    opened(tab)
    bars = tab.locator("#timeline .ytick").count()
    tab.select_option("#second", label="AHC")
    tab.locator("#timeline .ytick", has_text="only one is wrong").wait_for()
    assert tab.locator("#timeline .ytick").count() > bars + 5
    assert tab.locator("#figures").inner_text().count("DER") == 2
    picture(tab, "compared")
    tab.select_option("#first", label="AHC")
    wait_until(tab, "element('inside').hidden")  # a baseline has no latents
    assert tab.locator("#second").input_value() == ""  # a system is not compared with itself


def test_one_legend_for_all_charts(tab):
    opened(tab)
    assert tab.locator(".js-plotly-plot .legend").count() == 0
    legend = tab.get_by_role("group", name="legend")
    entries = legend.locator(":scope > span").all_inner_texts()
    assert sorted(entries[:2]) == ["speaker90 = talk_2", "speaker91 = talk_1"]
    swatches = legend.locator(".swatch").evaluate_all("(all) => all.map((i) => i.style.backgroundColor)")  # fmt: skip
    bars = tab.locator("#talking td:last-child i").evaluate_all("(all) => all.map((i) => i.style.backgroundColor)")  # fmt: skip
    assert set(bars) == set(swatches[:2])
    tab.select_option(
        "#first", label="AHC"
    )  # its lanes have names, and it has neither posteriors nor latents
    legend.locator(":scope > span").first.wait_for(state="detached")
    tab.select_option("#first", label="DEC, default")
    tab.keyboard.press("Escape")
    opened(tab, ODD)
    signs = [text[0] for text in legend.locator(":scope > span").all_inner_texts()]
    assert signs.count("■") == small_report.SPEAKERS - len(colours.SPEAKERS)  # as the points


def test_doubtful_turns_are_marked(tab, folder):
    """In list and lane, by more than a colour, and said."""
    opened(tab)
    assert tab.get_by_role("img", name="timeline; doubtful turns: 1").is_visible()
    turns = rttm.load_rttm(folder / "exp/dec_default/test/rttm")
    (doubtful,) = (turn for turn, sure in turns.confidences.items() if sure < 0.7)
    marks = tab.locator("#timeline .textpoint")
    assert marks.all_text_contents() == ["?"]
    box = marks.bounding_box()
    middle = point_of(tab, (doubtful.start + doubtful.end) / 2)[0]
    assert box["x"] + box["width"] / 2 == pytest.approx(middle, abs=2)
    hollow = tab.evaluate(
        "element('timeline')._fullData.filter((t) => t.type === 'bar' && t.marker.line.width)"
        ".map((t) => [t.base[0], t.x[0], t.marker.color, t.text[0]])"
    )
    start, length, fill, text = hollow[0]
    assert len(hollow) == 1 and start == pytest.approx(doubtful.start, abs=2e-3)
    assert length == pytest.approx(doubtful.duration, abs=2e-3)
    assert fill not in colours.SPEAKERS and "doubtful: 43 %" in text
    tab.get_by_text("Turns", exact=True).click()
    row = tab.locator("#turn-list tr", has=tab.locator(".doubt"))
    row.first.wait_for()
    assert row.count() == 1
    assert (
        re.sub(r"\s+", " ", row.locator("td").nth(2).inner_text())
        == f"{doubtful.speaker}? doubtful: 43 %"
    )
    name = tab.locator("#turn-list .doubt").aria_snapshot()
    assert "doubtful: 43 %" in name and "?" not in name  # as a screen reader has it
    legend = tab.get_by_role("group", name="legend").get_by_text("doubtful")
    assert legend.count() == 1 and "70 %" in legend.inner_text()
    picture(tab, "doubtful")
    tab.keyboard.press("+")
    wait_until(tab, "document.querySelector('#timeline').ariaLabel.includes('1')")
    tab.select_option("#first", label="AHC")  # of a baseline nobody knows
    tab.locator("#turn-list .doubt").wait_for(state="detached")
    assert tab.get_by_role("img", name="timeline", exact=True).is_visible()
    assert marks.count() == legend.count() == 0


def test_next_error(tab):
    opened(tab)
    tab.select_option("#first", label="AHC")
    times = []
    for _ in range(3):
        tab.keyboard.press("e")
        times.append(clock(tab))
    assert times == sorted(set(times))


def test_dark_and_light(tab):
    def ground():
        return tab.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    tab.keyboard.press("d")
    dark = ground()
    assert light != dark
    tab.reload()
    assert ground() == dark  # as it was left
    opened(tab)
    assert tab.evaluate("element('timeline')._fullLayout.plot_bgcolor") == "#16181c"
    picture(tab, "dark")


def test_on_a_phone(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert tab.evaluate(wide) <= 0
    opened(tab)
    assert tab.evaluate(wide) <= 0
    box = tab.locator("#timeline").bounding_box()
    assert box["width"] <= 390
    picture(tab, "phone")


def test_by_keyboard_alone(tab):
    link = tab.get_by_role("link", name="talk", exact=True)
    link.focus()
    tab.keyboard.press("Enter")
    tab.locator("#timeline .bars .point").first.wait_for()
    assert tab.evaluate("document.activeElement.id") == "name"
    tab.keyboard.press("p")
    wait_until(tab, "(name) => element('name').textContent === name", arg=ODD)
    tab.keyboard.press("n")
    wait_until(tab, "element('name').textContent === 'talk'")
    tab.keyboard.press("Escape")
    tab.locator("#overview").wait_for()


def test_odd_names_and_many_speakers(tab):
    opened(tab, ODD)
    labels = tab.locator("#timeline .ytick").all_text_contents()
    assert {f"<i>{i}</i>" for i in range(small_report.SPEAKERS)} <= set(
        labels
    )  # as text, not as markup
    marks = tab.evaluate(
        "element('timeline')._fullData.filter((t) => t.type === 'bar').slice(0, 9)"
        ".map((t) => `${t.marker.color} ${t.marker.pattern.shape}`)"
    )
    assert len(set(marks)) == small_report.SPEAKERS
    fills = tab.evaluate(
        "element('timeline')._fullData.filter((t) => t.stackgroup)"
        ".map((t) => `${t.fillcolor} ${t.fillpattern?.shape}`)"
    )
    bars = tab.locator("#talking tbody td:last-child i").evaluate_all(
        "(all) => all.map((i) => `${i.style.backgroundColor} ${getComputedStyle(i).backgroundImage}`)"
    )
    assert len(set(fills)) == len(set(bars)) == small_report.SPEAKERS
    picture(tab, "many_speakers")


def test_the_time_axis_stays_in_sight(tab):
    opened(tab)
    marks = tab.locator("#marks span")
    assert marks.first.inner_text() == "0:00" and marks.last.inner_text() == "0:30"
    tab.mouse.wheel(0, 600)
    wait_until(tab, "window.scrollY > 300")
    assert 0 <= tab.locator("#ruler").bounding_box()["y"] < 200
    tab.keyboard.press("+")
    settled(tab, 0, 15)
    wait_until(
        tab, "[...document.querySelectorAll('#marks span')].at(-1).innerText.startsWith('0:1')"
    )
    box = tab.locator("#marks span", has_text="0:10").bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(point_of(tab, 10)[0], abs=2)
    tab.mouse.click(point_of(tab, 10)[0], box["y"] + 4)  # it leads to a moment, too
    wait_until(tab, "element('audio').currentTime >= 10 && !element('audio').paused")
    tab.keyboard.press(" ")


def test_how_loud_it_is(tab):
    opened(tab, ODD)
    assert not tab.locator("#loudness").is_visible()  # there is no audio
    tab.keyboard.press("Escape")
    opened(tab)
    inked = (  # how many pixels of each column of the strip are
        "() => { const c = element('loudness'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return [...Array(c.width).keys()].map((x) => [...Array(c.height).keys()]"
        ".filter((y) => d[4 * (y * c.width + x) + 3]).length); }"
    )
    high = tab.evaluate(inked)
    levels = tab.evaluate("page.view.loudness.levels")
    assert len(set(high)) > 10 and max(high) <= 28
    loud, quiet = (levels.index(x) / len(levels) * len(high) for x in (max(levels), min(levels)))
    assert max(high[int(loud) - 1 : int(loud) + 2]) == max(high) > high[int(quiet)]


def test_audio_that_is_not_there_can_be_chosen(tab, sample_wav):
    opened(tab, ODD)
    tab.keyboard.press(" ")
    assert "choose the file" in tab.locator("#alert").inner_text()
    tab.set_input_files("#file", sample_wav)
    wait_until(tab, "element('audio').readyState > 0")
    tab.keyboard.press(" ")
    wait_until(tab, "element('audio').currentTime > 0.2")
    assert not tab.locator("#alert").is_visible()


def test_an_address_leads_to_a_moment(tab, folder):
    address = (folder / "exp/report/index.html").as_uri()
    tab.goto("about:blank")
    tab.goto(f"{address}#test%2Ftalk?a=ahc&b=dec_default&t=7.5")
    tab.locator("#timeline .bars .point").first.wait_for()
    wait_until(tab, "element('clock').textContent === '0:07.5'")
    assert tab.locator("#first").input_value() == "ahc"
    assert tab.locator("#second").input_value() == "dec_default"


def test_recordings_beside_the_page(tab, folder, tmp_path):
    copy = Path(shutil.copytree(folder / "exp/split", tmp_path / "moved"))
    (copy / f"index_files/test/{ODD}.js").unlink()
    tab.goto((copy / "index.html").as_uri())
    opened(tab)
    assert tab.locator("#talking tbody tr").count() == 2
    tab.keyboard.press("p")
    wait_until(tab, "!element('alert').hidden")
    assert "put it beside this page" in tab.locator("#alert").inner_text()
    assert any("ERR_FILE_NOT_FOUND" in text for text in tab.said)
    tab.said.clear()
    shutil.copy(folder / f"exp/split/index_files/test/{ODD}.js", copy / "index_files/test")
    tab.keyboard.press("Escape")  # after the talk, which is still shown
    tab.get_by_role("link", name=ODD, exact=True).click()
    wait_until(tab, "(name) => element('name').textContent === name", arg=ODD)
    assert not tab.locator("#alert").is_visible()
    assert tab.locator("head script").count() == tab.evaluate("library ? 1 : 0")  # none is left


SLOWLY = (
    "(slow) => { const fast = packedOf; packedOf = (key) => key === slow"
    " ? new Promise((done) => setTimeout(() => done(fast(key)), 700)) : fast(key); }"
)


def go(tab, recording):
    tab.evaluate("(name) => { location.hash = encodeURIComponent(`test/${name}`); }", recording)


def test_of_rapid_clicks_the_last_one_counts(tab):
    tab.evaluate(SLOWLY, f"test/{ODD}")
    go(tab, ODD)
    go(tab, "talk")
    wait_until(tab, "element('name').textContent === 'talk'")
    tab.wait_for_timeout(900)
    assert tab.locator("#name").inner_text() == "talk"
    assert tab.evaluate("page.timeline.view.recording") == "talk"
    go(tab, ODD)
    tab.keyboard.press("Escape")
    tab.wait_for_timeout(900)
    assert tab.locator("#overview").is_visible() and not tab.locator("#recording").is_visible()


def test_keys_before_anything_is_drawn(tab):
    tab.evaluate(SLOWLY, "test/talk")
    go(tab, "talk")
    for key in (" ", "ArrowLeft", "ArrowRight", "+", "-", "0", "e", "n", "p"):
        tab.keyboard.press(key)
    tab.locator("#timeline .bars .point").first.wait_for()
    assert tab.locator("#name").inner_text() == "talk" and tab.said == []


def test_an_address_of_nothing(tab):
    go(tab, "nobody")
    wait_until(tab, "!element('alert').hidden")
    assert "test/nobody: there is no such" in tab.locator("#alert").inner_text()
    assert tab.locator("#overview").is_visible()
    tab.evaluate("location.hash = 'test%2Ftalk?t=later'")  # no time
    tab.locator("#timeline .bars .point").first.wait_for()
    assert clock(tab) == 0 and not tab.locator("#alert").is_visible()


def test_back_to_where_it_was_chosen(tab):
    opened(tab)
    tab.keyboard.press("Escape")
    tab.locator("#overview").wait_for()
    assert tab.evaluate("document.activeElement.textContent") == "talk"
    tab.go_back()
    tab.locator("#timeline .bars .point").first.wait_for()
    tab.go_back()
    tab.locator("#overview").wait_for()


def test_audio_that_ends_before_the_recording(tab, sample_wav):
    opened(tab, ODD)
    tab.set_input_files("#file", sample_wav)
    wait_until(tab, "element('audio').readyState > 0")
    tab.mouse.click(*point_of(tab, 10))
    wait_until(tab, "!element('audio').paused")
    tab.mouse.click(*point_of(tab, 60))  # from its end it would play from its beginning
    wait_until(tab, "element('audio').paused")
    assert "ends at 0:30.0" in tab.locator("#alert").inner_text()
    assert clock(tab) == pytest.approx(60, abs=0.5)


def test_another_file_stops_the_first(tab, sample_wav):
    opened(tab)
    tab.keyboard.press(" ")
    wait_until(tab, "element('audio').currentTime > 0.2")
    tab.set_input_files("#file", sample_wav)
    wait_until(tab, "element('play').ariaPressed === 'false'")
    assert tab.evaluate("element('audio').paused")
    wait_until(tab, "element('audio').readyState > 0")
    tab.keyboard.press(" ")
    wait_until(tab, "element('audio').currentTime > 0.2")
    tab.keyboard.press("p")  # so does another recording
    wait_until(tab, "(name) => element('name').textContent === name", arg=ODD)
    wait_until(tab, "element('play').ariaPressed === 'false'")


def test_the_charts_are_as_wide_as_their_place(tab):
    """Also when the window was changed while they could not be seen, long before."""
    for width in (1280, 700, 390):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.wait_for_timeout(300)
        opened(tab)
        wait_until(
            tab,
            "['timeline', 'latents', 'history'].every("
            "(id) => element(id)._fullLayout.width === element(id).parentElement.clientWidth)",
        )
        tab.keyboard.press("Escape")
        tab.locator("#overview").wait_for()


def test_names_of_speakers_stay_text_everywhere(tab):
    opened(tab, ODD)
    tab.select_option("#colour", "reference")
    tab.locator("#legend span", has_text="<i>0</i> = ").first.wait_for()
    short = tab.evaluate(
        "[1, 2, 12].map((i) => shorter(`a_rather_long_name_of_a_recording_${i}`, 11))"
    )
    assert len(set(short)) == 3 and {len(name) for name in short} == {11}
    assert tab.evaluate("shorter('speaker_12', 11)") == "speaker_12"


def test_nothing_to_refine(tab):
    opened(tab)
    tab.evaluate("page.view.systems.dec_default.history = []; page.draw()")
    tab.locator("#steps").wait_for(state="hidden")
    tab.evaluate("page.view.systems.dec_default.projections = {}; page.draw()")
    tab.locator("#inside").wait_for(state="hidden")
    assert not tab.locator("#alert").is_visible()


def test_a_day_and_a_moment(tab):
    opened(tab)
    view = "{ recording: 'r', duration: %d, reference: null, systems: { x: { speakers: ['r_1'], places: [0], pairs: [null], turns: [[%d, %d, 0]], errors: null } } }"  # fmt: skip
    show = "page.timeline.show(%s, ['x'], { x: 'x' })"
    tab.evaluate(show % view % (86_400_000, 40_000_000, 40_000_500))
    bar = tab.locator("#timeline .bars .point").bounding_box()
    assert bar["width"] >= 0.7  # half a second of a day is seen
    assert tab.locator("#marks span").last.text_content() == "24:00:00"
    tab.evaluate(show % view % (0, 0, 1))  # a recording without a length
    assert shown(tab) == [0, 0.1]


def test_nothing_but_the_scripts_of_the_page_runs(tab):
    """What data could smuggle in: handlers, scripts, addresses, a network. The page itself works, as all above."""
    opened(tab)
    tab.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", `<a id="lure" href="javascript:window.ran = 1">x</a>
            <img src="http://127.0.0.1:9/x.png" onerror="window.ran = 2"><iframe srcdoc="<script>parent.ran = 3</script>"></iframe>`);
          const script = document.createElement("script");
          script.textContent = "window.ran = 4";
          document.body.append(script);
          element("lure").click();
          fetch("http://127.0.0.1:9/").catch(() => { window.refused = true; });
        }"""
    )
    wait_until(tab, "window.refused")
    assert tab.evaluate("window.ran") is None
    assert len(tab.said) >= 4 and all("Content Security Policy" in text for text in tab.said)
    tab.said.clear()
    tab.asked[:] = [url for url in tab.asked if "127.0.0.1:9" not in url]


TURNS = [
    Turn("meet", 0.5, 4.0, "meet_1"),
    Turn("meet", 4.0, 3.25, "meet_2"),
    Turn("meet", 9, 2, "meet_1"),
]
WORDS = [
    Word("meet", 0.6, 0.9, "Shall", "meet_1"), Word("meet", 1.0, 1.5, 'we, "now"?', "meet_1"),
    Word("meet", 5.0, 5.5, "Yes.", "meet_2"), Word("meet", 20.0, 20.5, "<b>hm", ""),
]  # fmt: skip


SURE = {TURNS[0]: 0.987, TURNS[1]: 0.1234}


def standalone(tab, folder, sample_wav, words=(), sure=None):
    """The page of diarize.py --html --embed-audio, opened."""
    page = StandalonePage(folder / "meet.html", "diarize.py", {}, embed_audio=True)
    page.add(
        page.listen("meet", sample_wav, soundfile.read(sample_wav)[0], 16000), TURNS, words, sure
    )
    page.write()
    tab.goto("about:blank")
    tab.goto((folder / "meet.html").as_uri())
    tab.locator("#timeline .bars .point").first.wait_for()


def saved(tab, kind):
    with tab.expect_download() as download:
        tab.locator(f"#save-{kind}").click()
    assert download.value.suggested_filename == f"meet.{kind}"
    return Path(download.value.path()).read_bytes().decode("utf-8")


def test_a_page_for_those_who_want_to_know_who_speaks(tab, tmp_path, sample_wav):
    standalone(tab, tmp_path, sample_wav, WORDS)
    for nothing in (
        "#first",
        "#second",
        "#error",
        "#previous",
        "#next",
        "#other",
        "#inside",
        "#latents",
    ):
        assert not tab.locator(nothing).is_visible()
    rows = [row.split("\t") for row in tab.locator("#turn-list tbody tr").all_inner_texts()]
    assert [(row[2], row[3]) for row in rows] == [
        ("meet_1", 'Shall we, "now"?'), ("meet_2", "Yes."), ("unknown", "<b>hm"),
    ]  # fmt: skip
    tab.get_by_role("button", name="play from 0:05.0").click()
    wait_until(tab, "element('audio').currentTime >= 5 && !element('audio').paused")
    assert "Yes." in tab.locator("#turn-list [aria-current]").inner_text()
    tab.keyboard.press("Escape")
    tab.evaluate("page.pause()")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    picture(tab, "standalone_phone")
    tab.set_viewport_size({"width": 1280, "height": 900})
    picture(tab, "standalone")


def test_names_are_given_in_the_page_and_saved(tab, tmp_path, sample_wav):
    standalone(tab, tmp_path, sample_wav)
    assert saved(tab, "rttm") == rttm.format_rttm(TURNS)
    exported = recording_of("meet", TURNS, 30.0)
    assert saved(tab, "srt") == lines.srt(exported) and saved(tab, "csv") == lines.table(exported)
    field = tab.get_by_label("name of meet_2")
    field.fill("  Ben  Ali ")
    field.press("Enter")
    field.blur()
    tab.locator("#timeline .ytick", has_text="Ben Ali").wait_for()
    assert tab.locator("#talking", has_text="Ben Ali").is_visible()
    assert tab.locator("#turn-list td:nth-child(3)").all_inner_texts() == [
        "meet_1",
        "Ben Ali",
        "meet_1",
    ]
    renamed = [t._replace(speaker={"meet_2": "Ben_Ali"}.get(t.speaker, t.speaker)) for t in TURNS]
    assert saved(tab, "rttm") == rttm.format_rttm(renamed)
    field.fill("")
    field.blur()
    assert field.input_value() == "Ben Ali"


def test_doubtful_turns_of_the_page_for_all(tab, tmp_path, sample_wav):
    standalone(tab, tmp_path, sample_wav, WORDS, SURE)
    rows = tab.locator("#turn-list tbody tr")
    marked = [row.locator(".doubt").count() for row in rows.all()]
    assert marked == [0, 1, 0]  # the text of the doubtful turn
    assert "12 %" in rows.nth(1).inner_text()
    assert tab.locator("#timeline .textpoint").count() == 1
    assert saved(tab, "rttm") == rttm.format_rttm(TURNS, SURE)
    field = tab.get_by_label("name of meet_2")
    field.fill("Ben")
    field.blur()
    wait_until(tab, "document.querySelector('#turn-list .doubt').parentElement.innerText.startsWith('Ben')")  # fmt: skip
    picture(tab, "standalone_doubtful")


def test_words_are_saved_with_their_speakers(tab, tmp_path, sample_wav):
    standalone(tab, tmp_path, sample_wav, WORDS)
    rows = list(csv.DictReader(io.StringIO(saved(tab, "csv"), newline="")))
    assert [(row["speaker"], row["text"]) for row in rows] == [
        ("meet_1", 'Shall we, "now"?'), ("meet_2", "Yes."), ("unknown", "<b>hm"),
    ]  # fmt: skip
    (tmp_path / "x.srt").write_text(saved(tab, "srt"), encoding="utf-8")
    words = reading.read(tmp_path / "x.srt", "meet").words["meet"]
    assert (
        text_of(words) == 'meet_1: Shall we, "now"? meet_2: Yes. unknown: hm'
    )  # a tag, to readers of SRT
    assert [words[0].start, words[-1].end] == [0.6, 20.5]


def test_words_beside_the_turns_of_an_experiment(tab, folder):
    tab.goto((folder / "exp/worded/index.html").as_uri())
    opened(tab)
    row = tab.locator("#turn-list tbody tr")
    assert row.count() == 1 and row.inner_text().endswith("Good morning.")
    row.get_by_role("button").click()
    wait_until(tab, "element('audio').currentTime >= 6.9 && !element('audio').paused")
    tab.keyboard.press(" ")
    picture(tab, "words")
    tab.keyboard.press("Escape")
    opened(tab, ODD)  # nobody has written down what is said there
    assert not tab.locator("#turn-list").is_visible()


def test_turns_of_an_experiment_are_folded(tab):
    opened(tab)
    assert tab.locator("#turn-list tr").count() == 0
    tab.get_by_text("Turns", exact=True).click()
    tab.locator("#turn-list tbody tr").first.wait_for()
    count = tab.evaluate("page.view.systems.dec_default.turns.length")
    assert tab.locator("#turn-list tbody tr").count() == count
    tab.select_option("#first", label="AHC")
    wait_until(tab, "turns => document.querySelectorAll('#turn-list tbody tr').length === page.view.systems.ahc.turns.length")  # fmt: skip
