"""A proxy in the test's own loop, as tests/proxy has it."""

from tests.proxy.conftest import proxy, start_proxy  # noqa: F401  (fixtures)
