"""Score many tracks with a registered ensemble: `tagsmith predict`, `predict-genres`.

Tracks are scored in shards, each in a file of its own beside the output, so that a
command that was killed goes on where it was. A shard depends on the bundle and on its
files' names, sizes and times, and on nothing else: not on the engine, nor on how many
workers there are.

    manifest.py   which tracks
    model.py      which ensemble; its bundle, where every worker finds it
    shards.py     a shard as a file
    worker.py     what runs on a worker
    output.py     the shards together: scores, decisions, and what failed
    alone.py      one process at a time, and what it leaves if it is killed
    genres.py     decisions about documents by the million, as a MediaEval run
"""

from tagsmith.predicting.run import Predicted, predict, scores

__all__ = ["Predicted", "predict", "scores"]
