package config

import (
	"reflect"
	"strings"
)

// Option describes a field of Config to those who show it.
type Option struct {
	Name   string // in the file: sessions.idle
	Env    string // in the environment: SALLYPORT_SESSIONS_IDLE
	Flag   string // on the command line, without dashes: sessions-idle; empty where there is none
	Preset string // the value without any setting, as text; empty where there is none or it depends on others
	Help   string // a sentence or two
}

// Options lists all options in the order of Config's fields.
func Options() []Option {
	var c Config
	var all []Option
	for _, s := range settingsOf(&c) {
		all = append(all, s.Option)
	}
	return all
}

// setting is an option of one particular Config.
type setting struct {
	Option
	field any // pointer to the field
}

// secret tells whether the value must not be shown, and so may be given in a file of its own.
func (s setting) secret() bool {
	switch s.field.(type) {
	case *Secret, *DatabaseURL:
		return true
	}
	return false
}

func settingsOf(c *Config) []setting { return walk(reflect.ValueOf(c).Elem(), "") }

func walk(v reflect.Value, prefix string) []setting {
	var found []setting
	for field, value := range v.Fields() {
		if !field.IsExported() {
			continue
		}
		if group, ok := field.Tag.Lookup("prefix"); ok {
			found = append(found, walk(value, group)...)
			continue
		}
		flag := prefix + field.Tag.Get("name")
		name := strings.TrimSuffix(prefix, "-")
		if name != "" {
			name += "."
		}
		name += strings.ReplaceAll(field.Tag.Get("name"), "-", "_")
		s := setting{field: value.Addr().Interface(), Option: Option{
			Name:   name,
			Env:    "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")),
			Flag:   flag,
			Preset: field.Tag.Get("preset"),
			Help:   field.Tag.Get("help"),
		}}
		if field.Tag.Get("kong") == "-" {
			s.Flag = ""
		}
		found = append(found, s)
	}
	return found
}
