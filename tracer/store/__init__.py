"""The store: the embedded ClickHouse engine behind ClickHouse's HTTP interface, the schema, and the way to either."""
