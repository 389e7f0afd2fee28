// Package server wires the rooms of the house together: storage, sessions,
// protocol, sign-in pages and account, behind one handler, with the work that
// goes on in the background. serve, demo and the tests of the whole flow start
// the same server.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/sallyport-id/sallyport/cmd/sallyport/carrier"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login"
	"github.com/sallyport-id/sallyport/login/account"
	"github.com/sallyport-id/sallyport/login/admin"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/login/setup"
	"github.com/sallyport-id/sallyport/storage"
)

// Options are what a server is made of. DB and Config must be set.
type Options struct {
	Config config.Config
	DB     *storage.DB
	// Mail carries mails; nil: the configured server does, or the log where
	// there is none.
	Mail notify.Sender
	// Text carries text messages; nil: the configured gateway does, if any.
	Text notify.TextSender
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log; nil: slog.Default().
	Log *slog.Logger
	// AuditStream gets the audit as JSON lines; nil: nobody wants them.
	AuditStream io.Writer
}

// Server is a wired provider.
type Server struct {
	handler  http.Handler
	db       *storage.DB
	provider *idp.Provider
	notices  *notify.Notices
	govern   *govern.Govern
	metrics  *metrics
	audit    *auditing
	issuer   string
	now      func() time.Time
	log      *slog.Logger
}

// Offered are the methods that can be set up with a configuration.
func Offered(c config.Config) []policy.Method {
	_, err := factor.NewWebAuthn(c.Issuer, c.ProductName, "")
	return offered(err == nil, c.Mail.Server != "", carrier.Text(c) != nil)
}

func offered(keys, mail, text bool) []policy.Method {
	all := []policy.Method{policy.TOTP}
	if keys {
		all = append(all, policy.WebAuthn)
	}
	if text {
		all = append(all, policy.SMS)
	}
	if mail {
		all = append(all, policy.Email)
	}
	return all
}

// Sessions are the session settings of a configuration: the server and the
// command line decide by the same facts.
func Sessions(c config.Config, db *storage.DB, now func() time.Time) *session.Sessions {
	return &session.Sessions{
		DB: db, Issuer: c.Issuer, Secure: strings.HasPrefix(c.Issuer, "https:"), Idle: c.Sessions.Idle, Absolute: c.Sessions.Absolute, Now: now,
		Offered: Offered(c), Attests: c.WebAuthn.MetadataFile != "",
	}
}

