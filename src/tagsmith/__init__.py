"""Tagsmith: version, train, tune, compare, fuse and ship music auto-tagging models."""

__version__ = "0.1.0"
