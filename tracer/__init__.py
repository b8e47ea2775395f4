"""Tracer: a drop-in observability and tracing reverse proxy for LLM chat APIs."""

__version__ = "0.1.0"
