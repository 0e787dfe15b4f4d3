"""One module per feature: pure functions of waveforms."""
