"""The consoles over which people and programs work what the pipeline found."""
