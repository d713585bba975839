"""The domain: events, features, model specs and the vocabulary of decisions. Pure: no I/O, no client library."""
