"""JSON schemas, taken at their word, and what does not fit them in one clear line."""

import difflib
import sys

from jsonschema import Draft202012Validator, validators

TYPES = {
    "integer": "a whole number",
    "string": "text (of digits: in quotes)",
    "array": "a list",
    "object": "keys and values",
}
BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
LARGEST = sys.float_info.max  # of a whole number, too: more would not fit
# 8.0 is no integer and nan no number, whatever JSON says
_Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ).redefine(
        "number", lambda _, value: type(value) in (int, float) and abs(value) <= LARGEST
    ),
)


def misfit(rules: dict, content, name: str) -> str | None:
    """The first key that does not fit the schema and what was expected, or None.

    name: of the whole, where the key is not one of its parts.
    """
    errors = _Validator(rules).iter_errors(content)
    first = min(errors, key=lambda e: [str(x) for x in e.absolute_path], default=None)
    return None if first is None else _line(first, name)


def _line(error, name: str) -> str:
    key = ".".join(map(str, error.absolute_path))
    rule, found = error.schema, error.instance
    if error.validator == "additionalProperties":
        known = sorted(rule.get("properties", {}))
        wrong = str(next(each for each in found if each not in known))
        close = difflib.get_close_matches(wrong, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(known)}"
        return f"{key + '.' if key else ''}{wrong}: no such key; {hint}"
    key = key or name
    if error.validator == "required":
        missing = next(each for each in error.validator_value if each not in found)
        return f"{key}: no {missing}; expected {', '.join(error.validator_value)}"
    if error.validator == "enum":
        return f"{key}: {found!r}; expected {', '.join(error.validator_value)}"
    if error.validator == "type" and error.validator_value == "number":
        return f"{key}: {found!r}; expected a number, like 0.001 or 1.0e-3"
    if error.validator == "type" and error.validator_value == "boolean":
        return f"{key}: {found!r}; expected true or false (--config: True or False)"
    if error.validator == "type":
        kind = TYPES.get(error.validator_value, error.validator_value)
        return f"{key}: {found!r}; expected {kind}"
    if error.validator in BOUNDS:
        bound = f"{BOUNDS[error.validator]} {error.validator_value}"
        return f"{key}: {found}; expected {bound}"
    if error.validator == "pattern":
        return f"{key}: {found!r}; expected {rule['$comment']}"
    return f"{key}: {error.message}"
