# Tracer with its embedded store in one container: docker build -t tracer . && docker run -p 8787:8787 -v tracer:/data tracer
FROM python:3.11-slim

WORKDIR /opt/tracer
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tracer ./tracer
COPY exporters ./exporters
COPY dashboards ./dashboards
RUN pip install --no-cache-dir --constraint constraints.txt . \
    && useradd --system --uid 10001 --home-dir /data tracer \
    && install --directory --owner=tracer --mode=0700 /data

USER tracer
# Inside a container every interface is the container's own; what is published is the operator's choice.
ENV TRACER_DATA_DIR=/data \
    TRACER_HOST=0.0.0.0
VOLUME /data
EXPOSE 8787 8123
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8787, timeout=2); c.request('GET', '/health'); exit(c.getresponse().status != 200)"]
# tracer up stops in order on SIGTERM: calls in flight first, then the spool is drained.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tracer"]
CMD ["up"]
