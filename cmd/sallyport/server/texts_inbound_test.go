package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Text messages from the person to the system.

func TestNumberByTextMessage(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		p, word := textUs(t, d, ana)
		if !regexp.MustCompile(`^[0-9a-z]{4}-[0-9a-z]{4}$`).MatchString(word) {
			t.Fatalf("word %q", word)
		}
		p.Submit(map[string]string{"check": "1"}).MustRead("not arrived yet")
		enterNothing := p.Go(strings.Replace(p.URL.String(), "/phone/text", "/phone/code", 1)) // no code before the number is known
		enterNothing.MustBeAt("/login/set-up/phone/text")

		// People write as they like.
		if status := d.Phone.Send(t, d.Instance, "0041 79 111 11 11", " "+strings.ToUpper(strings.Replace(word, "-", " ", 1))+"\n"); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
		reload(p).MustBeAt("/login/set-up/phone/code").MustRead("•••• 11")
		if u := person(t, d, idOf(t, d, ana)); u.Phone == anaPhone || u.PhoneVerified {
			t.Fatalf("before the code came back: %+v", u)
		}
		enter(p, d.Phone.Code(t, anaPhone)).MustBeAt("/login/backup-codes")
		saved(t, p)
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		enter(p, d.Phone.Code(t, anaPhone))
		answered(t, p)
		if u := person(t, d, idOf(t, d, ana)); u.Phone != anaPhone || !u.PhoneVerified {
			t.Errorf("%+v", u)
		}
		r := rp(t, d, first)
		tokens := tokensFor(t, p, r, url.Values{"scope": {"openid phone"}})
		if _, a := r.Userinfo(tokens.String("access_token")); a["phone_number"] != anaPhone || a["phone_number_verified"] != true {
			t.Errorf("userinfo %v", a)
		}
	})
}

func TestWordsThatDoNothing(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		p, word := textUs(t, d, ana)
		other, bens := textUs(t, d, ben)
		if word == bens {
			t.Fatal("one word for two")
		}
		mustWait := func(what string, q *servertest.Person) {
			t.Helper()
			d.Delivered()
			if reload(q); q.URL.Path != "/login/set-up/phone/text" || len(d.Phone.All()) != 0 {
				t.Fatalf("%s: at %s, %v was sent", what, q.URL, d.Phone.All())
			}
		}
		send := func(body string) int { return d.Phone.Send(t, d.Instance, anaPhone, body) }
		for what, body := range map[string]string{"a wrong word": "0000-0000", "nothing": "", "what waits is called": "word:" + word, "a part": word[:4], "two words": word + bens} {
			if status := send(body); status != http.StatusNoContent {
				t.Errorf("%s: %d", what, status)
			}
			mustWait(what, p)
		}

		// What the gateway would say, held up on the way.
		held := servertest.NewPerson(t)
		var header http.Header
		var message []byte
		between := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header = r.Header.Clone()
			message, _ = io.ReadAll(r.Body)
		}))
		d.Phone.Send(t, &servertest.Instance{URL: between, Clock: d.Clock}, anaPhone, word)
		play := func(header http.Header, message []byte) int {
			t.Helper()
			req, err := http.NewRequest(http.MethodPost, d.URL+"/texts/inbound", bytes.NewReader(message))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header
			resp, err := held.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		if status := play(http.Header{}, message); status != http.StatusForbidden {
			t.Errorf("unsigned: %d", status)
		}
		if status := play(header, bytes.Replace(message, []byte("1111111"), []byte("3333333"), 1)); status != http.StatusForbidden {
			t.Errorf("another number: %d", status)
		}
		if status := inbound(t, d, d.URL, "another secret of thirty-two characters", "x", anaPhone, word); status != http.StatusForbidden {
			t.Errorf("foreign signature: %d", status)
		}
		d.Clock.Advance(5*time.Minute + time.Second)
		if status := play(header, message); status != http.StatusForbidden {
			t.Errorf("stale: %d", status)
		}
		mustWait("forged and stale", p)

		// Ben's word is about Ben's sign-in alone; each works once, a message too.
		d.Phone.Send(t, &servertest.Instance{URL: between, Clock: d.Clock}, benPhone, bens)
		for range 2 {
			if status := play(header, message); status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
		}
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 || all[0].To != benPhone {
			t.Fatalf("sent %v", all)
		}
		reload(other).MustBeAt("/login/set-up/phone/code").MustRead("•••• 22")
		reload(p).MustBeAt("/login/set-up/phone/text")
		enterElsewhere := p.Go(strings.Replace(p.URL.String(), "/phone/text", "/phone/code", 1))
		enterElsewhere.MustBeAt("/login/set-up/phone/text")
		send(bens)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Fatalf("a word worked twice: %v", all)
		}
		// A message that came once counts for nothing later, whoever waits then.
		other.Go(strings.Replace(other.URL.String(), "/phone/code", "/phone", 1)).Submit(map[string]string{"text_us": "1"})
		d.Clock.Advance(time.Minute)
		play(header, message)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Fatalf("a replayed message was answered: %v", all)
		}
		if reload(other).MustBeAt("/login/set-up/phone/text"); slices.Contains(other.All("code"), bens) {
			t.Error("the same word again")
		}

		// After ten minutes a word is too old.
		d.Clock.Advance(4 * time.Minute)
		send(word)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Errorf("an old word: %v", all)
		}
	})
}
