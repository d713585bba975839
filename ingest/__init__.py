"""The Kafka edge: topics, the producer, consumers, the door that validates, and the sources behind it."""
