package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

// serveCommand runs the provider.
type serveCommand struct{ settings }

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, p *process) error {
	conf, err := c.load(p)
	if err != nil {
		return err
	}
	log := server.NewLogger(p.stderr, conf.LogLevel, conf.LogFormat)
	slog.SetDefault(log) // libraries log here too
	db, err := openMigrated(ctx, conf, log)
	if err != nil {
		return err
	}
	defer db.Close()
	srv, err := server.New(ctx, server.Options{Config: conf, DB: db, Log: log, AuditStream: auditStream(conf, p)})
	if err != nil {
		return err
	}
	l, err := listenOn(ctx, conf.Listen, "--listen")
	if err != nil {
		return err
	}
	log.Info("serving", "issuer", conf.Issuer, "listen", l.Addr().String(), "database", db.Engine())
	var second net.Listener
	if conf.MTLS.Listen != "" {
		if second, err = listenOn(ctx, conf.MTLS.Listen, "--mtls-listen"); err != nil {
			return err
		}
		log.Info("serving clients with certificates", "url", conf.MTLS.URL, "listen", second.Addr().String())
	}
	if link, err := srv.FirstOwnerLink(ctx); err != nil {
		return err
	} else if link != "" {
		log.Warn("there is no owner yet: open the link within one hour to become the first", "link", link)
	}
	if err := srv.ServeMetrics(ctx, conf.MetricsListen, log); err != nil {
		return err
	}
	// What starting up left behind is given back, so that an idle server is small.
	debug.FreeOSMemory()
	if second == nil {
		return srv.Listen(ctx, l, conf.TLSCertFile, conf.TLSKeyFile)
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer stop() // either ends with the other
		ended <- srv.ListenMTLS(ctx, second, conf.TLSCertFile, conf.TLSKeyFile)
	}()
	err = srv.Listen(ctx, l, conf.TLSCertFile, conf.TLSKeyFile)
	stop()
	return errors.Join(err, <-ended)
}

func listenOn(ctx context.Context, address, flag string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (another program may be there: choose a port with %s)", address, err, flag)
	}
	return l, nil
}

// openMigrated opens the configured database with this version's schema,
// making the master key of a new SQLite database.
func openMigrated(ctx context.Context, conf config.Config, log *slog.Logger) (*storage.DB, error) {
	key, err := config.LoadMasterKey(conf, true, func(s string) { log.Warn(s) })
	if err != nil {
		return nil, err
	}
	o := storage.Options{MasterKey: key, Log: log, Watch: watchEvery}
	steps, err := storage.Migrate(ctx, conf.DatabaseURL.Reveal(), o)
	if err != nil {
		return nil, err
	}
	if steps > 0 {
		log.Info("database migrated", "steps", steps)
	}
	return storage.Open(ctx, conf.DatabaseURL.Reveal(), o)
}

// watchEvery is how soon changes by other processes are noticed.
const watchEvery = time.Second
