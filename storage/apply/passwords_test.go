package apply_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

const otherHash = "$argon2id$v=19$m=19456,t=2,p=1$b3RoZXJvdGhlcm90aGVyMQ$QKWBfpVn4gbnOmOhMhcZMJkJ5vFoqAEWsBxVWXTVQpk"

func TestAPasswordIsTakenOnlyWhereThereIsNone(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply("companies: [{id: acme, name: Acme}]\npeople: [{email: ana@acme.example, company: acme}]")
		session := f.sign("ana@acme.example")
		with := func(hash, more string) string {
			return "people: [{email: ana@acme.example, password_hash: '" + hash + "'" + more + "}]"
		}
		if out := f.apply(with(hash, "")); out != "~ person ana@acme.example: password set\n" {
			t.Error(out)
		}
		// What she chose since then stays.
		if out := f.apply(with(otherHash, "")); out != "Nothing to change.\n" || f.user("ana@acme.example").PasswordHash != hash {
			t.Error(out)
		}
		if got := f.stands(session); got != "session" {
			t.Errorf("her first password ended the session: %q", got)
		}
		if out := f.apply(with(otherHash, ", reset_password: true")); out != "~ person ana@acme.example: password set\n" || f.user("ana@acme.example").PasswordHash != otherHash {
			t.Error(out)
		}
		if got := f.stands(session); got != "" {
			t.Errorf("reset, and still: %q", got)
		}
		session = f.sign("ana@acme.example")
		if out := f.apply(with(otherHash, ", reset_password: true")); out != "Nothing to change.\n" {
			t.Error(out)
		}
		if got := f.stands(session); got != "session" {
			t.Errorf("reset again: %q", got)
		}
		if strings.Contains(f.rows("SELECT reason FROM audit"), "argon2id") {
			t.Error("the audit has the hash")
		}
	})
}

func TestASetUpLinkIsMadeOnce(t *testing.T) {
	each(t, func(f *fixture) {
		const yaml = "people: [{email: ana@acme.example, company: acme, set_up_link: true}]"
		if out := f.apply("companies: [{id: acme, name: Acme}]\n" + yaml); !strings.Contains(out, "Set-up link for ana@acme.example") {
			t.Error(out)
		}
		if out := f.apply(yaml); out != "Nothing to change.\n" || f.links != 1 {
			t.Errorf("%d links: %s", f.links, out)
		}
		// It has expired: a new one.
		f.opts.Now = now.Add(3 * time.Hour)
		if out := f.apply(yaml); !strings.Contains(out, "Set-up link for ana@acme.example") || f.links != 2 {
			t.Errorf("%d links: %s", f.links, out)
		}
		if got := f.rows("SELECT event, actor FROM audit WHERE event = 'link.made'"); got != "link.made|command line|\nlink.made|command line|\n" {
			t.Error(got)
		}
		// A password has been chosen: none any more.
		f.write(func(tx *storage.Tx) error {
			return tx.SetPasswordHash(t.Context(), f.user("ana@acme.example").ID, "", hash, f.opts.Now)
		})
		f.opts.Now = now.Add(6 * time.Hour)
		if out := f.apply(yaml); out != "Nothing to change.\n" || f.links != 2 {
			t.Errorf("%d links: %s", f.links, out)
		}
	})
}
