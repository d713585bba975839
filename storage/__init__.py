"""The Cassandra edge: schema, migrations, the score writer, entity state and reads."""
