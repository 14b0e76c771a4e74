"""The use-case: from a request to a take."""
