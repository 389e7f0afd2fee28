package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// assets are the stylesheet, script and pictures under names that carry a hash
// of their content: a new version is a new name, so browsers may keep each for
// ever.
type assets struct {
	hashed map[string]string // style.css → style.3f2a….css
	byName map[string]asset  // by hashed name
}

type asset struct {
	contentType string
	body        []byte
}

func loadAssets() (*assets, error) {
	types := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list static files: %w", err)
	}
	a := &assets{hashed: make(map[string]string), byName: make(map[string]asset)}
	for _, entry := range entries {
		name, ext := entry.Name(), path.Ext(entry.Name())
		if types[ext] == "" {
			return nil, fmt.Errorf("static/%s: no content type is known for %s", name, ext)
		}
		body, err := staticFiles.ReadFile(path.Join("static", name))
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		sum := sha256.Sum256(body)
		a.hashed[name] = strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
		a.byName[a.hashed[name]] = asset{contentType: types[ext], body: body}
	}
	return a, nil
}

// url is the address of a static file, for templates.
func (a *assets) url(name string) (string, error) {
	hashed, ok := a.hashed[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + hashed, nil
}

// Static serves /static/: the files the pages refer to, under the names the
// pages use. It panics if the embedded files are broken, which New reports.
func Static() http.Handler {
	files, err := loadAssets()
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files.byName[strings.TrimPrefix(r.URL.Path, "/static/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", file.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
	})
}
