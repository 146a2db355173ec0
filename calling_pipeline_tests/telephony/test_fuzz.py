"""The API fuzzed from its own description: whatever is sent, it answers and never breaks."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from calling_pipeline_tests.support import NIGHTLY

EXAMPLES = 150 if NIGHTLY else 3


def test_no_request_breaks_the_server(api, office):
    """Every operation, with bodies and parameters that fit the description and with some that do not."""
    headers = {"Authorization": "Bearer admin-token"}
    schema = schemathesis.openapi.from_url(f"{api.base_url}/openapi.json").include(path_regex="^/api/v1/infinity")
    broken: list[str] = []
    operations = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        operations += 1
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case):
                answer = case.call(headers=headers)
                if answer.status_code >= 500:
                    broken.append(f"{case.method} {case.formatted_path} {case.body!r}: {answer.status_code} {answer.text}")

            send()
    assert broken == []
    assert operations >= 25
