"""The arithmetic of tagging: arrays in, arrays out; no files, no Keras."""
