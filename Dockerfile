# The HTTP service: see docs/service.md.
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /venv \
    && /venv/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && set -- /wheels/*.whl \
    && /venv/bin/pip install --no-cache-dir "$1[web]"

FROM python:3.12-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/readyz', timeout=4)"]
ENTRYPOINT ["disaster-tweets", "serve", "--host", "0.0.0.0"]
