"""What the data must be: expectation suites, and what running them found."""
