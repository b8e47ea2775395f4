"""The boards, one file each."""

from dashboards.boards import cost, fingerprints, itself, latency, overview, reliability, trace
from dashboards.panel import Board

BOARDS: tuple[Board, ...] = (
    overview.BOARD,
    cost.BOARD,
    latency.BOARD,
    reliability.BOARD,
    fingerprints.BOARD,
    trace.BOARD,
    itself.BOARD,
)


def by_uid(uid: str) -> Board:
    """The board of that uid."""
    return next(board for board in BOARDS if board.uid == uid)
