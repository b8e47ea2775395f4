"""What an endpoint says when it says no, in the shape that Portkey's SDKs read.

Python's SDK takes its message from `error.message`, Node's from `message` at the top, so both are there. The proxy puts the
trace id and its other headers on the reply; an endpoint only raises.
"""


class ApiError(Exception):
    """A refusal with its HTTP status; `code` is Portkey's, where it has one (`AB02`, `032`, …)."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    @property
    def body(self) -> dict[str, object]:
        """The reply's body."""
        return {
            "status": "failure",
            "success": False,
            "message": self.message,
            "error": {"message": self.message, "code": self.code},
        }
