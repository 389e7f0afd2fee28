package server_test

import (
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// After a whole story nothing that opens a door is in the log, in the audit or
// anywhere in the database, in no writing. (Not parallel: libraries log to the
// one default logger.)
func TestSecretsAreKeptNowhere(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			databaseURL := storagetest.URL(t, engine)
			d := quiet(t, databaseURL, nil)
			slog.SetDefault(server.NewLogger(d.Log, slog.LevelDebug, "text"))
			secrets := tellStory(t, d)
			if len(secrets) < 40 {
				t.Fatalf("only %d secrets to look for", len(secrets))
			}
			database := dump(t, engine, databaseURL)
			// What must be there proves that it was looked at.
			for _, there := range []string{"totp.enrolled", ana, "product.entered", storage.Hash(secret)} {
				if !strings.Contains(database, there) {
					t.Errorf("%q isn't found: the dump is not whole", there)
				}
			}
			for name, s := range secrets {
				for _, written := range writings(s) {
					if strings.Contains(d.Log.String(), written) {
						t.Errorf("the log has %s (%s)", name, written)
					}
					if strings.Contains(database, written) {
						t.Errorf("the database has %s (%s)", name, written)
					}
				}
			}
		})
	}
}

// tellStory signs in, enrols, steps up, uses and misuses everything, and
// returns what was secret in it.
func tellStory(t *testing.T, d *servertest.Demo) map[string]string {
	t.Helper()
	secrets := map[string]string{
		"the password": demo.Password, "a wrong password": "a wrong password", "the client's secret": secret, "a wrong secret": "a wrong secret", "a demo secret": demo.DashboardSecret,
	}
	r := rp(t, d, first)
	secrets["a verifier"] = r.Verifier
	cookies := func(when string, p *servertest.Person) {
		for _, c := range p.Cookies(d.URL) {
			secrets[fmt.Sprintf("cookie %s %s", c.Name, when)] = c.Value
		}
	}
	tokens := func(when string, a servertest.Answer) {
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			if a.String(name) == "" {
				t.Fatalf("%s: no %s in %v", when, name, a)
			}
			secrets[name+" "+when] = a.String(name)
		}
	}
	redeem := func(when string, p *servertest.Person) servertest.Answer {
		code := answered(t, p).Get("code")
		status, a := r.Exchange(code, nil)
		if status != 200 {
			t.Fatalf("%s: %d %v", when, status, a)
		}
		secrets["code "+when] = code
		tokens(when, a)
		return a
	}

	p := visitor(t)
	p.Go(r.AuthorizeURL(nil)).Submit(map[string]string{"username": ana, "password": "a wrong password"})
	cookies("on the way", p)
	secrets["form token"] = fieldOf(t, p, "form_token")
	redeem("by password", signIn(p, ana))
	cookies("by password", p)

	p.Go(r.AuthorizeURL(url.Values{"acr_values": {acr2FA}}))
	key, backup := enrol(t, d, p)
	secrets["the app's key"] = key
	for i, code := range backup {
		secrets[fmt.Sprintf("backup code %d", i)] = code
	}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key); err != nil {
		t.Fatal(err)
	} else {
		secrets["the app's key, raw"] = string(raw)
	}
	signIn(p, ana).Submit(map[string]string{"code": "000 000"})
	p.Submit(map[string]string{"code": "wrong"})
	d.Clock.Advance(totpStep)
	p.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
	cookies("by app", p)
	last := redeem("by app", p)

	d.Clock.Advance(time.Minute)
	p.Go(r.AuthorizeURL(url.Values{"prompt": {"login"}}))
	signIn(p, ana).Follow("/login/choose").Follow("/login/backup-code").Submit(map[string]string{"code": backup[3]})
	redeem("by backup code", p)
	cookies("by backup code", p)

	// Refresh, and everything that is refused, with things that were real once.
	_, next := r.Refresh(last.String("refresh_token"), nil)
	tokens("refreshed", next)
	for _, token := range []string{last.String("refresh_token"), secrets["code by app"], secrets["id_token by app"]} {
		r.Refresh(token, nil)
		r.Exchange(token, nil)
		r.Userinfo(token)
		r.Post("/introspect", url.Values{"token": {token}})
		r.Post("/revoke", url.Values{"token": {token}})
		rp(t, d, elliptic).Refresh(token, nil)
		p.Go(r.AuthorizeURL(url.Values{"id_token_hint": {token}}))
		p.Go(d.URL + "/logout?id_token_hint=" + token)
		p.Go(d.URL + "/login?r=" + token)
	}
	wrong := *r
	wrong.Secret = "a wrong secret"
	wrong.Refresh(next.String("refresh_token"), nil)
	return secrets
}

// writings are the ways in which a secret could be written down.
func writings(s string) []string {
	out := []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), hex.EncodeToString([]byte(s))}
	if bare := strings.ReplaceAll(s, "-", ""); len(bare) == 16 { // a backup code
		out = append(out, bare)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(s); err == nil && len(raw) == 32 {
		out = append(out, string(raw), hex.EncodeToString(raw))
	}
	return out
}

// dump is every row of every table: bytes as they are, and in hex.
func dump(t *testing.T, engine, databaseURL string) string {
	t.Helper()
	driver, list := "pgx", `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	if engine == "sqlite" {
		driver, list = "sqlite", `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
		databaseURL = strings.TrimPrefix(databaseURL, "sqlite:")
	}
	db, err := sql.Open(driver, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	tables := rowsOf(t, db, list)
	if len(tables) < 20 {
		t.Fatalf("tables: %v", tables)
	}
	for _, table := range tables {
		for _, row := range rowsOf(t, db, `SELECT * FROM `+fmt.Sprint(table[0])) {
			for _, value := range row {
				if b, isBytes := value.([]byte); isBytes {
					fmt.Fprintf(&out, "%s %x ", b, b)
				} else {
					fmt.Fprintf(&out, "%v ", value)
				}
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func rowsOf(t *testing.T, db *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
