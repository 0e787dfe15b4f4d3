"""A tiny OpenMIC-2018 in the publisher's on-disk format.

    folder/                     what `openmic` names
      openmic-2018.npz          X, Y_true, Y_mask, and sample_key: an array of objects
      class-map.json            which column is whose

Listeners were asked about a few instruments in each clip; 0.5 stands where they were
not. The name of a clip is its track in FMA and where in it the clip begins.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

INSTRUMENTS = (
    *("accordion", "banjo", "bass", "cello", "clarinet", "cymbals", "drums", "flute"),
    *("guitar", "mallet_percussion", "mandolin", "organ", "piano", "saxophone"),
    *("synthesizer", "trombone", "trumpet", "ukulele", "violin", "voice"),
)
NOT_ASKED = 0.5
Said = Mapping[str, Mapping[str, float]]


def write(folder: Path, said: Said, **changes: object) -> Path:
    """Write the folder, and return it.

    Args:
        folder: Where.
        said: By clip (`000046_3840`) and instrument, how sure listeners are, 0 to 1.
        changes: Arrays instead of those.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = {name: column for column, name in enumerate(INSTRUMENTS)}
    relevance = np.full((len(said), len(columns)), NOT_ASKED)
    asked = np.zeros(relevance.shape, bool)
    for row, answers in enumerate(said.values()):
        for name, answer in answers.items():
            relevance[row, columns[name]], asked[row, columns[name]] = answer, True
    arrays = {
        "X": np.zeros((len(said), 10, 128), np.int64),
        "Y_true": relevance,
        "Y_mask": asked,
        "sample_key": np.array(list(said), object),
        **changes,
    }
    np.savez(folder / "openmic-2018.npz", **arrays)
    (folder / "class-map.json").write_text(json.dumps(columns, indent=4), "utf-8")
    return folder
