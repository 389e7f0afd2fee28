package storage

import (
	"fmt"
	"strings"
)

// statement is a query for address keys, put together from parts; what anybody
// typed goes into its arguments only.
type statement struct {
	q    PeopleQuery
	sql  strings.Builder
	args []any
}

func (s *statement) text() string { return s.sql.String() }

// arg is the placeholder of an argument.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

func (s *statement) write(parts ...string) {
	for _, p := range parts {
		s.sql.WriteString(p)
	}
}

// byWord begins at the people who have a rare word.
func (s *statement) byWord(words []string, first int, classes []PersonClass) {
	s.write(`SELECT u.email_key FROM (SELECT DISTINCT user_id FROM user_words WHERE org_id = `, s.arg(s.q.OrgID),
		` AND word >= `, s.arg([]byte(words[first])), ` AND word < `, s.arg(after(words[first])), `) f CROSS JOIN users u WHERE u.id = f.user_id`)
	s.common(words, first)
	s.anyOf(classes)
	s.page()
}

// byAddress goes through the company by address.
func (s *statement) byAddress(words []string, classes []PersonClass) {
	s.write(`SELECT u.email_key FROM users u WHERE u.org_id = `, s.arg(s.q.OrgID))
	s.common(words, -1)
	s.anyOf(classes)
	s.page()
}

// byClass takes the first of each class, and the first of all these.
func (s *statement) byClass(words []string, classes []PersonClass) {
	// The last is named again until there are a power of two, so that there are
	// few different statements to prepare; UNION forgets what it has seen.
	n := 1
	for n < len(classes) {
		n *= 2
	}
	org := s.arg(s.q.OrgID)
	s.write(`SELECT c.email_key FROM (`)
	for i := range n {
		c := classes[min(i, len(classes)-1)]
		if i > 0 {
			s.write(` UNION `)
		}
		s.write(`SELECT email_key FROM (SELECT u.email_key FROM users u WHERE u.org_id = `, org, ` AND `, s.isOf(c))
		s.common(words, -1)
		s.page()
		s.write(`) x`)
	}
	s.write(`) c ORDER BY c.email_key LIMIT `, s.arg(s.q.Limit))
}

// isOf is the condition that somebody is of a class.
func (s *statement) isOf(c PersonClass) string {
	return `u.kind = ` + s.arg(c.Kind) + ` AND u.role = ` + s.arg(c.Role) + ` AND u.two_step = ` + s.arg(c.TwoStep) +
		` AND u.two_step_required = ` + s.arg(c.TwoStepRequired) + ` AND u.second_factors = ` + s.arg(c.SecondFactors) + ` AND u.email_verified = ` + s.arg(c.EmailVerified)
}

// anyOf adds the condition that somebody is of one of the classes, if any are
// asked for.
func (s *statement) anyOf(classes []PersonClass) {
	for i, c := range classes {
		s.write([]string{` AND (`, ` OR `}[min(i, 1)], s.isOf(c))
	}
	if len(classes) > 0 {
		s.write(`)`)
	}
}

// common adds the conditions beside the classes; the word at found is met.
func (s *statement) common(words []string, found int) {
	if s.q.After != "" {
		s.write(` AND u.email_key > `, s.arg(EmailKey(s.q.After)))
	}
	if s.q.Disabled {
		s.write(` AND u.disabled_at IS NOT NULL`)
	}
	if s.q.Enabled {
		s.write(` AND u.disabled_at IS NULL`)
	}
	for i, w := range words {
		if i != found {
			s.write(` AND EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = u.id AND w.word >= `, s.arg([]byte(w)), ` AND w.word < `, s.arg(after(w)), `)`)
		}
	}
}

func (s *statement) page() { s.write(` ORDER BY u.email_key LIMIT `, s.arg(s.q.Limit)) }
