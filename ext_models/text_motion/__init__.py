"""Text and motion in one space: the network of evaluator and reranker."""
