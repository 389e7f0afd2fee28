package login

import (
	"errors"
	"io"
	"net/http"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// maxInbound bounds the body of a gateway's call.
const maxInbound = 64 << 10

// textReceived is called by the gateway for each text message that a person
// sends to the system's number. A message nobody waits for is accepted too, or
// the gateway would try it again; whether it was waited for is not told.
func (l *Login) textReceived(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInbound))
	if err != nil {
		http.Error(w, "the body can't be read", http.StatusBadRequest)
		return
	}
	m, err := l.Inbound.ReadInbound(r, body, l.Now())
	switch {
	case errors.Is(err, notify.ErrBadInbound):
		http.Error(w, "the message can't be read", http.StatusBadRequest)
		return
	case err != nil:
		l.Log.WarnContext(ctx, "text message refused", "error", err)
		http.Error(w, "the signature doesn't fit, or is too old", http.StatusForbidden)
		return
	}
	// Numbers of other countries are left unanswered: an answer costs money.
	if m.From, err = notify.CheckNumber(m.From, l.Setup.Countries); err != nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var id string
	var waited bool
	err = l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		id, waited, err = l.Factors.Text.Receive(ctx, tx, m, l.Now())
		return err
	})
	if _, tooMany := factor.IsTooMany(err); tooMany {
		http.Error(w, "too many messages", http.StatusTooManyRequests)
		return
	}
	if err == nil && waited {
		err = l.Factors.Text.Deliver(ctx, id)
	}
	if err != nil {
		l.Log.ErrorContext(ctx, "text message not taken in", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
