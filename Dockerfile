# Builds the binary, then puts it alone on a small Debian.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist --package dakiya

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/dakiya dakiya
COPY --from=build /src/target/dist/dakiya /usr/local/bin/dakiya
USER dakiya
WORKDIR /var/lib/dakiya
VOLUME /var/lib/dakiya
ENV DAKIYA_LISTEN=0.0.0.0:8001 \
    DAKIYA_DATABASE_URL=sqlite:///var/lib/dakiya/dakiya.db
EXPOSE 8001
ENTRYPOINT ["dakiya"]
CMD ["serve"]
