"""What a task failed of is told by a code, from the backend or the node to whoever asked; people see the sentence."""

import pytest
from asking import ask
from serving_processes import Surroundings

from seriesview.errors import TaskError

SHA1 = "0123456789abcdef0123456789abcdef01234567"


def test_code_and_artifact_arrive_and_the_sentence_stands_alone(served_once: Surroundings) -> None:
    with pytest.raises(TaskError) as error:
        ask("test.fail.1", {"kind": "missing", "message": "it broke", "sha1": SHA1})
    assert (error.value.code, error.value.facts) == ("artifact-missing", {"sha1": SHA1})
    assert str(error.value).lower() == "it broke"


@pytest.mark.parametrize(
    ("kwargs", "code"),
    [
        ({"kind": "known"}, "seriesview-error"),
        ({"kind": "unknown"}, "internal-error"),
        ({"kind": "memory"}, "no-memory"),
    ],
)
def test_every_failure_has_a_code(served_once: Surroundings, kwargs: dict[str, str], code: str) -> None:
    with pytest.raises(TaskError) as error:
        ask("test.fail.1", kwargs)
    assert error.value.code == code


def test_a_function_of_another_type_is_a_bad_request(served_once: Surroundings) -> None:
    with pytest.raises(TaskError) as error:
        ask("test.echo.1", function_type="query")
    assert error.value.code == "bad-request"


def test_without_a_backend_that_is_what_is_told(served_once: Surroundings) -> None:
    with pytest.raises(TaskError) as error:
        ask("test.nobody.1")
    assert error.value.code == "no-backend"


def test_what_takes_too_long_is_told_so(served_once: Surroundings) -> None:
    with pytest.raises(TaskError) as error:
        ask("test.echo.1", {"seconds": 5}, timeout=0.2)
    assert error.value.code == "timed-out"
