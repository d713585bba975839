"""The Spark runtime: one real-time query per model, the reject query beside it, training on history."""
