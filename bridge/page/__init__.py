"""Show what Timbrel hears on a page in the browser, and take commands from there: a client beside OSC.

Data flows one way. The daemon tells the page each Analysis and each effect of the hub; what is shown is held as named
sections with versions, of which every page gets what changed since it last took something. A page sends commands, which
become the same Command values as those of OSC and go in at the same door.
"""

from bridge.page.page import Page
from bridge.page.protocol import PageAsker

__all__ = ["Page", "PageAsker"]
