"""The prompt style of the paper: codes as digits in text."""
