# Tracer in one container. Alone, with its embedded store:
#     docker build -t tracer . && docker run --init -p 127.0.0.1:8787:8787 -p 127.0.0.1:8788:8788 -v tracer:/data tracer
# With everything around it: docker compose up (docs/docker.md).
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# `--without-store` leaves out the embedded store (chDB: 530 MB of 800), for a Tracer that has a ClickHouse server.
ARG STORE=""
WORKDIR /src
RUN python -m venv --without-pip /opt/tracer
COPY pyproject.toml constraints.txt deploy/requirements.py ./
RUN python requirements.py ${STORE} > requirements.txt \
    && pip --python /opt/tracer/bin/python install --no-cache-dir --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY tracer ./tracer
COPY exporters ./exporters
COPY dashboards ./dashboards
RUN pip --python /opt/tracer/bin/python install --no-cache-dir --no-deps .

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Tracer" \
    org.opencontainers.image.description="Drop-in observability and tracing reverse proxy for LLM chat APIs" \
    org.opencontainers.image.licenses="Apache-2.0"
# A new volume takes over the owner of the directory that it is mounted on: /data is Tracer's own, /secrets/* are those that
# docker-compose.yml's service `secrets` fills.
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin tracer \
    && install --directory --owner=tracer --group=tracer --mode=0700 /data /secrets/all \
    && install --directory --owner=tracer --group=tracer --mode=0755 \
        /secrets/tracer /secrets/clickhouse /secrets/postgres /secrets/redis /secrets/grafana
COPY --from=build /opt/tracer /opt/tracer
ENV PATH=/opt/tracer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACER_DATA_DIR=/data \
    TRACER_HOST=0.0.0.0
# Not where a tracer.toml of somebody else's could lie.
WORKDIR /data
USER 10001:10001
VOLUME /data
# Proxy, pages, and the embedded store if there is one. Inside a container every interface is the container's own; what is
# published is the operator's choice.
EXPOSE 8787 8788 8123
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", \
    "import http.client as h, os; c = h.HTTPConnection('127.0.0.1', int(os.environ.get('TRACER_PORT', 8787)), timeout=2); c.request('GET', '/health'); exit(c.getresponse().status != 200)"]
# tracer up stops in order on SIGTERM: calls in flight first, then the spool is drained.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tracer"]
CMD ["up"]
