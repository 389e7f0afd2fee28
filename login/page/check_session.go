package page

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
)

var checkSession = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en" data-cookie="{{.Cookie}}">
<meta charset="utf-8">
<title>Sallyport</title>
<script type="module" src="{{.Script}}"></script>
</html>
`))

// CheckSession serves the page without words that products keep in a frame to
// compare the browser state, which is in a cookie of that name (OpenID Connect
// Session Management 1.0 section 3.2). Anybody may frame it: it has nothing to
// press, shows nothing, and answers in one word.
func CheckSession(cookie string) (http.HandlerFunc, error) {
	files, err := loadAssets()
	if err != nil {
		return nil, err
	}
	script, err := files.url("check_session.js")
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := checkSession.Execute(&body, map[string]string{"Cookie": cookie, "Script": script}); err != nil {
		return nil, fmt.Errorf("draw the page that checks sessions: %w", err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(body.Bytes()) // the reader is gone: nobody to tell
	}, nil
}
