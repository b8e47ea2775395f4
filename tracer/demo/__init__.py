"""`make demo`: a real small local model, Tracer in front of it, a handful of real calls, and what Tracer knows of them."""
