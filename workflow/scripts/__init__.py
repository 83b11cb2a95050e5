"""Commands that make tables, figures and pages, and take runs over."""

import sys

try:
    from workflow import methods  # noqa: F401  reads the priors' files when imported
except ValueError as error:  # before a command's own handling of errors
    sys.exit(f"error: {error}")
