//go:build interop

package browserstory

import (
	"os"
	"testing"
)

// Nobody is shut out of administration: every page of the console, light, dark
// and on a small phone, and with the longer words of German.
func TestConsoleAccessibility(t *testing.T) {
	script, err := os.ReadFile(os.Getenv(axeVariable))
	if err != nil {
		t.Fatalf("set %s as TestAccessibility says: %v", axeVariable, err)
	}
	axe := string(script)
	for _, language := range []string{"en", "de"} {
		t.Run(language, func(t *testing.T) {
			walkConsole(t, newStage(t, "sqlite"), language, func(name string, v *visitor) {
				t.Helper()
				v.Width(1280)
				v.prefers("light")
				v.accessible(axe, name)
				v.prefers("dark")
				v.accessible(axe, name+", dark")
				v.prefers("light")
				v.Width(320)
				v.accessible(axe, name+", 320 px")
				v.Width(1280)
			})
		})
	}
}
