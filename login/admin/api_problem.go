package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// problem is why an operation did nothing, as it is answered (RFC 9457). What
// an operation returns has a code of problemKinds, and a detail where there is more to
// say than the kind's.
type problem struct {
	Code   string
	Detail string
	Fields []fieldProblem
	// challenge is the WWW-Authenticate of RFC 6750 and RFC 9470, without the
	// scheme.
	challenge []string
	// wait is after how long to try again.
	wait time.Duration
}

func (p problem) Error() string {
	text := p.Code
	for _, f := range p.Fields {
		text += "; " + f.Field + " " + f.Detail
	}
	return text
}

// fieldProblem is what is wrong with one field, and what to write instead.
type fieldProblem struct {
	// Field is a path such as email or product_roles.dashboard[0]; in a query,
	// the parameter. It is empty where the whole is meant.
	Field  string `json:"field,omitempty"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
	// Line is that of an import.
	Line int `json:"line,omitempty"`
}

// wrongField is a problem of one field.
func wrongField(field, code, detail, remedy string) problem {
	return problem{Code: codeFields, Fields: []fieldProblem{{Field: field, Code: code, Detail: detail, Remedy: remedy}}}
}

// Codes that aren't of govern.
const (
	codeNotFound   = "not_found"
	codeMethod     = "method_not_allowed"
	codeMalformed  = "malformed"
	codeMedia      = "media_type"
	codeTooLarge   = "too_large"
	codeFields     = "fields"
	codeTaken      = "taken"
	codeSpent      = "spent"
	codeChanged    = "changed"
	codeNoToken    = "token_missing"
	codeBadToken   = "token_invalid"
	codeBadProof   = "token_proof"
	codeBadRequest = "token_request"
	codeTwoFactors = "two_factors"
	codeNotFresh   = "not_fresh"
	codeNetwork    = "network"
	codeTooMany    = "too_many"
	codeKeyReused  = "key_reused"
	codeKeyBusy    = "key_in_progress"
	codeBadKey     = "key_malformed"
	codeFailure    = "failure"
)

// kind is what is always true of problems of a code.
type kind struct {
	status int
	title  string
	// about says what it is, and what to do.
	about string
}

// problemKinds are all there are: those of the API itself, and those that govern
// refuses with.
var problemKinds = map[string]kind{
	codeNotFound:   {404, "Not found", "There is no such thing, or it is none of yours: the two are never told apart."},
	codeMethod:     {405, "Method not allowed", "The address exists; the header Allow says which methods it takes."},
	codeMalformed:  {400, "Malformed", "The body is no JSON object."},
	codeMedia:      {415, "Not JSON", "Send a body as application/json."},
	codeTooLarge:   {413, "Too large", "A body may have 64 KiB, an import 2 MiB."},
	codeFields:     {422, "Fields are wrong", "errors names each field and what to write instead. Nothing was changed."},
	codeTaken:      {409, "Taken", "Something else has this name or address already."},
	"in_use":       {409, "In use", "Something else needs it."},
	codeSpent:      {409, "Over", "It was used, has ended or has expired."},
	codeChanged:    {412, "Changed meanwhile", "Somebody else changed it since you read it: read it again."},
	codeNoToken:    {401, "No access token", "Send one in the header: Authorization: Bearer TOKEN, or DPoP TOKEN where it is bound to a key."},
	codeBadToken:   {401, "Access token not valid", "It is unknown, expired or revoked, or bound to another key or certificate: get another."},
	codeBadProof:   {401, "DPoP proof not valid", "The token is bound to a key: send a new proof by that key in the header DPoP with each call."},
	codeBadRequest: {400, "Authorization can't be read", "Send the header Authorization once, with one token."},
	codeTwoFactors: {401, "Two factors are needed", "Send the person through the authorization endpoint with the acr_values of the challenge."},
	codeNotFresh:   {401, "A fresh second factor is needed", "Send the person through the authorization endpoint with the acr_values and max_age of the challenge: a second factor must have been proved within five minutes."},
	codeNetwork:    {403, "Not from this network", "An administrator of the company names the addresses of its machines under Networks, Machine access."},
	codeTooMany:    {429, "Too many calls", "Wait as long as Retry-After says."},
	codeKeyReused:  {422, "Idempotency-Key was used for something else", "Choose a new key for each creation."},
	codeKeyBusy:    {409, "In progress", "The same creation is under way: ask again to get its answer."},
	codeBadKey:     {400, "Idempotency-Key can't be read", "Write 1 to 255 visible ASCII characters."},
	codeFailure:    {500, "Something went wrong", "It isn't your fault. The operator finds the reason by the instance."},

	"scope":        {403, "The token lacks a scope", "Ask for a token with the scope that the challenge names."},
	"role":         {403, "Your role doesn't allow this", "Somebody with another role in the company can do it."},
	"machine":      {403, "Only people can do this", "It takes a person's second factor: use a person's token, or the console."},
	"self":         {403, "Not to yourself", "Somebody else must do it, or your account is for that."},
	"person_role":  {403, "Not to somebody of that role", "Administrators look after members. An owner can do it."},
	"operator":     {403, "Only the operator can do this", "The operator's command line can."},
	"gone":         {401, "You are no longer there", "The person was disabled or deleted."},
	"required":     {409, "It is required", "Two-step verification is required here, so it can't be turned off."},
	"last_owner":   {409, "The last owner", "A company keeps at least one owner: make somebody else one first."},
	"no_password":  {409, "No password yet", "The person has chosen no password: invite them."},
	"confirmed":    {409, "Confirmed already", "The address is confirmed: there is nothing to send."},
	"no_mail":      {409, "No mail goes out", "This instance has no mail server."},
	"locked":       {403, "Your changes are locked", "After \"This wasn't me\" nobody changes how others sign in, until another owner or the operator lifts it."},
	"disabled":     {409, "The person is disabled", "Enable them first."},
	"lockout":      {409, "It would lock you out", "You could no longer enter yourself by these rules."},
	"method":       {409, "Method not available", "This second factor can't be used here."},
	"not_pending":  {409, "Nothing to remind of", "Nobody requires a second factor of the person, or there is one."},
	"unconfirmed":  {409, "Address not confirmed", "A reminder goes to confirmed addresses only."},
	"refused":      {403, "Refused", "The person can't be changed by you."},
	"no_secret":    {409, "There is no secret", "The product is registered to authenticate by none."},
	"not_possible": {403, "Refused", "This can't be done."},
}

// problemOf is an error as it is answered.
func problemOf(err error) problem {
	var p problem
	refused, isRefused := errors.AsType[*govern.Refused](err)
	fields, areFields := errors.AsType[*apply.Problems](err)
	rows, isImport := errors.AsType[*govern.ImportProblems](err)
	quota, tooMany := errors.AsType[*storage.QuotaError](err)
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case errors.As(err, &p):
		return p
	case isRefused:
		return refusedProblem(refused)
	case areFields:
		return problemOfFields(fields)
	case tooLarge:
		return problem{Code: codeTooLarge}
	case errors.Is(err, govern.ErrNotFresh):
		return problem{Code: codeNotFresh, challenge: []string{
			quoted("error", "insufficient_user_authentication"), quoted("error_description", "a second factor must be proved anew"),
			quoted("acr_values", policy.TwoFactors.ACR()), "max_age=" + strconv.Itoa(int(policy.FreshFor/time.Second)),
		}}
	case tooMany:
		return problem{Code: codeTooMany, Detail: "Too many mails went to this address.", wait: quota.Quota.Window}
	case isImport:
		return problemOfImport(rows)
	case errors.Is(err, govern.ErrStale):
		return problem{Code: codeChanged}
	case errors.Is(err, govern.ErrManyPeople):
		return wrongField("person", "conflict", "fits several people", "write an address or an id")
	case errors.Is(err, storage.ErrNoCursor):
		return wrongField("cursor", "form", "is none of this list", "write the next of the page before, or leave it out for the first page")
	case errors.Is(err, storage.ErrNoSecret):
		return problem{Code: "no_secret"}
	case errors.Is(err, storage.ErrLongOverlap):
		return wrongField("overlap_seconds", "too_long", "is more than 30 days", "write at most 2592000")
	case errors.Is(err, storage.ErrNotFound):
		return problem{Code: codeNotFound}
	case errors.Is(err, storage.ErrTaken):
		return problem{Code: codeTaken}
	case errors.Is(err, storage.ErrSpent):
		return problem{Code: codeSpent}
	}
	return problem{Code: codeFailure}
}

func refusedProblem(r *govern.Refused) problem {
	p := problem{Code: r.Code, Detail: r.Why}
	switch r.Code {
	case "scope":
		p.Detail = "This takes a token with the scope " + r.Scope + "."
		p.challenge = []string{quoted("error", "insufficient_scope"), quoted("scope", r.Scope)}
	case "gone":
		p.challenge = []string{quoted("error", "invalid_token")}
	}
	if _, known := problemKinds[p.Code]; !known {
		p.Code = "not_possible"
	}
	return p
}

// problemOfFields is a conflict where all fields are wrong in the same way, by
// what is there already; else the fields are just wrong.
func problemOfFields(ps *apply.Problems) problem {
	p := problem{Code: codeFields}
	for i, f := range ps.List {
		p.Fields = append(p.Fields, fieldProblem{Field: f.Field, Code: string(f.Code), Detail: f.Wrong, Remedy: f.Remedy})
		switch f.Code {
		case apply.CodeTaken, apply.CodeInUse, apply.CodeLastOwner:
			if i == 0 {
				p.Code = string(f.Code)
			}
		}
		if p.Code != string(f.Code) {
			p.Code = codeFields
		}
	}
	return p
}

func quoted(name, value string) string { return name + `="` + value + `"` }

// fail answers a problem, and logs it.
func (a *API) fail(c *call, err error) {
	if errors.Is(err, context.Canceled) && c.r.Context().Err() != nil {
		return // nobody listens any more
	}
	p := problemOf(err)
	k := problemKinds[p.Code]
	from := session.OriginOf(c.r.Context())
	log := []any{"method", c.r.Method, "path", c.r.URL.Path, "status", k.status, "code", p.Code, "client", c.by.ClientID, "person", c.by.UserID, "request_id", from.RequestID}
	if p.Code == codeFailure {
		a.Log.ErrorContext(c.r.Context(), "api call failed", append(log, "error", err)...)
	} else {
		a.Log.InfoContext(c.r.Context(), "api call refused", log...)
	}
	writeProblem(c.w, p, c.presented.Scheme(), from.RequestID)
}

// writeProblem answers a problem; scheme is that of its challenge.
func writeProblem(w http.ResponseWriter, p problem, scheme, instance string) {
	k := problemKinds[p.Code]
	if p.Detail == "" {
		p.Detail = k.about
	}
	h := w.Header()
	switch {
	case k.status == http.StatusUnauthorized, len(p.challenge) > 0:
		challenge(h, scheme, p.challenge)
	case p.wait > 0:
		h.Set("Retry-After", strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	}
	h.Set("Content-Type", "application/problem+json")
	h.Del("ETag")
	w.WriteHeader(k.status)
	json.NewEncoder(w).Encode(struct {
		Type     string         `json:"type"`
		Title    string         `json:"title"`
		Status   int            `json:"status"`
		Detail   string         `json:"detail"`
		Instance string         `json:"instance"`
		Errors   []fieldProblem `json:"errors,omitempty"`
	}{apiBase + "/problems/" + p.Code, k.title, k.status, p.Detail, instance, p.Fields})
}

// challenge says by which schemes a token is presented: first by the one that
// was tried, with what was wrong with it (RFC 9449 section 7.2).
func challenge(h http.Header, tried string, wrong []string) {
	for _, scheme := range []string{"Bearer", "DPoP"} {
		params := []string{quoted("realm", apiBase)}
		if scheme == "DPoP" {
			params = append(params, quoted("algs", strings.Join(session.ProofAlgs(), " ")))
		}
		if scheme == tried {
			h["Www-Authenticate"] = slices.Insert(h["Www-Authenticate"], 0, scheme+" "+strings.Join(append(params, wrong...), ", "))
		} else {
			h.Add("WWW-Authenticate", scheme+" "+strings.Join(params, ", "))
		}
	}
}

// recoverPanic answers 500 and keeps the stack for the log.
func (a *API) recoverPanic(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	from := session.OriginOf(r.Context())
	a.Log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "cause", p, "stack", string(debug.Stack()), "request_id", from.RequestID)
	writeProblem(w, problem{Code: codeFailure}, "", from.RequestID)
}

// meaning is what the type of a problem leads to.
func meaning(c *call) (answer, error) {
	code := c.id("code")
	k, known := problemKinds[code]
	if !known {
		return answer{}, problem{Code: codeNotFound}
	}
	return shown(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		About  string `json:"about"`
	}{apiBase + "/problems/" + code, k.title, k.status, k.about})
}
