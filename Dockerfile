# The gateway as a container: UID 10001, and nothing written outside /work, /data and /tmp, so that
# the root file system may be read-only (docker-compose.yml makes it so).
#
# bubblewrap is not inside: a container's default seccomp profile forbids the namespaces it makes.
# So shell.run shows as not enabled, saying why; every file action works.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY tsconfig.json tsconfig.types.json ./
COPY scripts ./scripts
COPY src ./src
COPY console ./console
RUN node scripts/build.ts

FROM ${NODE_IMAGE}
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/dist ./dist
# Root's, so that the gateway cannot write its own policy.
COPY config/policy.json config/policy.schema.json config/clients.schema.json /config/
RUN install -d -m 0700 -o 10001 -g 10001 /work /data /secrets
ENV NODE_ENV=production \
    HOME=/tmp \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    HOST=0.0.0.0 \
    PORT=8089 \
    WORKDIR=/work \
    DATA_DIR=/data \
    CONFIG_DIR=/config
USER 10001:10001
VOLUME ["/work", "/data"]
EXPOSE 8089
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# No init is needed: the gateway handles SIGTERM itself.
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=4", "--expose-gc", "dist/main.js"]
