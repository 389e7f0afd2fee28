package main

import (
	"io"
	"os/signal"
	"syscall"

	"github.com/sallyport-id/sallyport/config"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check that nothing in the audit was changed, added or taken away since it was sealed."`
	Export auditExportCommand `cmd:"" help:"Write events to standard output, newest first."`
}

// auditStream is where serve streams the audit to, if anywhere.
func auditStream(conf config.Config, p *process) io.Writer {
	if !conf.Audit.Stream {
		return nil
	}
	// A log shipper that goes away must not take the provider with it: writing
	// then fails, the log says so, and nothing is sealed until it is back.
	signal.Ignore(syscall.SIGPIPE)
	return p.stdout
}
