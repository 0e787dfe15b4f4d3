"""Audio is there, or comes out of the publisher's parts, which may have to be fetched.

What is there is not looked at again: once every clip is, neither parts nor network are
needed.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from tagsmith.config import MagnaTagATuneDataset
from tagsmith.datasets import files
from tagsmith.datasets.magnatagatune import archive, fetch
from tagsmith.errors import DataError


def bring(
    config: MagnaTagATuneDataset, wanted: Collection[str], *, annotated: Collection[str]
) -> None:
    """See to it that clips are below `config.folder`.

    Args:
        config: Where the audio is, and whether what is not there is fetched.
        wanted: Paths of the clips.
        annotated: Paths that are unpacked if anything is.

    Raises:
        DataError: The parts are not the published ones, or a link leads out of the
            folder.
        MissingError: Clips or parts are not there and cannot be brought.
    """
    _refuse_links(annotated, config.folder)
    if not _missing(wanted, config.folder):
        return
    parts = [config.folder / name for name in archive.PARTS]
    if config.fetch:
        fetch.fetch(parts, unpacked=True)
    absent = [part.name for part in parts if not part.is_file()]
    if not absent:
        archive.unpack(config.folder, annotated, checksum=config.audio_checksum)
    files.refuse_missing(
        _missing(wanted, config.folder),
        len(wanted),
        config.folder,
        way_out=_way_out(absent),
    )


def _refuse_links(paths: Collection[str], folder: Path) -> None:
    """Refuse what nothing but a link can do to paths as the publisher's."""
    links = {path for path in paths if (folder / path).is_symlink()}
    links |= {str(PurePosixPath(path).parent) for path in paths}
    for path in sorted(links):
        if files.leads_outside(path, folder):
            raise DataError(
                f"{folder / path} is a link that leads out of {folder}; put the audio "
                "there, or name the folder that holds it in dataset.folder"
            )


def _missing(paths: Iterable[str], folder: Path) -> list[str]:
    return [path for path in paths if not files.is_file(folder / path)]


def _way_out(absent: Sequence[str]) -> str:
    """Say what to do about clips that are missing, where these parts are too."""
    if not absent:
        return (
            "they are not in the archive either: put them there, or leave their rows "
            "out of the annotations and set dataset.annotations_checksum to ''"
        )
    some = (
        "" if len(absent) == len(archive.PARTS) else f" ({', '.join(absent)} missing)"
    )
    return (
        f"put them there, put the publisher's {', '.join(archive.PARTS)} there{some}, "
        "or set dataset.fetch to true"
    )
