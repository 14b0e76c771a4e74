"""What tests, docs and measuring commands share."""
