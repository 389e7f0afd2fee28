package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// template is a database that is prepared once and copied for each test.
type template struct {
	once     sync.Once
	err      error
	database string // empty until it exists
}

// PostgresTemplate returns the URL of a new database that is a copy of a
// template, dropped when the test ends. The first test that names a template
// has it made: prepare gets the URL of an empty database, usually to migrate
// it, and must close its connections before it returns. Later callers with the
// same name get copies, and their prepare is not called.
func PostgresTemplate(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	server.need(t)
	tmpl := server.template(name)
	tmpl.once.Do(func() {
		tmpl.err = errors.New("the preparation was interrupted")
		tmpl.err = server.prepare(tmpl, prepare)
	})
	if tmpl.err != nil {
		t.Fatalf("database template %q: %v", name, tmpl.err)
	}
	return server.database(t, tmpl.database)
}

// template returns the entry of a name, prepared or not.
func (s *postgres) template(name string) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.templates == nil {
		s.templates = make(map[string]*template)
	}
	if s.templates[name] == nil {
		s.templates[name] = new(template)
	}
	return s.templates[name]
}

func (s *postgres) prepare(tmpl *template, prepare func(url string) error) error {
	name := newName("template")
	if err := s.create(name, "template0"); err != nil {
		return err
	}
	tmpl.database = name
	if err := prepare(s.url(name)); err != nil {
		return err
	}
	// PostgreSQL copies only a database nobody is connected to. Shutting the
	// door here makes a forgotten connection fail the first test that uses it,
	// not a later one at random.
	if err := s.exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false"); err != nil {
		return fmt.Errorf("close the template: %w", err)
	}
	return nil
}
