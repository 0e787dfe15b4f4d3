"""What can go wrong, in five classes. The command line turns each into exit code 2.

Every message says what was objected to, what was expected, what came and the way out.
"""


class TagsmithError(Exception):
    """Something a user can put right; shown as one sentence, never a traceback."""


class ConfigError(TagsmithError):
    """`params.yaml` or an override of it is not a valid experiment."""


class DataError(TagsmithError):
    """Tables, audio, features or scores are not what they should be."""


class MissingError(TagsmithError):
    """A file, package, device or set of weights that is needed is not there."""


class TrackingError(TagsmithError):
    """The tracking server or model registry refused or cannot be reached."""
