"""Tuning: studies of a model's parameters, shared by any number of workers.

The only importer of Optuna. A study looks for better values of what `tuning.spaces` in
`params.yaml` names; it changes nothing until `tagsmith adopt` writes them there.
"""
