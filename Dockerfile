# syntax=docker/dockerfile:1
# The command in a small image:
#
#     docker build --tag concertina --build-arg REVISION="$(git rev-parse HEAD)" .
#     docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/data" concertina figures
#
# The store is /data/concertina, and figures go to /data/figures.
FROM rust:1.95.0-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /concertina
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
COPY . .
ARG REVISION=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/concertina/target \
    CONCERTINA_COMMIT="$REVISION" cargo build --release --locked --package concertina-cli \
    && mkdir /image \
    && cp target/release/concertina LICENSE-MIT LICENSE-APACHE CITATION.cff /image \
    && python3 release/materials.py notices concertina-cli "$(rustc -vV | sed -n 's/^host: //p')" \
        > /image/THIRD-PARTY.txt

FROM debian:12.12-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Concertina" \
    org.opencontainers.image.description="Train many small recurrent networks and study how their representations form" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.source="https://example.org/concertina" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image/concertina /usr/local/bin/concertina
COPY --from=build /image/LICENSE-MIT /image/LICENSE-APACHE /image/CITATION.cff /image/THIRD-PARTY.txt \
    /usr/local/share/doc/concertina/
RUN useradd --uid 1000 --create-home concertina && install --directory --owner concertina /data
USER 1000
WORKDIR /data
VOLUME /data
ENTRYPOINT ["concertina"]
CMD ["--help"]