// New wires a server. It makes the first signing keys and registers the
// internal clients.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	// What is stored has milliseconds; what is compared to it has too.
	now := func() time.Time { return o.Now().UTC().Truncate(time.Millisecond) }
	issuer, err := url.Parse(o.Config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	host := issuer.Host
	pages, err := page.New()
	if err != nil {
		return nil, err
	}
	if err := o.carriers(); err != nil {
		return nil, err
	}
	sessions := Sessions(o.Config, o.DB, now)
	mails := o.Mail != nil
	if o.Mail == nil {
		o.Mail = notify.LogSender{Log: o.Log}
	}
	notices := &notify.Notices{DB: o.DB, Pages: pages, Mail: o.Mail, Text: o.Text, Issuer: host, URL: o.Config.Issuer, Now: now}
	factors, err := newFactors(o.Config, issuer.Hostname(), notices)
	if err != nil {
		return nil, err
	}
	sessions.Offered = offered(factors.Keys != nil, mails, o.Text != nil)
	setUp := &setup.Setup{DB: o.DB, Factors: factors, TextNumber: o.Config.Text.Number, Countries: o.Config.Text.Countries, Now: now}
	provider := &idp.Provider{
		Issuer: o.Config.Issuer, DB: o.DB, Sessions: sessions, Pages: pages, Now: now, Log: o.Log,
		Outbound: idp.NewOutbound(o.Config.Outbound.AllowPrivate), OutboundPrivate: o.Config.Outbound.AllowPrivate,
		Registration: o.Config.Registration.Enabled, RequirePAR: o.Config.Protocol.RequirePAR, RotateKeysEvery: o.Config.Keys.RotateEvery, DPoPNonce: o.Config.Protocol.RequireDPoPNonce,
	}
	if provider.MTLS, err = mtls(o.Config); err != nil {
		return nil, err
	}
	signIn := &login.Login{
		DB: o.DB, Sessions: sessions, Pages: pages, Factors: factors, Setup: setUp, Notices: notices, Inbound: carrier.Inbound(o.Config),
		Issuer: o.Config.Issuer, Host: host, Now: now, Log: o.Log,
	}
	own := &account.Account{
		DB: o.DB, Sessions: sessions, Pages: pages, Factors: factors, Setup: setUp, Notices: notices, Issuer: o.Config.Issuer, Host: host, Now: now, Log: o.Log,
	}
	governing := &govern.Govern{DB: o.DB, Sessions: sessions, Notices: notices, MailGoesOut: mails, PrepareRotation: idp.PrepareRotation, Now: now, Log: o.Log}
	console := &admin.Admin{DB: o.DB, Sessions: sessions, Pages: pages, Govern: governing, Issuer: o.Config.Issuer, Now: now, Log: o.Log}
	api := &admin.API{Govern: governing, Bearer: provider.Bearer, Log: o.Log}
	s := &Server{db: o.DB, govern: governing, provider: provider, notices: notices, metrics: newMetrics(), audit: newAuditing(o), issuer: o.Config.Issuer, now: now, log: o.Log}
	if err := s.registerInternal(ctx, own.Door().Client(o.Config.ProductName), console.Client(o.Config.ProductName+" console")); err != nil {
		return nil, err
	}
	protocol, err := provider.Handler(ctx)
	if err != nil {
		return nil, err
	}

	slow := &limiter{exempt: o.Config.Limits.ExemptNetworks, pages: pages}
	r := chi.NewRouter()
	r.Use(s.metrics.measure, s.recoverPanics, session.TrackOrigin(o.Config.TrustedProxies, o.Config.MTLS.Header), everyAnswer(o.Config.Issuer), middleware.GetHead)
	r.Get("/healthz", s.health)
	r.Handle("/static/*", page.Static())
	signIn.Outside(r)
	r.Group(func(r chi.Router) {
		r.Use(slow.slowCalls)
		api.Routes(r)
	})
	r.Group(func(r chi.Router) {
		r.Use(limitForms, http.NewCrossOriginProtection().Handler, slow.slowForms)
		signIn.Routes(r)
		provider.DeviceRoutes(r)
		own.Routes(r)
		console.Routes(r)
	})
	r.NotFound(notFound(pages))
	r.With(slow.slowCalls, inTime).Mount("/", protocol)
	s.handler = r
	return s, nil
}

// carriers fills in what the configuration says about mail and text messages.
func (o *Options) carriers() (err error) {
	if o.Mail == nil {
		mail, err := carrier.Mail(o.Config)
		if err != nil {
			return err
		}
		if mail != nil {
			o.Mail = mail
		}
	}
	if o.Text == nil {
		o.Text = carrier.Text(o.Config)
	}
	return nil
}

func newFactors(c config.Config, domain string, notices *notify.Notices) (*factor.Factors, error) {
	keys, err := factor.NewWebAuthn(c.Issuer, c.ProductName, c.WebAuthn.MetadataFile)
	if err != nil && !errors.Is(err, factor.ErrNoDomain) { // at an address without a name there are no passkeys
		return nil, err
	}
	sent := factor.Sent{
		Notices: notices, Validity: c.Codes.Validity, Domain: domain, CompanyDaily: c.Codes.CompanyDaily, ExemptFrom: c.Limits.ExemptNetworks,
	}
	text, mail := sent, sent
	text.Kind, mail.Kind = policy.SMS, policy.Email
	return &factor.Factors{Passwords: factor.NewPasswords(), TOTP: factor.TOTP{Issuer: c.ProductName}, Text: text, Mail: mail, Keys: keys}, nil
}

