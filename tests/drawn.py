"""What the tests of the figures share."""

import re

LABEL = "quick configuration: not the paper's protocol"


def svg_text(path):
    """The visible text of an SVG, its lines joined by spaces."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", path.read_text(), re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", "", piece).strip() for piece in found)
    return text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
