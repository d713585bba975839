"""The acting runtime: a Faust agent, Pykka shards, alarm and command state machines, the device gateway."""