// Handler serves everything.
func (s *Server) Handler() http.Handler { return s.handler }

// registerInternal keeps internal clients as this version wants them.
func (s *Server) registerInternal(ctx context.Context, clients ...storage.Client) error {
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, c := range clients {
			if err := tx.PutClient(ctx, c, s.now()); err != nil {
				return fmt.Errorf("register %s: %w", c.ID, err)
			}
		}
		return nil
	})
}

// FirstOwnerLink makes the set-up link for the first owner, in place of
// earlier ones; empty where there is an owner.
func (s *Server) FirstOwnerLink(ctx context.Context) (link string, err error) {
	owner, err := s.db.HasOwner(ctx)
	if err != nil || owner {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *storage.Tx) (err error) {
		link, _, err = s.notices.NewLink(ctx, tx, notify.LinkFirstOwner, "", "", notify.LinkFirstOwnerLifetime)
		return err
	})
	return link, err
}

// Work delivers what is queued and cleans up, until ctx ends. Several replicas
// may do so at once.
func (s *Server) Work(ctx context.Context) {
	holder := storage.NewID()
	var all sync.WaitGroup
	for range logoutWorkers {
		all.Go(func() {
			s.every(ctx, time.Second, "deliver logouts", func() error { return s.deliverAllLogouts(ctx) })
		})
	}
	all.Go(func() {
		s.every(ctx, time.Second, "deliver messages", func() error { _, err := s.notices.Deliver(ctx); return err })
	})
	all.Go(func() {
		s.every(ctx, time.Second, "seal audit", func() error { _, err := s.SealAudit(ctx); return err })
	})
	all.Go(func() {
		s.every(ctx, time.Hour, "drop old audit", func() error { _, err := s.DropAudit(ctx); return err })
	})
	all.Go(func() {
		s.every(ctx, time.Second, "work on tasks", func() error { _, err := s.WorkTasks(ctx); return err })
	})
	all.Go(func() {
		s.every(ctx, time.Hour, "keep keys", func() error { _, err := s.KeepKeys(ctx); return err })
	})
	all.Go(func() {
		s.every(ctx, time.Minute, "clean up", func() error { _, err := s.db.Clean(ctx, holder, s.now()); return err })
	})
	all.Wait()
}

func (s *Server) every(ctx context.Context, period time.Duration, what string, do func() error) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		if err := do(); err != nil && ctx.Err() == nil {
			s.log.Error(what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.db.Ping(r.Context()); err != nil {
		s.log.Error("health check", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// logoutWorkers deliver back-channel logouts side by side: products must hear of
// them within five seconds, which is as long as one that hangs takes.
const logoutWorkers = 4

// deliverAllLogouts goes on until nothing is due: a company of thousands may
// have been signed out at once.
func (s *Server) deliverAllLogouts(ctx context.Context) error {
	for {
		if n, err := s.provider.DeliverLogouts(ctx); n == 0 || err != nil {
			return err
		}
	}
}

// DeliverLogouts tells products of ended sessions now, instead of within a
// second, and says how many it told.
func (s *Server) DeliverLogouts(ctx context.Context) (int, error) {
	return s.provider.DeliverLogouts(ctx)
}

// WorkTasks takes a step of each task that is due now, instead of within a
// second, and says how many it took.
func (s *Server) WorkTasks(ctx context.Context) (int, error) { return s.govern.WorkTasks(ctx) }

// DeliverMessages sends mails and text messages now, instead of within a
// second, and says how many it took up.
func (s *Server) DeliverMessages(ctx context.Context) (int, error) { return s.notices.Deliver(ctx) }

// KeepKeys makes the signing keys that are due now, instead of within an hour,
// and says of how many algorithms.
func (s *Server) KeepKeys(ctx context.Context) (int, error) {
	return s.provider.KeepKeys(ctx, s.audit.holder)
}
