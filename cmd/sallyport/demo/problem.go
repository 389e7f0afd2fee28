package demo

import (
	"errors"
	"net/http"
)

// problem is an error for a person: kind words, the raw code for whoever has to
// mend it, and a way on. Handlers return it; page shows it.
type problem struct {
	Status int
	Title  string
	Words  string
	// Code and Description are the provider's own words, if it gave any.
	Code        string
	Description string
	// SignIn offers to sign in again.
	SignIn bool
	// Retry is the action of a form that tries again, "" for none.
	Retry string
	// Machine is set where a remote session was refused.
	Machine string

	visitor *visitor // who sees it; nil: whoever the request's cookie names
	cause   error    // for the log
}

func (p *problem) Error() string {
	text := p.Title
	if p.Code != "" {
		text += ": " + p.Code
	}
	if p.cause != nil {
		text += ": " + p.cause.Error()
	}
	return text
}

func (p *problem) Unwrap() error { return p.cause }

// asSeenBy says who sees a problem, where the request came under a cookie that
// it has just replaced.
func asSeenBy(v visitor, err error) error {
	p := new(problem)
	if errors.As(err, &p) {
		p.visitor = &v
	}
	return err
}

// page turns a handler that returns errors into one that shows them.
func (rp *relyingParty) page(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		p := new(problem)
		if !errors.As(err, &p) {
			p = &problem{Status: http.StatusInternalServerError, Title: "Something went wrong here", Words: "It was logged. Please try again."}
		}
		v := rp.visitor(r)
		if p.visitor != nil {
			v = *p.visitor
		}
		rp.Log.WarnContext(r.Context(), "problem shown", "product", rp.ClientID, "path", r.URL.Path, "status", p.Status, "error", err)
		if err := rp.pages.render(w, "problem", p.Status, view{Title: p.Title, Visitor: v, Refresh: -1, Content: p}); err != nil {
			rp.Log.ErrorContext(r.Context(), "page not rendered", "product", rp.ClientID, "error", err)
		}
	})
}

// badAnswer is for an answer of the provider that doesn't hold. What exactly is
// wrong goes to the log: it helps an attacker more than the person.
func (rp *relyingParty) badAnswer(goal string, cause error) *problem {
	return rp.tryAgain(goal, &problem{
		Status: http.StatusBadRequest, Title: "The answer couldn't be trusted",
		Words: "What came back from the sign-in didn't pass this product's checks, so you were not signed in. Please start again.",
		cause: cause,
	})
}

// oauthProblem puts an error of the provider into words.
func (rp *relyingParty) oauthProblem(goal, code, description string) *problem {
	p := &problem{Status: http.StatusBadRequest, Code: code, Description: description}
	switch code {
	case "access_denied":
		p.Title, p.Words = "The sign-in was cancelled", "You, or the rules of your company, said no. Nothing has changed here."
	case "unmet_authentication_requirements":
		p.Title, p.Words = "Two-step verification is needed", "The sign-in service couldn't confirm the level this product asked for."
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		p.Title, p.Words = "Please sign in", "The sign-in service needs to ask you something first."
	case "server_error", "temporarily_unavailable":
		p.Title, p.Words = "The sign-in service has a hiccup", "It should pass. Please try again in a moment."
	case "invalid_grant":
		p.Title, p.Words = "This sign-in ran out", "It took too long or was already used. Please start again."
	default:
		p.Title, p.Words = "The sign-in didn't work", "This product and the sign-in service don't agree. The code below tells a developer why."
	}
	return rp.tryAgain(goal, p)
}

// tryAgain adds the way back to what the person wanted.
func (rp *relyingParty) tryAgain(goal string, p *problem) *problem {
	if goal == "" || rp.retry == nil {
		p.SignIn = true
		return p
	}
	p.Retry, p.Machine = rp.retry(goal), goal
	return p
}
