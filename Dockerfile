# Runs with a read-only root file system: only /data is written.
#
#   docker build -t sallyport .
#   docker run -p 8080:8080 -v sallyport:/data -e SALLYPORT_ISSUER=http://localhost:8080 --read-only sallyport

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w" -o /out/sallyport ./cmd/sallyport
# A volume takes its first owner from the directory that it covers.
RUN install -d -m 0700 /out/data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/sallyport /sallyport
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# Everybody who can reach the container can reach the port, so SALLYPORT_ISSUER must say under which address.
ENV SALLYPORT_LISTEN=:8080
# The database is ./data/sallyport.db where nothing else is said.
WORKDIR /
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/sallyport", "healthcheck"]
ENTRYPOINT ["/sallyport"]
CMD ["serve"]
