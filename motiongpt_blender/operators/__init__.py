"""What the buttons do: poll, gather, call, report."""
