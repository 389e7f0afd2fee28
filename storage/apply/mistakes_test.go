package apply_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// product is a sound product with another line.
func product(lines ...string) string {
	return "products:\n- id: board\n  name: Board\n  secret_hash: " + storage.Hash("s") + "\n  redirect_uris: [https://board.example/cb]\n  " +
		strings.Join(lines, "\n  ") + "\n"
}

func person(lines ...string) string {
	return "companies:\n- {id: acme, name: Acme}\npeople:\n- email: ana@acme.example\n  company: acme\n  " + strings.Join(lines, "\n  ") + "\n"
}

func company(lines ...string) string {
	return "companies:\n- id: acme\n  name: Acme\n  " + strings.Join(lines, "\n  ") + "\n"
}

// replaced is a product with one field written in another way.
func replaced(field, line string) string {
	var lines []string
	for _, l := range strings.Split(product(), "\n") {
		if strings.HasPrefix(strings.TrimLeft(l, " -"), field+":") {
			l = l[:2] + line
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n")
}

func TestMistakes(t *testing.T) {
	tests := map[string]struct{ yaml, want string }{
		"no YAML":              {"companies: [", "setup.yaml:1: this is no YAML: sequence end token ']' not found; mend this line"},
		"key twice":            {company("id: b"), `setup.yaml:4: this is no YAML: mapping key "id" already defined at [2:3]`},
		"two documents":        {"companies: []\n---\npeople: []\n", "setup.yaml:3: this begins a second document; keep one"},
		"a list at the top":    {"- a\n", "setup.yaml:1: the file is no mapping; begin with companies:, people: or products:"},
		"an unknown list":      {"\ncompanys: []\n", "setup.yaml:2: companys is no list of this file; write companies, people or products"},
		"no list":              {"people: {a: b}\n", "setup.yaml:1: people is no list; begin each entry with a -"},
		"no entry":             {"people: [ana]\n", "setup.yaml:1: people[0] is no mapping"},
		"an unknown field":     {person("emial: x"), "setup.yaml:6: people[0].emial is no field; write email, company, name"},
		"an unknown rule":      {company("rules: {staf: {mode: off}}"), "setup.yaml:4: companies[0].rules.staf is no field; write staff, clients"},
		"number of codes":      {company("rules: {backup_codes: 7}"), "rules.backup_codes is 7; write 10, 5 or 1"},
		"reset by many codes":  {company("rules: {backup_code_resets: true, backup_codes: 5}"), "rules.backup_code_resets is for a single code; write backup_codes: 1 as well"},
		"set-up by e-mail":     {company("rules: {set_up_by_email: maybe}"), "rules.set_up_by_email"},
		"an anchor":            {company("rules: &x {}"), "setup.yaml:4: companies[0].rules is an anchor, an alias or a tag; write the value itself"},
		"text for truth":       {person("disabled: yes"), `setup.yaml:6: people[0].disabled is "yes"; write true or false`},
		"a list for text":      {person("name: [a]"), "people[0].name is no single value; write one value"},
		"text for a list":      {replaced("redirect_uris", "redirect_uris: https://board.example/cb"), "products[0].redirect_uris is no list"},
		"text for roles":       {person("roles: x"), "people[0].roles is no mapping"},
		"twice the person":     {person("name: A\n- {email: ANA@acme.example, company: acme}"), `setup.yaml:7: people[1].email is "ana@acme.example", as in people[0]; keep one entry of each`},
		"twice the product":    {product() + "- {id: board, name: B}", `products[1].id is "board", as in products[0]`},
		"twice the company":    {company() + "- {id: acme, name: B}", `companies[1].id is "acme", as in companies[0]`},
		"company: no id":       {"companies: [{name: A}]", "companies[0].id is missing"},
		"company: wrong id":    {"companies: [{id: Acme Inc, name: A}]", `companies[0].id is "Acme Inc"; write up to 64 small letters, digits and hyphens`},
		"company: hyphen":      {"companies: [{id: -acme, name: A}]", "and no hyphen first"},
		"company: long id":     {"companies: [{id: " + strings.Repeat("a", 65) + ", name: A}]", "write up to 64"},
		"company: no name":     {"companies: [{id: acme}]", "companies[0].name is missing; write what people call the company"},
		"company: bell":        {`companies: [{id: acme, name: "A\a"}]`, "companies[0].name has control characters"},
		"company: backwards":   {`companies: [{id: acme, name: "A\u202Eknab"}]`, "companies[0].name has control characters"},
		"company: lines":       {`companies: [{id: acme, name: "A\u2028B"}]`, "companies[0].name has control characters or several lines"},
		"company: unseen":      {`companies: [{id: acme, name: "Ac\u200Bme"}]`, "companies[0].name has control characters"},
		"mode":                 {company("rules: {staff: {mode: always}}"), `companies[0].rules.staff.mode is "always"; write off, optional or required`},
		"grace without from":   {company("rules: {clients: {grace: 3d}}"), "rules.clients.grace has nothing to count from; write from: as well"},
		"grace without unit":   {company("rules: {staff: {from: 2026-01-01, grace: 14}}"), `rules.staff.grace is "14"; write a time with its unit, such as 14d or 36h`},
		"grace below zero":     {company("rules: {staff: {from: 2026-01-01, grace: -1h}}"), `rules.staff.grace is "-1h"`},
		"from":                 {company("rules: {staff: {from: tomorrow}}"), `rules.staff.from is "tomorrow"; write a moment such as`},
		"network mode":         {company("rules: {network: {mode: nowhere, ranges: [10.0.0.0/8]}}"), `rules.network.mode is "nowhere"; write everywhere_except or only_from`},
		"ranges without mode":  {company("rules: {network: {ranges: [10.0.0.0/8]}}"), "rules.network.mode is missing"},
		"only from nowhere":    {company("rules: {network: {mode: only_from}}"), "rules.network.ranges is missing"},
		"range with host bits": {company("rules: {sign_in_from: [10.0.0.5/8]}"), `rules.sign_in_from[0] is "10.0.0.5/8"; write 10.0.0.0/8`},
		"range":                {company("rules: {sign_in_from: [office]}"), `rules.sign_in_from[0] is "office"; write a network such as`},
		"range of two minds":   {company(`rules: {sign_in_from: ["::ffff:10.0.0.0/104"]}`), "write it as an IPv4 network"},
		"method":               {company("rules: {methods: [totp, pigeon]}"), `rules.methods[1] is "pigeon"; write totp, sms, email or webauthn`},
		"password as method":   {company("rules: {methods: [password]}"), `rules.methods[0] is "password"`},

		"person: no address":    {"people: [{name: Ana}]", "people[0].email is missing"},
		"person: wrong address": {"people: [{email: Ana <ana@acme.example>}]", "people[0].email is \"Ana <ana@acme.example>\"; write an e-mail address"},
		"person: no company":    {"people: [{email: ana@acme.example}]", "people[0].company is missing; write the id"},
		"person: which company": {"people: [{email: ana@acme.example, company: nowhere}]", `setup.yaml:1: people[0].company is "nowhere", and there is no such company`},
		"person: kind":          {person("kind: guest"), `people[0].kind is "guest"; write staff or client`},
		"person: role":          {person("role: boss"), `people[0].role is "boss"; write member, administrator or owner`},
		"person: phone":         {person("phone: 079 123 45 67"), `people[0].phone is "079 123 45 67"; write the number with + and country code`},
		"person: no phone":      {person("phone_verified: true"), "people[0].phone_verified is true without a phone"},
		"person: picture":       {person("picture: javascript:alert(1)"), `people[0].picture is "javascript:alert(1)"; write an address that begins with https://`},
		"person: birthdate":     {person("birthdate: 31.12.1990"), `people[0].birthdate is "31.12.1990"; write 1990-12-31`},
		"person: long name":     {person("nickname: " + strings.Repeat("a", 501)), "people[0].nickname is longer than 500 bytes"},
		"person: address":       {person(`address: {country: "C\nH"}`), "people[0].address.country has control characters"},
		"person: which product": {person("roles: {nothing: [viewer]}"), "people[0].roles.nothing is for a product that isn't there"},
		"person: which role":    {person("roles: {board: [a b]}"), `people[0].roles.board[0] is "a b"; write up to 64`},
		"person: hash":          {person("password_hash: secret"), "people[0].password_hash is of no kind that can be verified here"},
		"person: reset what":    {person("reset_password: true"), "people[0].reset_password is true without a new password"},
		"person: two ways":      {person("set_up_link: true", "password_hash: "+hash), "people[0].set_up_link is true beside password_hash"},

		"product: ours":            {replaced("id", "id: sallyport-account"), `products[0].id is "sallyport-account"; choose another beginning`},
		"product: reserved":        {replaced("id", "id: new"), `products[0].id is "new"; choose another`},
		"product: id":              {replaced("id", "id: Board"), `products[0].id is "Board"`},
		"product: no name":         {replaced("name", "name:"), "products[0].name is missing"},
		"product: method":          {product("auth_method: password"), `auth_method is "password"; write none, client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth or self_signed_tls_client_auth`},
		"product: no secret":       {replaced("secret_hash", "secret_hash:"), "products[0].secret_hash is missing"},
		"product: public secret":   {product("auth_method: none"), "products[0].secret_hash is set though auth_method is none"},
		"product: clear secret":    {replaced("secret_hash", "secret_hash: hunter2"), "products[0].secret_hash is no SHA-256 in base64url"},
		"product: empty secret":    {replaced("secret_hash", "secret_hash: "+storage.Hash("")), "products[0].secret_hash is no SHA-256"},
		"product: public PKCE":     {replaced("secret_hash", "auth_method: none\n  pkce: optional"), "products[0].pkce is optional though auth_method is none"},
		"product: PKCE":            {product("pkce: plain"), `products[0].pkce is "plain"; write required or optional`},
		"product: grant":           {product("grant_types: [authorization_code, password]"), `grant_types[1] is "password"; write authorization_code, refresh_token, client_credentials, implicit, urn:ietf:params:oauth:grant-type:device_code or`},
		"product: no code":         {product("grant_types: [refresh_token]"), "products[0].grant_types has no authorization_code"},
		"product: scope":           {product("scopes: [openid, admin]"), `scopes[1] is "admin"; write openid, profile, email, phone, address, roles, offline_access, people:read,`},
		"product: scope twice":     {product("scopes: [openid, openid]"), `scopes[1] is "openid" again`},
		"product: no openid":       {product("scopes: [profile]"), "products[0].scopes has no openid"},
		"product: offline":         {product("scopes: [openid, offline_access]"), "scopes has offline_access without the grant for it; add refresh_token to grant_types"},
		"product: algorithm":       {product("id_token_signed_response_alg: none"), `id_token_signed_response_alg is "none"; write RS256, ES256, PS256 or EdDSA`},
		"product: acr":             {product("min_acr: 2fa"), `min_acr is "2fa"; write urn:sallyport:acr:1fa, urn:sallyport:acr:2sv, urn:sallyport:acr:2fa, phr or phrh`},
		"product: kind":            {product("kinds: [guest]"), `kinds[0] is "guest"; write staff or client`},
		"product: which company":   {product("companies: [nowhere]"), `companies[0] is "nowhere", and there is no such company`},
		"product: of whom":         {product("require_two_factors: true", "require_two_factors_of: [nowhere]"), `require_two_factors_of[0] is "nowhere"`},
		"product: of but not":      {product("require_two_factors_of: []", "native: false\n- {id: b, name: B, secret_hash: "+storage.Hash("b")+", redirect_uris: [https://b.example/], require_two_factors_of: [b]}"), "require_two_factors_of names companies though require_two_factors is false"},
		"product: no redirect":     {replaced("redirect_uris", "redirect_uris: []"), "products[0].redirect_uris is missing"},
		"product: logout by app":   {product("native: true", "backchannel_logout_uri: com.example.app:/x"), "backchannel_logout_uri has \"com.example.app:/x\", whose scheme is an app's own"},
		"product: policy":          {product("policy_uri: privacy.html"), `policy_uri is "privacy.html"; write an address`},
		"product: file and hash":   {product("secret_file: x"), "products[0].secret_file is set beside secret_hash"},
		"product: no such file":    {replaced("secret_hash", "secret_file: missing"), `products[0].secret_file is "missing", which can't be read: no such file or directory`},
		"product: other's path":    {replaced("redirect_uris", "redirect_uris: [https://board.example/a/../cb]"), "with . or .. in its path"},
		"product: relative":        {replaced("redirect_uris", "redirect_uris: [/cb]"), `redirect_uris[0] is "/cb", which is not absolute`},
		"product: fragment":        {replaced("redirect_uris", `redirect_uris: ["https://board.example/cb#"]`), "with a fragment"},
		"product: wildcard":        {replaced("redirect_uris", `redirect_uris: ["https://*.board.example/cb"]`), "with a wildcard"},
		"product: user":            {replaced("redirect_uris", "redirect_uris: [https://a:b@board.example/cb]"), "with a name or password before the host"},
		"product: http":            {replaced("redirect_uris", "redirect_uris: [http://board.example/cb]"), "without TLS; write https; only localhost"},
		"product: almost local":    {replaced("redirect_uris", "redirect_uris: [http://localhost.example/cb]"), "without TLS"},
		"product: loopback net":    {replaced("redirect_uris", "redirect_uris: [http://127.0.0.2/cb]"), "without TLS"},
		"product: no host":         {replaced("redirect_uris", "redirect_uris: [https:///cb]"), "without a host"},
		"product: port":            {replaced("redirect_uris", "redirect_uris: ['https://board.example:99999/cb']"), "wrong port"},
		"product: empty port":      {replaced("redirect_uris", "redirect_uris: ['https://board.example:/cb']"), "wrong port"},
		"product: space":           {replaced("redirect_uris", "redirect_uris: ['https://board.example/c b']"), "which is no URI"},
		"product: backslash":       {replaced("redirect_uris", `redirect_uris: ['https://board.example\cb']`), "which is no URI"},
		"product: script":          {replaced("redirect_uris", "redirect_uris: ['javascript:alert(1)']"), "which is neither https nor an app's own scheme"},
		"product: app's scheme":    {replaced("redirect_uris", "redirect_uris: ['com.example.app:/cb']"), "only redirects of a product with native: true may have a scheme of their own"},
		"product: app's short one": {product("native: true", "post_logout_redirect_uris: ['myapp:/cb']"), "post_logout_redirect_uris[0] is \"myapp:/cb\", which is neither https nor an app's own scheme"},
	}
	f := fixtureOf(t, "sqlite")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f.T = t
			f.refuse(test.yaml, test.want)
		})
	}
}

