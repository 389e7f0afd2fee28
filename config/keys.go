package config

import (
	"fmt"
	"time"
)

// Keys says how long a key signs tokens.
type Keys struct {
	// RotateEvery is at least a day, or zero for keys that are made by command only. Products notice nothing of it: a new
	// key is published an hour before it signs, and the old one until an hour after the last token it signed has expired.
	RotateEvery time.Duration `name:"rotate-every" type:"option" preset:"90d" placeholder:"DURATION" help:"How long a key signs tokens before the next one does, such as 90d; at least 24h. 0: new ones are made by command only (keys rotate)."`
}

func (l *loading) checkKeys() {
	if every := l.config.Keys.RotateEvery; every != 0 && every < day {
		l.report("keys.rotate_every", &mistake{fmt.Sprintf("is %s", brief(every)), "write at least 24h, or 0 to make new keys by command only"})
	}
}
