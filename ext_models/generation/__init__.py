"""From a request to motion codes and clips."""
