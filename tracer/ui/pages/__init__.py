"""One file for each page: reads the URL, asks the store, fills a template."""
