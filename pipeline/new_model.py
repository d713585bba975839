"""A new model's file: a working one to start from."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from pipeline.errors import RefuseUsageError


def write_model(folder: Path, name: str) -> Path:
    """Write `<name>.py` with a model called MODEL and return it.

    Raises
    ------
    RefuseUsageError
        When the name can't be a module's, or the file is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise RefuseUsageError(
            f"{name!r} can't name a model's file: lower-case letters, digits and underscores, a letter first"
        )
    file = folder / f"{name}.py"
    template = Template(files("pipeline").joinpath("new_model.txt").read_text(encoding="utf-8"))
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template.substitute(name=name, title=name.replace("_", " ").capitalize()))
    except FileExistsError as error:
        raise RefuseUsageError(f"{file} is there already: choose another name, or remove it") from error
    return file