func TestSoundRedirectURIs(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	for _, uri := range []string{
		"https://board.example/cb", "https://board.example:8443/cb?x=1", "http://localhost:8081/cb", "http://board.localhost/cb", "http://127.0.0.1:1/cb", "http://[::1]:2/cb",
	} {
		f.apply(replaced("redirect_uris", "redirect_uris: ['"+uri+"']"))
		if c := f.client("board"); len(c.RedirectURIs) != 1 || c.RedirectURIs[0] != uri {
			t.Errorf("%s became %s", uri, c.RedirectURIs)
		}
	}
	if out := f.apply(product("native: true", "post_logout_redirect_uris: ['com.example.app:/cb']")); !strings.Contains(out, "native false → true") {
		t.Error(out)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	const yaml = `people:
- email: ana
  role: boss
  kind: guest
  colour: blue
products:
- id: x
  kinds: [guest]
  redirect_uris: [ftp://a.b/c, "https://b.c/#"]
`
	_, err := f.try(yaml)
	problems, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems.List {
		got = append(got, p.Path)
	}
	if want := "people[0].email people[0].role people[0].kind people[0].colour products[0].kinds[0] products[0].redirect_uris[0] products[0].redirect_uris[1]"; strings.Join(got, " ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, " "), want)
	}
	if !strings.HasPrefix(err.Error(), "nothing was changed, for there are 7 mistakes:\n  setup.yaml:2: people[0].email") {
		t.Error(err)
	}
}

func TestSecretsAreInNoMistake(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	for _, yaml := range []string{
		replaced("secret_hash", "secret_hash: HUNTER2"),
		replaced("secret_hash", "secret_hash: [HUNTER2]"),
		replaced("secret_hash", "secret_hash: &HUNTER2 x"),
		replaced("secret_hash", "secret_hash: \"HUNTER2"),
		person("password_hash: HUNTER2"),
		person("password_hash: {a: HUNTER2}"),
		"people: [{email: a@b.example, password_hash: $argon2id$v=19$m=1,t=HUNTER2,p=HUNTER2$x}]",
		"people:\n- password_hash: $a\n$HUNTER2: x\n",
		person("\tpassword_hash: HUNTER2"),
	} {
		_, err := f.try(yaml)
		if err == nil || strings.Contains(err.Error(), "HUNTER2") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	const secret = "XxsecretxX0123456789012345678901"
	for name, test := range map[string]struct{ text, want string }{
		"good":      {secret + "\n", ""},
		"Windows":   {secret + "\r\n", ""},
		"short":     {secret[1:] + "\n", "doesn't hold one word of at least 32 characters; make a secret with openssl rand -base64 32"},
		"two words": {secret + " " + secret, "doesn't hold one word"},
		"two lines": {secret + "\n" + secret, "doesn't hold one word"},
		"empty":     {"", "doesn't hold one word"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fixtureOf(t, "sqlite")
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "board.secret"), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := apply.Parse(strings.NewReader(replaced("secret_hash", "secret_file: board.secret")), filepath.Join(dir, "setup.yaml"))
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secretx") {
					t.Fatalf("%v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"+ product board (Board)\n", "Nothing to change.\n"} {
				report, err := apply.Apply(t.Context(), f.db, file, f.opts)
				if err != nil {
					t.Fatal(err)
				}
				if out := printed(t, report); out != want {
					t.Errorf("%s, want %s", out, want)
				}
			}
			if c := f.client("board"); c.SecretHash != storage.Hash(secret) {
				t.Errorf("%q", c.SecretHash)
			}
			if strings.Contains(f.dump(), "secretx") {
				t.Error("the secret is in the database")
			}
		})
	}
}

