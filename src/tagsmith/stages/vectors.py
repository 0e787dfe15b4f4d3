"""Stage `vectors`: words become numbers that say what tags mean."""

import logging

from tagsmith import vectors
from tagsmith.config import Params
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Make the tag vectors `name`; every tag must have one, withheld or not.

    Raises:
        ConfigError: There are no such vectors in params.yaml.
        DataError: A tag has no vector, or the source is damaged; all such tags are
            named.
        MissingError: The source, or a table, is not there.
    """
    config = params.vector_source(name)
    annotations = store.read_known_annotations()
    tags = sorted(annotations["tag"].unique())
    made = vectors.build(
        config,
        tags=tags,
        annotations=annotations,
        tracks=store.read_tracks(),
        seed=params.seed,
    )
    made.of(tags)  # refuses to leave one out; a vocabulary would not know
    made.save(store.empty("vectors", name))
    origin = made.meta["origin"]
    words, dimensions = len(made.words), made.dimensions
    logger.info("%s: %d words, %d numbers each; %s", name, words, dimensions, origin)
    recorder.metrics({"words": float(words), "dimensions": float(dimensions)})
    recorder.tags({"origin": origin})
