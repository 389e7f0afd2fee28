package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionLine(t *testing.T) {
	stamp := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
			{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	tests := map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"nothing known": {debug.BuildInfo{}, "sallyport (devel) go"},
		"installed":     {debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "sallyport v1.2.3 go"},
		"clean tree":    {debug.BuildInfo{Settings: stamp("false")}, "sallyport (devel) (commit 0123456789ab, 2026-01-02T03:04:05Z) go"},
		"changed tree":  {debug.BuildInfo{Settings: stamp("true")}, "sallyport (devel) (commit 0123456789ab, 2026-01-02T03:04:05Z, modified) go"},
	}
	for name, test := range tests {
		line := versionLine(&test.info)
		if !strings.HasPrefix(line, test.want) || !strings.HasSuffix(line, runtime.GOOS+"/"+runtime.GOARCH) {
			t.Errorf("%s: %s", name, line)
		}
	}
}
