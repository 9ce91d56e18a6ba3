"""What the numbers of docs/performance.md come from; one script a claim."""
