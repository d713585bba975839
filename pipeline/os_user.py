"""Who runs this process, for the audit of what people do."""

import os
import pwd


def os_user() -> str:
    """Return the operating system's name of the user, or the number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
