package config

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/sallyport-id/sallyport/config/spelling"
)

const (
	variablePrefix = "SALLYPORT_"
	fileVariable   = variablePrefix + "CONFIG"
)

// environ reads SALLYPORT_* variables. An empty one counts as not set, because that is what a compose file makes of a
// variable that its author left out. A name that isn't known is refused: it is a typing error, and the option it was
// meant for would silently keep its default.
func (l *loading) environ(environ []string) {
	byVariable := map[string]setting{}
	twins := map[string]setting{}
	known := []string{fileVariable}
	for _, s := range l.settings {
		byVariable[s.Env] = s
		known = append(known, s.Env)
	}
	for _, s := range l.settings {
		twin := s.Env + "_FILE"
		// SALLYPORT_MASTER_KEY_FILE is an option itself and means the same.
		if _, option := byVariable[twin]; s.secret() && !option {
			twins[twin] = s
			known = append(known, twin)
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || value == "" || name == fileVariable {
			continue
		}
		if s, ok := byVariable[name]; ok {
			l.set(s, name, value)
		} else if s, ok := twins[name]; ok {
			l.twin(s, name, value, environ)
		} else if !isServiceLink(name, value) {
			l.problems = append(l.problems, &Problem{Source: name, Wrong: "is no option",
				Remedy: "did you mean " + spelling.Nearest(name, known) + "?"})
		}
	}
}

// twin reads a secret from the file that its variable with _FILE names: the form in which containers get secrets.
func (l *loading) twin(s setting, variable, path string, environ []string) {
	if lookup(environ, s.Env) != "" {
		l.problems = append(l.problems, &Problem{Option: s.Name, Source: variable,
			Wrong: "is set together with " + s.Env, Remedy: "keep one of the two"})
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		l.config.origin[s.Name] = variable
		l.refused[s.Name] = true
		l.problems = append(l.problems, &Problem{Option: s.Name, Source: variable, Wrong: "can't be read from " + path,
			Err: withoutPath(err), Remedy: "name a file that exists and that this user may read"})
		return
	}
	l.set(s, variable+", "+path, strings.TrimSpace(string(text)))
}

// serviceLink and portLink are the names that Kubernetes makes of a Service's name and ports.
var (
	serviceLink = regexp.MustCompile(`^SALLYPORT_(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	portLink    = regexp.MustCompile(`^SALLYPORT_(.+_)?PORT$`)
)

// isServiceLink knows the variables that Kubernetes sets in every container beside a Service whose name begins with
// sallyport. SALLYPORT_PORT=8080 is none, Kubernetes writes tcp://10.0.0.1:8080: it is somebody's mistaken listen.
func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || portLink.MatchString(name) && strings.Contains(value, "://")
}

// lookup returns the variable's value, or nothing. Of several with one name the last counts, as for a new process.
func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// withoutPath leaves the path out of a file's error where the sentence around it names it already.
func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
