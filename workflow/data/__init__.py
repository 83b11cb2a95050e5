"""From a source file to the canonical arrays of one dataset."""


class DataError(Exception):
    """Data that cannot be had or trusted; the message names it and what was expected.

    Its text is for the reader of a terminal: the CLI prints it without a traceback.
    """
