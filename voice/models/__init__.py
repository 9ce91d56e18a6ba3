"""Models: bundles, the inference backend, and the stages that run them."""
