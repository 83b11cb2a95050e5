"""What the tests of the figures share."""

import re

LABEL = "quick configuration: not the paper's protocol"
REGISTRY = """
onehot: {title: OneHot}
histopathology: {title: Histopathology}
bone-marrow: {title: Bone marrow, stands_in_for: histopathology}
"""


def svg_text(path):
    """The visible text of an SVG, its lines joined by spaces."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", path.read_text(), re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", "", piece).strip() for piece in found)
    return text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
