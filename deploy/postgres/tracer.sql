-- Run once, by the image's entrypoint, when the data directory is empty. Tracer gets a role that owns one database and nothing
-- else; it makes its tables there by itself.
\set password `cat /secrets/tracer`
CREATE ROLE tracer LOGIN PASSWORD :'password';
CREATE DATABASE tracer OWNER tracer;
REVOKE ALL ON DATABASE tracer FROM PUBLIC;
