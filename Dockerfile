# Image with the exporter only: no shell, no package manager, one user.
#
#   docker build $(release/version | sed 's/^/--build-arg /') -t huaweicloud_workspace_exporter .
#
# Several platforms: --platform=linux/amd64,linux/arm64. Cross-compilation avoids
# emulation. Another base: --build-arg BASE=gcr.io/distroless/static-debian13
ARG BASE=scratch

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG TARGETVARIANT
ARG VERSION
ARG REVISION
ARG BRANCH
ARG BUILD_DATE
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    export GOOS=$TARGETOS GOARCH=$TARGETARCH; \
    if [ "$TARGETARCH" = arm ]; then export GOARM=${TARGETVARIANT#v}; fi; \
    release/build /out/bin/huaweicloud_workspace_exporter && \
    mkdir -p /out/usr/share/doc/huaweicloud_workspace_exporter && \
    cp LICENSE NOTICE /out/usr/share/doc/huaweicloud_workspace_exporter && \
    release/licences >/out/usr/share/doc/huaweicloud_workspace_exporter/THIRD_PARTY_LICENSES

FROM ${BASE}
ARG VERSION
ARG REVISION
ARG BUILD_DATE
LABEL org.opencontainers.image.title="huaweicloud_workspace_exporter" \
      org.opencontainers.image.description="Prometheus exporter for Huawei Cloud Workspace: VPC, subnet, private IP, EIP and security groups of desktops" \
      org.opencontainers.image.url="https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter" \
      org.opencontainers.image.source="https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter" \
      org.opencontainers.image.documentation="https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out /
USER 65532:65532
EXPOSE 10045
# If flags change the listen address or the path, override this command as well.
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/bin/huaweicloud_workspace_exporter", "--healthcheck"]
ENTRYPOINT ["/bin/huaweicloud_workspace_exporter"]
