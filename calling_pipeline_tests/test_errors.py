"""The error tree is as its drawing says, and nothing that was perhaps executed counts as repeatable."""

import inspect
import re

import pytest

from calling_pipeline import errors

LINE = re.compile(r"(?P<indent>[│ ├└─]*)(?P<name>\w+)(?P<mark> \*)?(?:\s{2,}.*)?")


def drawn():
    """(depth, name, whether it is a vendor's failure) of every line of the drawing, in its order."""
    lines = [line for line in (errors.__doc__ or "").splitlines() if LINE.fullmatch(line) and line]
    found = [LINE.fullmatch(line) for line in lines]
    return [(len(one["indent"]) // 4, one["name"], one["mark"] is not None) for one in found]


def classes():
    """The classes of the module in the order they are defined."""
    return [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


def walked(cls, depth=0):
    """The tree below `cls` as the classes make it; a mixin is no parent."""
    mixed_in = issubclass(cls, errors.VendorError) and cls is not errors.VendorError
    below = [one for one in classes() if parent_of(one) is cls]
    return [(depth, cls.__name__, mixed_in), *(line for one in below for line in walked(one, depth + 1))]


def parent_of(cls):
    parents = [base for base in cls.__bases__ if base is not errors.VendorError]
    assert len(parents) == 1, f"{cls.__name__} belongs to {len(parents)} branches"
    return parents[0]


def test_the_drawing_is_the_tree_of_the_classes():
    assert sorted(drawn()) == sorted(walked(errors.CallingError))
    parents = {cls.__name__: parent_of(cls).__name__ for cls in classes()}
    path = []
    for depth, name, _ in drawn():
        path[depth:] = [name]
        if depth:
            assert parents[name] == path[depth - 1]


def test_every_error_is_in_one_of_the_three_branches():
    branches = (errors.PermanentError, errors.TransientError, errors.UncertainError)
    for cls in set(classes()) - {errors.CallingError, errors.VendorError}:
        assert sum(issubclass(cls, branch) for branch in branches) == 1, cls


@pytest.mark.parametrize("cls", [cls for cls in classes() if issubclass(cls, errors.UncertainError)])
def test_what_was_perhaps_executed_is_never_repeatable(cls):
    """Runs are retried, and requests repeated, for transient errors only."""
    assert not issubclass(cls, errors.TransientError)
    assert not issubclass(cls, errors.PermanentError)
