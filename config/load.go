package config

import (
	"maps"
	"slices"
)

// Sources is where Load reads from.
type Sources struct {
	// File is the path of a YAML file; empty: the one that SALLYPORT_CONFIG names, or none.
	File string
	// Environ has the form of os.Environ: NAME=value. Names that don't begin with SALLYPORT_ are not looked at.
	Environ []string
	// Flags are the options given as arguments: text by Option.Flag.
	Flags map[string]string
}

// Load puts the configuration together: presets, then the file, the environment, the flags, each winning over what came
// before, and last what follows from other options. The error is Problems, with every mistake in it; the Config is
// then of no use.
func Load(s Sources) (Config, error) {
	c := Config{origin: map[string]string{}}
	l := &loading{config: &c, settings: settingsOf(&c), refused: map[string]bool{}}

	l.presets()
	l.file(s.File, s.Environ)
	l.environ(s.Environ)
	l.flags(s.Flags)
	l.derive()
	l.check()

	if len(l.problems) > 0 {
		return c, l.problems
	}
	return c, nil
}

// loading is a configuration on the way.
type loading struct {
	config   *Config
	settings []setting
	problems Problems
	// refused has the options whose text could not be read. Rules that look at several options leave them out: they
	// would complain about a value that nobody gave.
	refused map[string]bool
}

func (l *loading) presets() {
	for _, s := range l.settings {
		if s.Preset != "" {
			l.set(s, "default", s.Preset)
		} else {
			l.config.origin[s.Name] = "default"
		}
	}
}

func (l *loading) flags(given map[string]string) {
	for _, flag := range slices.Sorted(maps.Keys(given)) {
		for _, s := range l.settings {
			if s.Flag == flag {
				l.set(s, "--"+flag, given[flag])
			}
		}
	}
}

// set gives the option a value, or notes why it can't.
func (l *loading) set(s setting, source string, texts ...string) {
	l.config.origin[s.Name] = source
	delete(l.refused, s.Name)
	if m := s.parse(texts); m != nil {
		l.refused[s.Name] = true
		l.report(s.Name, m)
	}
}

// report notes a mistake in the option's value, wherever that came from.
func (l *loading) report(option string, m *mistake) {
	l.problems = append(l.problems, &Problem{
		Option: option, Source: l.config.origin[option], Wrong: m.wrong, Remedy: m.remedy,
	})
}
