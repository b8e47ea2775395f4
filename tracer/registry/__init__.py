"""What people manage while Tracer runs: prompts, saved configs, keys. One SQL database, a snapshot in every worker."""
