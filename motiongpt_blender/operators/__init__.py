"""The buttons: poll, gather, call, report."""
