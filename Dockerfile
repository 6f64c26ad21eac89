FROM python:3.13-slim AS build
WORKDIR /srv/accord
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/venv
COPY requirements.lock ./
RUN /srv/venv/bin/pip install --quiet --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY app app
COPY migrations migrations
# Installed in place, because the command looks for `migrations` next to the folder `app`.
RUN /srv/venv/bin/pip install --quiet --no-index --no-deps --no-build-isolation --editable . \
    && /srv/venv/bin/python -m compileall -q app migrations

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/accord --create-home --shell /usr/sbin/nologin accord
COPY --from=build /srv /srv
# By default the SQLite file and its key are written to this folder: mount a volume on it.
WORKDIR /var/lib/accord
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
# http.client ignores the proxy settings of the container; urllib would follow them.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=2); c.request('GET', '/livez'); exit(c.getresponse().status != 200)"]
# On SIGTERM the service finishes the requests that it has accepted, within 25 seconds.
STOPSIGNAL SIGTERM
CMD ["accord", "serve", "--host", "0.0.0.0", "--port", "8000"]
