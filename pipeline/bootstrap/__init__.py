"""The only place where real objects meet: settings become clients, stores and runtimes, one module per use."""
