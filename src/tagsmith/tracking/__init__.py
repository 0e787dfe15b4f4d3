"""MLflow at the edge: where facts go and where models are registered."""
