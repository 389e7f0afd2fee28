package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// demoCommand runs a provider, two products and an inbox in one process.
type demoCommand struct {
	Port        int    `default:"8080" help:"Port of the provider; the dashboard, the remote-control product and the inbox take the next three."`
	Data        string `placeholder:"DIR" help:"Folder to keep the data in. Without it: a temporary one, removed at the end."`
	DatabaseURL string `name:"database-url" placeholder:"URL" help:"Database to use in place of SQLite in the folder."`
}

// Run serves until ctx ends.
func (c *demoCommand) Run(ctx context.Context, p *process) (err error) {
	if c.Port < 1 || c.Port > 65535-3 {
		return usageError{fmt.Errorf("--port %d: choose a port between 1 and %d, as three more follow it", c.Port, 65535-3)}
	}
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sallyport-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	address := func(offset int) string { return fmt.Sprintf("http://localhost:%d", c.Port+offset) }
	issuer, dashboard, remote, inboxURL := address(0), address(1), address(2), address(3)
	databaseURL := c.DatabaseURL
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(dir, "sallyport.db")
	}
	// The inbox takes text messages as anybody's gateway does, and sends them.
	gateway := demo.Gateway{Secret: rand.Text() + rand.Text(), Number: demo.Number, Inbound: issuer + "/texts/inbound"}
	conf, err := config.Load(config.Sources{
		Environ: []string{"SALLYPORT_DATABASE_URL=" + databaseURL, "SALLYPORT_TEXT_WEBHOOK_SECRET=" + gateway.Secret},
		Flags: map[string]string{
			"issuer": issuer, "listen": fmt.Sprintf("localhost:%d", c.Port), "product-name": "Sallyport demo", "log-level": "warn",
			"outbound-allow-private": "true", "master-key-file": filepath.Join(dir, "master.key"), "limits-exempt-networks": "127.0.0.0/8,::1/128",
			"text-webhook-url": inboxURL + "/gateway", "text-number": gateway.Number,
		},
	})
	if err != nil {
		return err
	}
	// Ports first: a taken one should be said before anything is made.
	listeners, err := listenAll(ctx, c.Port, 4)
	if err != nil {
		return err
	}
	log := server.NewLogger(p.stderr, conf.LogLevel, conf.LogFormat)
	slog.SetDefault(log)
	db, err := openMigrated(ctx, conf, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := declareDemo(ctx, db, dashboard, remote); err != nil {
		return err
	}
	inbox := demo.NewInbox()
	inbox.Carry(gateway)
	srv, err := server.New(ctx, server.Options{Config: conf, DB: db, Log: log, Mail: toInbox{inbox}})
	if err != nil {
		return err
	}
	product := demo.Product{Issuer: issuer, InboxURL: inboxURL, Log: log}
	board, control := product, product
	board.ClientID, board.ClientSecret, board.BaseURL, board.OtherURL = demo.DashboardID, demo.DashboardSecret, dashboard, remote
	control.ClientID, control.ClientSecret, control.BaseURL, control.OtherURL = demo.RemoteID, demo.RemoteSecret, remote, dashboard
	others := []http.Handler{demo.NewDashboard(board), demo.NewRemoteControl(control, demo.Machines), inbox}

	var all sync.WaitGroup
	for i, h := range others {
		s := server.NewHTTP(h)
		all.Go(func() { s.Serve(listeners[i+1]) })
		context.AfterFunc(ctx, func() { s.Close() })
	}
	c.welcome(p, issuer, dashboard, remote, inboxURL)
	err = srv.Listen(ctx, listeners[0], "", "")
	all.Wait()
	return err
}

func listenAll(ctx context.Context, port, n int) ([]net.Listener, error) {
	var all []net.Listener
	for i := range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("localhost:%d", port+i))
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, fmt.Errorf("port %d: %w (choose others with --port)", port+i, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// declareDemo brings the database to the declared state, as `apply` would.
func declareDemo(ctx context.Context, db *storage.DB, dashboard, remote string) error {
	f, err := apply.Parse(strings.NewReader(demo.Declaration(dashboard, remote, storage.Hash)), "demo.yaml")
	if err != nil {
		return err
	}
	_, err = apply.Apply(ctx, db, f, apply.Options{Now: time.Now()})
	return err
}

func (c *demoCommand) welcome(p *process, issuer, dashboard, remote, inbox string) {
	fmt.Fprintf(p.stdout, `Sallyport demo is running. Begin at the dashboard.

  Dashboard       %s
  Take Control    %s
  Inbox           %s
  Your account    %s/account
  Console         %s/console
  Provider        %s/.well-known/openid-configuration

People (password of each: %s)
`, dashboard, remote, inbox, issuer, issuer, issuer, demo.Password)
	for _, person := range demo.People {
		fmt.Fprintf(p.stdout, "  %-23s %s\n", person.Email, person.About)
	}
	fmt.Fprintf(p.stdout, "\nMails and text messages land in the inbox. To text Sallyport, write to %s there.\nCtrl-C ends it.\n", demo.Number)
}

// toInbox delivers mail to the demo's inbox.
type toInbox struct{ inbox *demo.Inbox }

// Send implements notify.Sender.
func (t toInbox) Send(_ context.Context, m notify.Mail) error {
	t.inbox.Add(demo.Message{At: time.Now(), Kind: "mail", To: m.To, From: "Sallyport demo", Subject: m.Subject, Body: m.Body})
	return nil
}
