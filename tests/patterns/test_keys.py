"""Keys by their forms; names and texts that look a little like keys stay."""

import pytest

from tests.patterns.planted import KEYS, PEM
from tracer.patterns.keys import keys


def of(text: str) -> list[str]:
    return [text[start:end] for start, end in keys(text)]


@pytest.mark.parametrize("maker", KEYS)
@pytest.mark.parametrize("around", ["{}", "use {} now", '"{}"', "key={}&x=1", "Bearer {}\n", "({}),", "https://x/?k={}"])
def test_a_key_wherever_it_stands(maker: str, around: str) -> None:
    assert of(around.format(KEYS[maker])) == [KEYS[maker]]


def test_private_keys_whole() -> None:
    assert of(f"before\n{PEM}\nafter") == [PEM]
    assert of(f"{PEM}\n{PEM}") == [PEM, PEM]


def test_a_private_key_that_was_cut() -> None:
    (found,) = of("x " + PEM[:80])
    assert found == PEM[:80]


def test_the_label_tells_an_aws_secret() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for text in (f"aws_secret_access_key = {secret}", f'{{"SecretAccessKey": "{secret}"}}', f"AWS_SECRET_ACCESS_KEY={secret}"):
        assert of(text) == [secret]
    assert of(f"the commit {'0123456789' * 4} is no key") == []


@pytest.mark.parametrize(
    "text",
    [
        "sk-fading-circle sk-estimator-doc-link-container sk-container-id-10 sk-three-bounce-and-much-more-of-it",
        "task-0123456789abcdef0123456789abcdef",
        "AKIAabc AKIA1234 XAKIAZ7Q2W3E4R5T6Y7U2",
        "ghp_short ghp_ hf_hub_download hf_transformers_are_great_for_this",
        "eyJhbGciOiJIUzI1NiJ9 alone",
        "SG.1.2 npm_config_registry xoxb-1 AIza",
        "-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----",
        "chatcmpl-0123456789abcdefABCDEF req_011CQabcDEF0123456789 msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9",
        "550e8400-e29b-41d4-a716-446655440000 9e107d9d372bb6826bd81d3542a419d6",
    ],
)
def test_no_keys(text: str) -> None:
    assert of(text) == []


def test_base64_holds_no_key_by_chance() -> None:
    assert of("QUtJQVo3UTJXM0U0UjVUNlk3VTI" + "AKIAZ7Q2W3E4R5T6Y7U2" + "aaaa") == []
