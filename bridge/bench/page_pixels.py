"""Time in Chromium how long after an Analysis its drawing is done."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

__all__ = ["main"]

WAIT_MS = 120_000
_NAMES = ("chromium", "chromium-browser", "google-chrome")

_WATCH = """
(() => {
  const found = (window.timbrelBench = { late: [] });
  const Native = WebSocket;
  window.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      // First of the listeners: the frame that it asks for comes when those of the page have changed the document.
      this.addEventListener("message", ({ data }) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const now = performance.timeOrigin + performance.now();
          const { from, changed } = JSON.parse(data);
          if (from && changed.pulse) found.late.push(now - 1000 * changed.pulse.at);
        };
        port2.postMessage(0); // taken when the frame is drawn
      }));
    }
  };
})();
"""

_CLOCK = """
() => {
  const steps = [];
  const apart = [];
  for (let count = 0; count < 50; count += 1) {
    const begun = performance.now();
    let now = begun;
    while (now === begun) now = performance.now();
    steps.push(now - begun);
    apart.push(Math.abs(performance.timeOrigin + now - Date.now()));
  }
  return [Math.min(...steps), apart.sort((a, b) => a - b)[25]];
}
"""


def _measure(url: str, updates: int) -> dict[str, Any]:  # Any: what JSON holds
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return {"skipped": "playwright is missing: pip install playwright"}
    with sync_playwright() as playwright:
        try:
            return _watch(playwright, url, updates)
        except Error as error:
            first = str(error).splitlines()[0]
            return {"skipped": f"Chromium does not do it ({first}): apt-get install chromium, or playwright install"}


def _watch(playwright: Playwright, url: str, updates: int) -> dict[str, Any]:
    # Root has no sandbox of Chromium; containers have little /dev/shm.
    options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])]
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    chromium = playwright.chromium.launch(executable_path=path, args=options)
    try:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(_WATCH)
        page.goto(url)
        page.wait_for_function("(count) => timbrelBench.late.length >= count", arg=updates, polling=500)
        step_ms, apart_ms = page.evaluate(_CLOCK)
        late_ms = page.evaluate("() => timbrelBench.late")
        return {"late_ms": late_ms, "step_ms": step_ms, "apart_ms": apart_ms, "browser": chromium.version}
    finally:
        chromium.close()


def main() -> None:
    """Watch `URL UPDATES`; print one line of JSON."""
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))), flush=True)  # noqa: T201 - for the bench that waits


if __name__ == "__main__":
    main()
