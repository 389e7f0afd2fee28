package demo_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
)

func TestInbox(t *testing.T) {
	in := demo.NewInbox()
	srv := httptest.NewServer(in)
	defer srv.Close()
	anybody := newPerson(t, srv)
	anybody.get("/").mustShow(t, 200, "Nothing yet", `<meta http-equiv="refresh" content="3">`)
	anybody.get("/messages.json").mustShow(t, 200, "[]")

	at := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	in.Add(demo.Message{At: at, Kind: "mail", To: "ana@example.com", From: "sallyport@example.com", Subject: "Welcome <b>", Body: "Open https://id.example/setup?t=1&x=2.\nBye javascript:alert(1)"})
	in.Add(demo.Message{At: at.Add(time.Minute), Kind: "sms", To: "+351 900 000 042", Body: "123456 is your code"})
	page := anybody.get("/")
	page.mustShow(t, 200, "Welcome &lt;b&gt;", `<a href="https://id.example/setup?t=1&amp;x=2">`, "Text message", "123456 is your code")
	page.mustNotShow(t, `href="javascript`, "<b>\n", "<script>")

	var got []map[string]any
	if err := json.Unmarshal([]byte(anybody.get("/messages.json").body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["kind"] != "sms" || got[1]["subject"] != "Welcome <b>" || got[1]["at"] != "2026-03-04T09:00:00Z" || got[0]["to"] != "+351 900 000 042" {
		t.Errorf("messages %v", got)
	}
}

func TestInboxKeepsTheNewest(t *testing.T) {
	in := demo.NewInbox()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 150 {
				in.Add(demo.Message{Body: "early"})
			}
		})
	}
	wg.Wait()
	for i := range 3 {
		in.Add(demo.Message{Body: fmt.Sprint(i)})
	}
	rec := httptest.NewRecorder()
	in.ServeHTTP(rec, httptest.NewRequest("GET", "/messages.json", nil))
	var got []demo.Message
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 500 || got[0].Body != "2" || got[2].Body != "0" || got[3].Body != "early" {
		t.Errorf("%d messages, first %v", len(got), got[:4])
	}
}
