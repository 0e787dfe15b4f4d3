"""Pictures and pages of a study, as Optuna draws them: what matters, and what came."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from optuna import Study, visualization
from optuna.trial import TrialState

logger = logging.getLogger(__name__)

FEWEST = 2  # trials of which something can be said
PLOTS = ("param_importances", "optimization_history", "parallel_coordinate")
NAME = "macro PR-AUC on validation"


def draw(study: Study, folder: Path) -> list[Path]:
    """Draw a study as `<plot>.png`, and as `<plot>.html` to move about in.

    Args:
        study: What is drawn; with a single complete trial there is nothing to see.
        folder: Where to, made if need be.

    Returns:
        The files.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({each.value for each in complete}) < FEWEST:
        logger.info("study %s has too few values for a picture", study.study_name)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with _quietly():
        return [path for name in PLOTS for path in _drawn(study, folder, name)]


def _drawn(study: Study, folder: Path, name: str) -> list[Path]:
    from matplotlib import pyplot as plt  # noqa: PLC0415 - behind the choice of Agg

    picture, page = folder / f"{name}.png", folder / f"{name}.html"
    axes = getattr(visualization.matplotlib, f"plot_{name}")(study, target_name=NAME)
    figure = axes.figure
    figure.set_size_inches(12, 6)
    figure.savefig(picture, bbox_inches="tight")
    plt.close(figure)
    interactive = getattr(visualization, f"plot_{name}")(study, target_name=NAME)
    interactive.write_html(page, include_plotlyjs=True)
    return [picture, page]


@contextmanager
def _quietly() -> Iterator[None]:
    """Draw without a display, and without remarks: on what may change, on one value."""
    before = mpl.get_backend()
    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            mpl.use(before)
