"""The workbench of dead letters: read them, say what is wrong, fix them in bulk, send them again, once."""
