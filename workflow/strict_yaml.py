"""YAML without what it would take in silence."""

import yaml


def parse(text: str):
    """Return what a YAML text says.

    Raises yaml.YAMLError, too, for a key twice (the last would win) and for one that
    is not text (as ``on`` is, a boolean).
    """
    return yaml.load(text, Loader=_Loader)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [
            self.construct_object(key, deep=True)
            for key, _ in node.value
            if key.tag != "tag:yaml.org,2002:merge"  # whose keys may be replaced
        ]
        for index, key in enumerate(keys):
            if not isinstance(key, str):
                raise yaml.YAMLError(f"key {key!r}, expected text")
            if key in keys[:index]:
                raise yaml.YAMLError(f"key {key!r} twice, expected once")
        return super().construct_mapping(node, deep)
