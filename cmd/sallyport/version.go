package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

type versionCommand struct{}

// Run prints the version and what it was built from.
func (versionCommand) Run(p *process) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprintln(p.stdout, versionLine(info))
	return err
}

// versionLine is sallyport v1.2.3 (commit 0123456789ab, 2026-01-02T03:04:05Z) go1.26 linux/amd64. A tree that had
// changes beyond its commit is called modified.
func versionLine(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	stamps := map[string]string{}
	for _, s := range info.Settings {
		stamps[s.Key] = s.Value
	}
	var source []string
	if revision := stamps["vcs.revision"]; revision != "" {
		source = append(source, "commit "+revision[:min(12, len(revision))], stamps["vcs.time"])
		if stamps["vcs.modified"] == "true" {
			source = append(source, "modified")
		}
	}
	line := "sallyport " + version
	if len(source) > 0 {
		line += " (" + strings.Join(source, ", ") + ")"
	}
	return fmt.Sprintf("%s %s %s/%s", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
