"""Tracer's pages: read-only HTML over SQL, made on the server. `main` is the process, `sitemap` what there is."""
