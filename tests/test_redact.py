"""Which headers' texts are secrets, wherever they stand again."""

import pytest

from tracer.redact import callers_secrets, hidden

SECRET = "canary-0123456789"


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "X-Api-Key", "api-key", "x-goog-api-key", "x-portkey-api-key", "x-amz-security-token"),
        *("x-portkey-azure-ad-token", "x-portkey-aws-secret-access-key", "x-portkey-aws-session-token"),
        *("x-portkey-azure-entra-client-secret", "X-My-Own-Token", "x-my-secret", "X-DB-Password", "x-hub-signature"),
    ],
)
def test_secrets_by_the_name_of_their_header(name: str) -> None:
    secrets = callers_secrets([(b"Accept", b"*/*"), (name.encode(), SECRET.encode())], "/v1/x")
    assert hidden(f"say {SECRET} again".encode(), secrets) == b"say " + b"*" * len(SECRET) + b" again"


@pytest.mark.parametrize(
    "name", ["idempotency-key", "sec-websocket-key", "x-request-id", "user-agent", "x-tokens-used", "x-keyboard"]
)
def test_other_headers_are_no_secrets(name: str) -> None:
    assert callers_secrets([(name.encode(), SECRET.encode())], "/v1/x") == ()


def test_what_is_secret_in_a_service_account() -> None:
    account = f'{{"type":"service_account","project_id":"a-project-of-mine","private_key":"{SECRET}\\nmore"}}'
    secrets = callers_secrets([(b"x-portkey-vertex-service-account-json", account.encode())], "/v1/x")
    assert b"canary" not in hidden(f"{SECRET}\nmore".encode(), secrets)
    assert hidden(b"a-project-of-mine", secrets) == b"a-project-of-mine"


@pytest.mark.parametrize("value", ["{", "{}", "[1]", '{"private_key":1}', "{\udcff}", '{"private_key":"\\ud800"}'])
def test_what_is_no_service_account(value: str) -> None:
    sent = value.encode("utf-8", "surrogateescape")
    callers_secrets([(b"x-portkey-vertex-service-account-json", sent), (b"x-api-key", sent)], "/v1/x?key=" + value)
