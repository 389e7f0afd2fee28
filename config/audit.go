package config

import (
	"fmt"
	"time"
)

// Audit says how long the audit is kept, and where else it goes.
type Audit struct {
	// Retention is at least 30 days, or zero for ever: what is found out late must still be there to look at.
	Retention time.Duration `name:"retention" type:"option" placeholder:"DURATION" help:"How long the audit is kept, such as 400d; at least 30d. Without it: for ever."`

	// Stream is for log shippers that read standard output; the log itself goes to standard error.
	Stream bool `name:"stream" type:"option" preset:"false" help:"Write the audit to standard output, one event a line as JSON, for log shippers."`
}

const leastRetention = 30 * day

func (l *loading) checkAudit() {
	if kept := l.config.Audit.Retention; kept != 0 && kept < leastRetention {
		l.report("audit.retention", &mistake{fmt.Sprintf("is %s", brief(kept)), "write at least 30d, or nothing to keep it for ever"})
	}
}
