package main

import (
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// governing does what the console does, by the same rules; mails are delivered by the running server.
func governing(conf config.Config, db *storage.DB) (*govern.Govern, error) {
	pages, err := page.New()
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(conf.Issuer)
	if err != nil {
		return nil, err
	}
	moment := present()
	now := func() time.Time { return moment }
	return &govern.Govern{
		DB: db, Sessions: server.Sessions(conf, db, now), Now: now, MailGoesOut: conf.Mail.Server != "",
		Notices: &notify.Notices{DB: db, Pages: pages, Issuer: issuer.Host, URL: conf.Issuer, Now: now},
	}, nil
}
