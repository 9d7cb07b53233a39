"""A report's page in Chromium: when it can be used, how long a frame of zooming takes, the tab's memory.

Needs the package `playwright` and Chromium (BARROW_CHROMIUM names another than /usr/bin/chromium);
missing() says what isn't there.  Everything is measured in a browser without a window and without a
graphics card, so pixels are drawn by the processor too:

* First view: from the start of navigation, reading the file included, to the frame after the one in
  which the overview was put into the page.
* Zoom frames: wheel and keys as a user's, sent without a pause, with the browser's limit of 60 frames
  a second lifted.  A frame lasts from its requestAnimationFrame callback to the next one's, so it
  holds the drawing, the page's other work, and the handling of the next input.  Only frames that drew
  the graph count.
* Processor time: of the tab's main thread, which runs the page.  On a machine that does other things too it
  says more than the time by the clock; a frame's is the mean over all that was zoomed.
* Memory: resident set of the tab's process, highest and at the end, and its proportional share at the end.
"""

import os
import statistics
import time
from pathlib import Path

CHROMIUM = os.environ.get("BARROW_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
WHEEL_STEPS, KEY_STEPS = 120, 60
GOAL_VIEW_S, GOAL_FRAME_MS, GOAL_TAB_BYTES = 2.0, 16.0, 600e6

# Runs before the page's own script: notes when a view is there and drawn.
WATCH = """
  globalThis.shown = undefined;
  const watch = new MutationObserver(() => {
    if (!document.querySelector('[data-view]')) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.shown = performance.now())));
  });
  watch.observe(document, { childList: true, subtree: true });
"""
# Every frame that draws the graph: when it began, how long the drawing's script took, when the next one began.
FRAMES = """() => {
  const graph = globalThis.barrowFlame;
  const paint = graph.paint;
  let drawn = false;
  globalThis.frames = [];
  graph.paint = function () { paint.call(this); drawn = true; };
  let before = 0;
  const tick = () => {
    const now = performance.now();
    // The graph asks for its frames after this one did: what it drew belongs to the frame that ends here.
    if (drawn && before) globalThis.frames.push([now - before, graph.lastFrame]);
    drawn = false;
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""


def missing():
    """What the measurement lacks, or None."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "the package playwright"
    return None if os.access(CHROMIUM, os.X_OK) else f"{CHROMIUM} (BARROW_CHROMIUM names another)"


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def wait_until(page, condition):
    """The page's policy forbids eval, by which Playwright itself would wait."""
    deadline = time.monotonic() + 120
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.02)


def renderer(browser):
    """The process of the only tab: of the browser's pages it has taken the most memory."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return max((p["id"] for p in found if p["type"] == "renderer"), key=lambda pid: memory(pid)["VmRSS"])


def memory(pid):
    """Bytes: VmRSS, VmHWM (the highest VmRSS), Pss."""
    lines = Path(f"/proc/{pid}/status").read_text() + Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = (line.split() for line in lines.splitlines())
    return {f[0][:-1]: int(f[1]) * 1024 for f in fields if len(f) == 3 and f[2] == "kB"}


def processor(pid):
    """Seconds that the main thread of a process ran."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def zoom(page):
    """Wheel in and out at several places, then keys."""
    area = page.locator(".flame").bounding_box()
    middle = area["y"] + area["height"] / 3
    page.keyboard.down("Control")  # zooms also where the graph is taller than its window
    for step in range(WHEEL_STEPS):
        page.mouse.move(area["x"] + area["width"] * (0.15 + 0.7 * (step // 20 % 3) / 2), middle)
        page.mouse.wheel(0, -120 if step // 30 % 2 == 0 else 120)
    page.keyboard.up("Control")
    page.focus(".flame")
    for step in range(KEY_STEPS):
        key = ("+" if step // 15 % 2 == 0 else "-") if step % 5 else ("ArrowDown" if step % 10 else "Enter")
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    time.sleep(0.5)  # a zoom glides


def visit(playwright, path):
    """One fresh browser: what the page at `path` takes."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        wait_until(page, "globalThis.shown !== undefined")
        shown = page.evaluate("globalThis.shown / 1000")
        tab = renderer(browser)
        shown_busy = processor(tab)
        started = time.perf_counter()
        page.click("#tab-flame")
        wait_until(page, "globalThis.barrowFlame?.lastFrame > 0")
        flame = time.perf_counter() - started
        page.evaluate(FRAMES)
        before = processor(tab)
        zoom(page)
        frames_busy = processor(tab) - before
        frames = page.evaluate("globalThis.frames")
        page.click("#tab-table")
        page.wait_for_selector("[data-view=table]")
        time.sleep(1)
        return {
            "shown": shown,
            "shown_busy": shown_busy,
            "flame": flame,
            "frames": frames,
            "frame_busy": 1000 * frames_busy / len(frames),
            "memory": memory(tab),
        }
    finally:
        browser.close()


def verdict(value, goal):
    return "met" if value <= goal else "missed"


def report(path, runs):
    """Measures `runs` times and prints medians, each beside its goal."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        visits = [visit(playwright, Path(path)) for _ in range(runs)]
    names = ("shown", "shown_busy", "flame", "frame_busy")
    middle = {name: statistics.median(v[name] for v in visits) for name in names}
    frames = [frame for v in visits for frame in v["frames"]]
    whole, script = [f[0] for f in frames], [f[1] for f in frames]
    frame, shown = statistics.median(whole), middle["shown"]
    tab = {name: statistics.median(v["memory"][name] for v in visits) for name in ("VmRSS", "VmHWM", "Pss")}
    print(f"browser: {runs} fresh tabs, medians; limit of 60 frames a second lifted, no graphics card")
    print(f"first view {shown:.2f} s (processor {middle['shown_busy']:.2f}); goal ≤ {GOAL_VIEW_S} s: "
          f"{verdict(shown, GOAL_VIEW_S)}; the flame graph {middle['flame']:.2f} s after a click")
    print(f"zoom frame {frame:.1f} ms (95 %: {percentile(whole, 0.95):.1f}, longest {max(whole):.1f}; of {len(whole)}; "
          f"script of the drawing {statistics.median(script):.1f}, processor {middle['frame_busy']:.1f}); "
          f"goal ≤ {GOAL_FRAME_MS:.0f} ms: {verdict(frame, GOAL_FRAME_MS)}")
    print(f"tab {tab['VmRSS'] / 1e6:.0f} MB resident (highest {tab['VmHWM'] / 1e6:.0f}, proportional "
          f"{tab['Pss'] / 1e6:.0f}); goal ≤ {GOAL_TAB_BYTES / 1e6:.0f} MB: {verdict(tab['VmRSS'], GOAL_TAB_BYTES)}",
          flush=True)
