# Two stages: the toolchain stays behind, and what is left is the binary, its C library, Python with pip, which
# `footnote models pull` uses where no other source of the models answers, and Git and SSH, which connectors use.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked && cp target/release/footnote /usr/local/bin/footnote

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl git openssh-client python3 python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --uid 10001 footnote \
    && mkdir -p /data /models /blobs \
    && chown footnote:footnote /data /models /blobs
COPY --from=build /usr/local/bin/footnote /usr/local/bin/footnote
USER footnote
ENV FOOTNOTE_DATA_DIR=/data FOOTNOTE_MODELS_DIR=/models
VOLUME ["/data", "/models", "/blobs"]
EXPOSE 8642
ENTRYPOINT ["footnote"]
CMD ["serve"]
