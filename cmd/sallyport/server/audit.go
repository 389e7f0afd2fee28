package server

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// auditing is what a server does with the audit beside writing it: it seals
// what was written into the chain, hands it to a log shipper, and lets go of
// what is older than the operator wants to keep.
type auditing struct {
	// holder is this replica, to the others.
	holder    string
	retention time.Duration
	// stream takes sealed events as JSON lines; nil: nobody wants them.
	stream  io.Writer
	writing sync.Mutex
}

func newAuditing(o Options) *auditing {
	return &auditing{holder: storage.NewID(), retention: o.Config.Audit.Retention, stream: o.AuditStream}
}

// SealAudit seals the audit up to now, instead of within a second, and says how
// many events it sealed: none where another replica does it.
func (s *Server) SealAudit(ctx context.Context) (sealed int, err error) {
	var emit func([]*storage.Event) error
	if s.audit.stream != nil {
		emit = func(events []*storage.Event) error { return s.audit.emit(ctx, events) }
	}
	for {
		n, err := s.db.SealAudit(ctx, s.audit.holder, s.now(), emit)
		sealed += n
		if err != nil || n < storage.AuditBatchSize {
			return sealed, err
		}
	}
}

// DropAudit lets go of what is older than audit.retention now, instead of
// within an hour, and says how many events that were.
func (s *Server) DropAudit(ctx context.Context) (dropped int64, err error) {
	if s.audit.retention == 0 {
		return 0, nil
	}
	now := s.now()
	return s.db.DropAudit(ctx, s.audit.holder, now.Add(-s.audit.retention), now)
}

// emit returns when the events are written, or when ctx ends: a pipe that
// nobody reads must not keep the server from stopping. Nothing is lost by that,
// because what wasn't taken isn't sealed and comes again.
func (a *auditing) emit(ctx context.Context, events []*storage.Event) error {
	lines, err := storage.AuditJSON(events)
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		a.writing.Lock()
		defer a.writing.Unlock()
		_, err := a.stream.Write(lines)
		written <- err
	}()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
