package docs_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sallyport-id/sallyport/config"
)

// The configuration beside the systemd unit is one that serve takes.
func TestDeployedFileLoads(t *testing.T) {
	c, err := config.Load(config.Sources{File: filepath.Join(root, "deploy/sallyport.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	if path, ok := c.DatabaseURL.SQLitePath(); !ok || filepath.Dir(path) != "/var/lib/sallyport" || filepath.Dir(c.MasterKeyFile) != "/var/lib/sallyport" {
		t.Errorf("the unit lets it write to /var/lib/sallyport alone: %s, %s", c.DatabaseURL, c.MasterKeyFile)
	}
}

// The environment that compose.yaml gives to the image is one that serve takes.
func TestComposedEnvironmentLoads(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Environment map[string]string
			Secrets     []string
		}
		Networks map[string]struct {
			IPAM struct{ Config []struct{ Subnet string } }
		}
		Secrets map[string]struct{ File string }
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	service := file.Services["sallyport"]
	environ := imageEnvironment(t)
	maps.Copy(environ, service.Environment)

	// What stands in the secrets' place in a container.
	dir := t.TempDir()
	for name, content := range map[string]string{
		"database_url": "postgres://sallyport:secret@postgres/sallyport?sslmode=disable", "master_key": strings.Repeat("2a", 32),
	} {
		if file.Secrets[name].File == "" || !slices.Contains(service.Secrets, name) {
			t.Errorf("the secret %s isn't given to sallyport", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var list []string
	for name, value := range environ {
		list = append(list, name+"="+strings.Replace(value, "/run/secrets", dir, 1))
	}
	c, err := config.Load(config.Sources{Environ: list})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadMasterKey(c, false, nil); err != nil {
		t.Error(err)
	}
	if front := file.Networks["front"].IPAM.Config; len(front) != 1 || len(c.TrustedProxies) != 1 || c.TrustedProxies[0].String() != front[0].Subnet {
		t.Errorf("trusted proxies %v are not the network of the proxy, %v", c.TrustedProxies, front)
	}
	caddy, err := os.ReadFile(filepath.Join(root, "deploy/Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(c.Issuer, "https://")
	if !strings.Contains(string(caddy), "\n"+host+" {") || !strings.Contains(string(caddy), " sallyport"+strings.ReplaceAll(c.Listen, ":", " ")+" ") {
		t.Errorf("the Caddyfile doesn't lead from %s to %s", host, c.Listen)
	}
}

var set = regexp.MustCompile(`(?m)(SALLYPORT_\w+)=(\S+)`)

// imageEnvironment is what the Dockerfile's ENV says.
func imageEnvironment(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\nENV ")
	env := make(map[string]string)
	for _, m := range set.FindAllStringSubmatch(after, -1) {
		env[m[1]] = m[2]
	}
	if !ok || len(env) == 0 {
		t.Fatal("no ENV in the Dockerfile")
	}
	return env
}
