package config

import (
	"fmt"
	"time"
)

// Codes says how codes by text message and e-mail behave.
type Codes struct {
	// Validity is at least 30 s and at most 5 min.
	Validity time.Duration `name:"validity" type:"option" preset:"90s" placeholder:"DURATION" help:"How long a code sent by text message or e-mail is good, from 30s to 5m."`

	// CompanyDaily bounds what somebody who makes messages be sent can cost.
	CompanyDaily int `name:"company-daily" type:"option" preset:"1000" placeholder:"COUNT" help:"Text messages that are sent for one company in a day, at most."`
}

func (l *loading) checkCodes() {
	c := l.config.Codes
	if c.Validity < 30*time.Second || c.Validity > 5*time.Minute {
		l.report("codes.validity", &mistake{fmt.Sprintf("is %s", brief(c.Validity)),
			"write something from 30s to 5m: shorter, and messages come too late; longer, and codes are easier to guess or to wheedle out of people"})
	}
	if c.CompanyDaily < 1 {
		l.report("codes.company_daily", &mistake{fmt.Sprintf("is %d", c.CompanyDaily), "write at least 1; to send no text messages, set none of the text options"})
	}
}
