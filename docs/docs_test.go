// Package docs_test holds the documents against what they tell of: the options that exist, the files they print, the
// files and tests they name, and the commands they show, which are run.
package docs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

// root is the checkout.
const root = ".."

// documents returns all documents by their path in the checkout.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	read := func(path string) {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(text)
	}
	read("README.md")
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			relative, _ := filepath.Rel(root, path)
			read(filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The table of options is made from the options.
func TestOptionsAreCurrent(t *testing.T) {
	text := documents(t)["docs/operate/README.md"]
	_, rest, ok := strings.Cut(text, "<!-- options -->\n")
	table, _, end := strings.Cut(rest, "<!-- end of options -->")
	if want := optionsTable(); !ok || !end || table != want {
		t.Errorf("docs/operate/README.md: between <!-- options --> and <!-- end of options --> this must stand:\n%s", want)
	}
}

func optionsTable() string {
	var b strings.Builder
	b.WriteString("| in the file | in the environment | as a flag | default | |\n|---|---|---|---|---|\n")
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	for _, o := range config.Options() {
		flag := o.Flag
		if flag != "" {
			flag = "--" + flag
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(o.Name), code(o.Env), code(flag), code(o.Preset), strings.ReplaceAll(o.Help, "|", "\\|"))
	}
	return b.String()
}

var printedFile = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```\\w+\n(.*?)```\n")

// Code in a document that comes from a file is that file.
func TestPrintedFilesAreCurrent(t *testing.T) {
	for name, text := range documents(t) {
		blocks := printedFile.FindAllStringSubmatch(text, -1)
		if want := strings.Count(text, "<!-- file:"); len(blocks) != want {
			t.Errorf("%s: %d of %d printed files are followed by a block of code", name, len(blocks), want)
		}
		for _, b := range blocks {
			file, err := os.ReadFile(filepath.Join(root, b[1]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if string(file) != b[2] {
				t.Errorf("%s: the block is not what stands in %s: copy the file into it", name, b[1])
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links inside the checkout lead somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	all := documents(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(withoutBlocks(text), -1) {
			to, err := url.Parse(m[1])
			if err != nil || to.Scheme != "" {
				continue
			}
			target := name
			if to.Path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), to.Path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which isn't there", name, m[1])
			} else if to.Fragment != "" && !hasHeading(all[target], to.Fragment) {
				t.Errorf("%s links to %s, and there is no such heading", name, m[1])
			}
		}
	}
}

var (
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// hasHeading knows anchors as GitHub makes them.
func hasHeading(text, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(withoutBlocks(text), -1) {
		if strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

var block = regexp.MustCompile("(?ms)^```.*?^```$")

func withoutBlocks(text string) string { return block.ReplaceAllString(text, "") }

var (
	quoted    = regexp.MustCompile("`([^`\n]+)`")
	namedFile = regexp.MustCompile(`^\.?[a-z][\w.-]*(/[\w.-]+)+\.(go|sql|yaml|html|md|mjs|py|txt|css|js|json|service)$`)
	namedTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]\w*$`)
)

// Files and tests that a document names are there.
func TestNamesAreThere(t *testing.T) {
	tests := declaredTests(t)
	for name, text := range documents(t) {
		for _, m := range quoted.FindAllStringSubmatch(withoutBlocks(text), -1) {
			switch word := m[1]; {
			case namedTest.MatchString(word) && !tests[word]:
				t.Errorf("%s names the test %s, which isn't there", name, word)
			case namedFile.MatchString(word):
				if _, err := os.Stat(filepath.Join(root, word)); err != nil {
					t.Errorf("%s names the file %s, which isn't there", name, word)
				}
			}
		}
	}
}

var declaredTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)

func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file of a test that ended meanwhile
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declaredTest.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
