package storage

import (
	"database/sql"
	"time"
)

// Times are Unix milliseconds in the database, and UTC in Go; a zero time is
// NULL.

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// into scans a nullable stamp into t.
func into(t *time.Time) sql.Scanner { return (*scanTime)(t) }

type scanTime time.Time

func (s *scanTime) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	if n.Valid {
		*s = scanTime(fromMillis(n.Int64))
	} else {
		*s = scanTime{}
	}
	return nil
}
