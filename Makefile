# make test needs Go and Debian's packages; .ci/need installs those or says which.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test lint interop bench

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o sallyport ./cmd/sallyport

# Databases and browsers of the tests live in memory where there are 4 GB to spare for them.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
test: export GOTMPDIR := $(or $(GOTMPDIR),$(TMPDIR),/tmp)
test: export TMPDIR := $(or $(MEMORY),$(TMPDIR),/tmp)

# Browsers, the matrix that asks everybody for everything, and the clauses of the protocol do without the race detector: it
# watches the same server in the other tests. Of the clauses, those with many callers at once have it too.
AT_ONCE := Once|OneSignIn|Replay|SmallPool|Hanging|AtSignOut|Meanwhile
test:
	./.ci/need
	$(GO) vet ./...
	$(GO) test -race -timeout 30m $$($(GO) list ./... | grep -v -e /browserstory -e /governtest -e /protocoltest)
	$(GO) test -race -timeout 30m -run '$(AT_ONCE)' ./cmd/sallyport/protocoltest
	$(GO) test -run TestSingleUse ./storage
	$(GO) test -timeout 30m ./cmd/sallyport/protocoltest ./cmd/sallyport/governtest ./cmd/sallyport/browserstory

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		printf 'gofmt would change:\n%s\n' "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# Relying parties in other languages sign in.
interop:
	./.ci/interop

# The built binary under load, on both engines; docs/performance.md explains the table. More options:
# go run ./cmd/sallyport/bench -help
bench:
	$(GO) run ./cmd/sallyport/bench
