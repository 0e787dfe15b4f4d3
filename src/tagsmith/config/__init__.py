"""`params.yaml` as frozen, closed models: its only reader, and the way to override.

Every number of an experiment stands in `params.yaml`; there are no defaults in code.
An override, whether from `--set`, `mlflow run -P` or a tuner, is a mapping from dotted
key to value that is applied before validation. Functions take the narrowest section
they need.
"""

from tagsmith.config.datasets import (
    AcousticBrainzDataset,
    Dataset,
    FmaDataset,
    FolderDataset,
    GroundTruth,
    JamendoDataset,
    MagnaTagATuneDataset,
    MsdDataset,
    ScoresDataset,
    SplitShares,
)
from tagsmith.config.decisions import Calibration, Evaluation, Fusion, Promotion
from tagsmith.config.features import (
    Application,
    ColourMap,
    DeepSpectrum,
    EfficientNetLite0,
    Feature,
    ImageNetwork,
    LogMel,
    Melbands,
)
from tagsmith.config.genres import Genres
from tagsmith.config.mistakes import nearest
from tagsmith.config.models import (
    HEARS,
    Crnn,
    DeepSpectrumRnn,
    Hinge,
    MelbandFcn,
    Model,
    Multiscale,
    RandomTrunk,
    Scoring,
    Siamese,
    Texture,
    Trunk,
    VggishTrunk,
    WordModel,
)
from tagsmith.config.params import (
    ENSEMBLE,
    GROUPS,
    MOST_SUBSETTED,
    Engine,
    Params,
    Validation,
    Wavs,
)
from tagsmith.config.reading import parse_overrides, read_yaml
from tagsmith.config.section import SPLITS, Comparison, Section, SplitName
from tagsmith.config.training import (
    Augmentation,
    ClipTraining,
    InverseTime,
    Phase,
    Training,
    TrunkPhase,
    TrunkTraining,
)
from tagsmith.config.vectors import (
    GloveFile,
    GlovePackage,
    InstrumentVectors,
    RandomVectors,
    SentenceVectors,
    Vectors,
)
from tagsmith.config.zeroshot import Zeroshot

__all__ = [
    "ENSEMBLE",
    "GROUPS",
    "HEARS",
    "MOST_SUBSETTED",
    "SPLITS",
    "AcousticBrainzDataset",
    "Application",
    "Augmentation",
    "Calibration",
    "ClipTraining",
    "ColourMap",
    "Comparison",
    "Crnn",
    "Dataset",
    "DeepSpectrum",
    "DeepSpectrumRnn",
    "EfficientNetLite0",
    "Engine",
    "Evaluation",
    "Feature",
    "FmaDataset",
    "FolderDataset",
    "Fusion",
    "Genres",
    "GloveFile",
    "GlovePackage",
    "GroundTruth",
    "Hinge",
    "ImageNetwork",
    "InstrumentVectors",
    "InverseTime",
    "JamendoDataset",
    "LogMel",
    "MagnaTagATuneDataset",
    "MelbandFcn",
    "Melbands",
    "Model",
    "MsdDataset",
    "Multiscale",
    "Params",
    "Phase",
    "Promotion",
    "RandomTrunk",
    "RandomVectors",
    "ScoresDataset",
    "Scoring",
    "Section",
    "SentenceVectors",
    "Siamese",
    "SplitName",
    "SplitShares",
    "Texture",
    "Training",
    "Trunk",
    "TrunkPhase",
    "TrunkTraining",
    "Validation",
    "Vectors",
    "VggishTrunk",
    "Wavs",
    "WordModel",
    "Zeroshot",
    "nearest",
    "parse_overrides",
    "read_yaml",
]
