"""Calls as a busy service makes them, by the million and from a seed: rows for every table, without a proxy in between.

market.py   what there is to ask: providers, models, prices, speeds, how they fail, when their fingerprint changes
people.py   who asks: applications with their prompts, users by Zipf's law, teams, keys
plan.py     when and what: traces over day and night, their calls, how each ends, who tries again
drawn.py    tokens and times of each call; streams.py: the gaps between its tokens, and their digests
columns.py  all that as columns of `llm.calls`
content.py  bodies of the newest calls, applications' spans, feedback
million.py  all of it in a store on disk, kept for the next run

The same seed, size and end give the same rows. Nothing here is imported by the product.
"""
