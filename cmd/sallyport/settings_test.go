package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sallyport-id/sallyport/config"
)

// Kong and package config each make a flag's name of the same tags; here they have to agree.
func TestEveryOptionHasItsFlag(t *testing.T) {
	parser, err := kong.New(&settings{}, kong.NamedMapper("option", optionMapper{map[string]string{}}))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, flag := range parser.Model.Flags {
		if flag.Name != "help" && flag.Name != "config" {
			got = append(got, flag.Name)
		}
	}
	for _, option := range config.Options() {
		if option.Flag != "" {
			want = append(want, option.Flag)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("flags %q\noptions %q", got, want)
	}
}