// Whatever is wrong with a file, Parse says so.
func TestDamagedFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const marks = "[]{}:,-&*!|>'\"%@?#\n\t "
	seeds := []string{everything, "people: [{<<: {a: b}}, [x], null, {? [a]: b}]\nproducts:\n- !!x {id: &a b, roles: *a}\n"}
	sound, damaged := 0, 0
	for i := range 3000 {
		text := []byte(seeds[i%len(seeds)])
		for range 1 + random.IntN(5) {
			at := random.IntN(len(text))
			switch random.IntN(3) {
			case 0:
				text[at] = byte(random.IntN(256))
			case 1:
				text = slices.Delete(text, at, min(len(text)-1, at+random.IntN(20))+1)
			case 2:
				text = slices.Insert(text, at, marks[random.IntN(len(marks))])
			}
			text = append(text, '\n')
		}
		file, err := apply.Parse(bytes.NewReader(text), "setup.yaml")
		problems, ok := errors.AsType[*apply.Problems](err)
		switch {
		case err == nil && file != nil:
			sound++
		case file == nil && ok && len(problems.List) > 0:
			damaged++
		default:
			t.Fatalf("%q: %v, %v", text, file, err)
		}
	}
	if sound < 10 || damaged < 1000 {
		t.Errorf("%d sound, %d damaged: the test doesn't try what it should", sound, damaged)
	}
}
