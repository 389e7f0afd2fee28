package config

import "os"

// WebAuthn is about passkeys and security keys.
type WebAuthn struct {
	MetadataFile string `name:"metadata-file" type:"option" placeholder:"FILE" help:"The FIDO Alliance's metadata (the file from mds3.fidoalliance.org), which knows models of security keys. Without it: models are not told apart."`
}

func (l *loading) checkWebAuthn() {
	path := l.config.WebAuthn.MetadataFile
	if path == "" {
		return
	}
	refuse := func(wrong string, err error) {
		l.problems = append(l.problems, &Problem{Option: "webauthn.metadata_file", Source: l.config.origin["webauthn.metadata_file"],
			Wrong: wrong, Err: err, Remedy: "name the file that you fetched from https://mds3.fidoalliance.org/, readable by this user"})
	}
	f, err := os.Open(path)
	if err != nil {
		refuse(path+" can't be opened", withoutPath(err))
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		refuse(path+" is no file", nil)
	}
}
