"""The composition root: settings, bootstrap, command line and console."""
