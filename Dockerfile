# Curfew's two images, from a dist/ that `npm run build` has made:
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=... --target shim .
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=... --target webhook .
# `npm run release` builds them with buildah, on bases of its own.
# The same files and bases give the same image, byte for byte, where the tool is told to leave its own clock out:
# buildah --timestamp 0, or docker buildx with SOURCE_DATE_EPOCH=0 and --output type=image,rewrite-timestamp=true.
# Nothing is run in a build, so that another platform's image needs no emulation.

# Where Node 24 or newer is taken from: /usr/local/bin/node and /usr/local/LICENSE.
ARG NODE_IMAGE=docker.io/library/node:24-slim
# What Node needs to run: glibc 2.28 or newer, libstdc++ and libgcc. No shell is needed.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:latest

FROM ${NODE_IMAGE} AS node

# What the init container of a wrapped pod copies itself from: one static executable.
FROM scratch AS shim
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="curfew-shim" \
      org.opencontainers.image.description="Process 1 of a container whose pod ends when its work ends" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT"
COPY --chmod=0555 dist/curfew-shim-${TARGETARCH} /curfew-shim
COPY --chmod=0444 LICENSE dist/curfew-shim.licenses.txt /licenses/
USER 65532:65532
ENTRYPOINT ["/curfew-shim"]

# The admission webhook, which is also the command line.
FROM ${BASE_IMAGE} AS webhook
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="curfew" \
      org.opencontainers.image.description="Mutating admission webhook that makes sidecars end when the work ends" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT AND BSD-3-Clause AND ISC"
# glibc keeps what is freed below its threshold, which it raises by itself: set, it stays, and some 20 MB less are
# resident under load.
ENV NODE_ENV=production MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=131072
COPY --from=node --chmod=0555 /usr/local/bin/node /usr/local/bin/node
COPY --from=node --chmod=0444 /usr/local/LICENSE /licenses/node
COPY --chmod=0444 LICENSE dist/curfew.js.licenses.txt /licenses/
COPY --chmod=0555 dist/curfew.js /usr/local/lib/curfew/curfew.js
USER 65532:65532
# A young generation of 12 MB instead of 48: some 20 MB less resident under load, at no rate that could be measured.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "/usr/local/lib/curfew/curfew.js"]
CMD ["serve"]
