"""How any network learns: clips from a feature store, epochs, checkpoints."""
