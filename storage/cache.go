package storage

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// cache keeps what is read at every request and changes rarely: companies,
// products and signing keys. It is dropped whole when the generation moves,
// be it by this process (after its commit) or by another (see watch).
type cache struct {
	mu   sync.Mutex
	kept atomic.Pointer[sync.Map]
	seen atomic.Int64
}

func (c *cache) drop() { c.kept.Store(nil) }

func (c *cache) current() *sync.Map {
	if m := c.kept.Load(); m != nil {
		return m
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.kept.Load(); m != nil {
		return m
	}
	m := new(sync.Map)
	c.kept.Store(m)
	return m
}

// cached returns what load gives, from memory where it can. A value loaded
// while the cache was dropped goes into the dropped map and is not seen again.
func cached[T any](r Reader, key string, load func() (T, error)) (T, error) {
	if r.inTx {
		return load()
	}
	m := r.db.cache.current()
	if v, ok := m.Load(key); ok {
		return v.(T), nil
	}
	v, err := load()
	if err == nil {
		m.Store(key, v)
	}
	return v, err
}

// Generation is the number of the present state of companies, products and
// signing keys; what is derived from them can be kept until it changes.
func (db *DB) generation(ctx context.Context) (value int64, err error) {
	// Not counted as a statement of anybody's request.
	err = db.read.QueryRowContext(ctx, `SELECT value FROM generation WHERE id = 1`).Scan(&value)
	return value, err
}

// watch drops the cache when another process changed what is in it: by asking
// every so often, and on PostgreSQL by listening too.
func (db *DB) watch(every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	db.stop = cancel
	db.watching = make(chan struct{})
	look := make(chan struct{}, 1)
	var background sync.WaitGroup
	if db.dialect.listen != nil {
		background.Go(func() { db.listen(ctx, every, look) })
	}
	background.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			if v, err := db.generation(ctx); err != nil {
				if ctx.Err() == nil {
					db.log.Error("look for changed settings", "error", err)
				}
			} else if db.cache.seen.Swap(v) != v {
				db.cache.drop()
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			case <-look:
			}
		}
	})
	go func() { background.Wait(); close(db.watching) }()
}

func (db *DB) listen(ctx context.Context, retry time.Duration, look chan<- struct{}) {
	for ctx.Err() == nil {
		err := db.dialect.listen(ctx, func() {
			select {
			case look <- struct{}{}:
			default:
			}
		})
		if ctx.Err() == nil {
			db.log.Warn("listen for changed settings; asking instead", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}
