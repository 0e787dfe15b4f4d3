"""Score many tracks with a registered ensemble: what `tagsmith predict` does.

Tracks are scored in shards, each in a file of its own beside the output, so that a
command that was killed goes on where it was. A shard depends on the bundle and on its
files' names, sizes and times, and on nothing else: not on the engine, nor on how many
workers there are.

    manifest.py   which tracks
    model.py      which ensemble; its bundle, where every worker finds it
    shards.py     a shard as a file
    worker.py     what runs on a worker
    output.py     the shards together: scores, decisions, and what failed
"""

from tagsmith.predicting.run import Predicted, predict, scores

__all__ = ["Predicted", "predict", "scores"]
