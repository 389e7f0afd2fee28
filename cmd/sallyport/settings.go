package main

import (
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/sallyport-id/sallyport/config"
)

// settings gives a command the configuration's flags, by embedding.
type settings struct {
	ConfigFile string `name:"config" short:"c" placeholder:"FILE" help:"YAML file with options (SALLYPORT_CONFIG)."`
	// Grammar only tells kong which flags there are; it stays empty. The values are in what load returns.
	Grammar config.Config `embed:"" group:"Options. In the file, sessions: {idle: 30m}; in the environment, SALLYPORT_SESSIONS_IDLE=30m"`
}

// load reads the configuration: file, environment, then flags.
func (s *settings) load(p *process) (config.Config, error) {
	return config.Load(config.Sources{File: s.ConfigFile, Environ: p.environ, Flags: p.flags})
}

// optionMapper hands the flags of the configuration on as text. Package config reads them, so that a mistake in a flag
// is reported together with those in the file and in the environment.
type optionMapper struct{ flags map[string]string }

// Decode implements kong.Mapper.
func (m optionMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	text := "true"
	if !m.IsBoolFromValue(target) || ctx.Scan.Peek().Type == kong.FlagValueToken {
		if err := ctx.Scan.PopValueInto("a", &text); err != nil {
			return err
		}
	}
	name := ctx.Value.Name
	if earlier, again := m.flags[name]; again && target.Kind() == reflect.Slice {
		text = earlier + "," + text
	}
	m.flags[name] = text
	return nil
}

// IsBoolFromValue implements kong.BoolMapperExt: --outbound-allow-private needs no value.
func (m optionMapper) IsBoolFromValue(target reflect.Value) bool {
	return target.Kind() == reflect.Bool
}

// describe writes a flag's help, with its preset if it is an option of the configuration.
func describe(value *kong.Value) string {
	preset := value.Tag.Get("preset")
	if preset == "" {
		return value.Help
	}
	return value.Help + " Default: " + preset + "."
}
