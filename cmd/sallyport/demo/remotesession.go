package demo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxRemoteSessions is how many run at once; beyond it the oldest ends.
const maxRemoteSessions = 1000

// remoteSession is a simulated remote session and the claims that allowed it.
type remoteSession struct {
	ID      string
	Machine string
	Started time.Time
	By      *session
	owner   string
}

// remoteSessions keeps those that are running.
type remoteSessions struct {
	now func() time.Time

	mu   sync.Mutex
	byID map[string]remoteSession
}

func newRemoteSessions(now func() time.Time) *remoteSessions {
	return &remoteSessions{now: now, byID: make(map[string]remoteSession)}
}

// start begins a remote session and returns its id.
func (rs *remoteSessions) start(machine, owner string, by *session) string {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	now := rs.now()
	for id, s := range rs.byID {
		if now.Sub(s.Started) > sessionLife {
			delete(rs.byID, id)
		}
	}
	if len(rs.byID) >= maxRemoteSessions {
		delete(rs.byID, oldest(rs.byID, func(s remoteSession) time.Time { return s.Started }))
	}
	s := remoteSession{ID: rand.Text(), Machine: machine, Started: now, By: by, owner: owner}
	rs.byID[s.ID] = s
	return s.ID
}

// find returns a running session to the person and browser that started it.
func (rs *remoteSessions) find(id, owner, subject string) (remoteSession, bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	s, ok := rs.byID[id]
	if !ok || s.owner != owner || s.By.Subject != subject || rs.now().Sub(s.Started) > sessionLife {
		return remoteSession{}, false
	}
	return s, true
}

// on returns the id of the newest session this person runs on a machine, "" for none.
func (rs *remoteSessions) on(machine, owner, subject string) (id string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var newest time.Time
	for _, s := range rs.byID {
		if s.Machine == machine && s.owner == owner && s.By.Subject == subject && !s.Started.Before(newest) {
			id, newest = s.ID, s.Started
		}
	}
	return id
}

// end ends what an ending covers.
func (rs *remoteSessions) end(over ending) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for id, s := range rs.byID {
		if over.matches(s.owner, s.By.Subject, s.By.SID) {
			delete(rs.byID, id)
		}
	}
}

// stop ends one.
func (rs *remoteSessions) stop(id string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byID, id)
}

// screenLine is one line of the simulated far end.
type screenLine struct {
	At   string `json:"at"`
	Text string `json:"text"`
}

// screenState is what the page shows of a running session.
type screenState struct {
	Elapsed string       `json:"elapsed"`
	Lines   []screenLine `json:"lines"`
}

// remotePage is the content of the page of a remote session.
type remotePage struct {
	remoteSession
	Screen screenState
}

// screenAfter is the simulated far end, a new line every second, the last eight kept.
func screenAfter(elapsed time.Duration) screenState {
	doing := [...]string{
		"screen shared, 1920 × 1080, 30 frames a second", "keyboard and mouse connected", "clipboard shared",
		"opening Device Manager", "network adapter: driver from 2023 found", "downloading newer driver",
		"driver signature verified", "installing driver", "network adapter restarted", "ping 192.0.2.1: 3 ms",
		"ping 192.0.2.1: 2 ms", "round trip to you: 12 ms", "event log: no new errors", "free disk space: 214 GB",
	}
	seconds := max(0, int(elapsed/time.Second))
	state := screenState{Elapsed: minutes(seconds)}
	for at := max(0, seconds-7); at <= seconds; at++ {
		line := screenLine{At: minutes(at), Text: doing[at%len(doing)]}
		state.Lines = append(state.Lines, line)
	}
	return state
}

func minutes(seconds int) string { return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60) }

// mine finds the session of the path if it belongs to whoever asks.
func (rc remoteControl) mine(r *http.Request, v visitor) (remoteSession, bool) {
	if v.Session == nil {
		return remoteSession{}, false
	}
	return rc.running.find(r.PathValue("id"), v.Owner, v.Session.Subject)
}

// watch shows a running remote session.
func (rc remoteControl) watch(w http.ResponseWriter, r *http.Request) error {
	v := rc.visitor(r)
	s, ok := rc.mine(r, v)
	if !ok && v.Session == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther) // which says why
		return nil
	}
	if !ok {
		return &problem{
			Status: http.StatusNotFound, Title: "This remote session has ended",
			Words: "Start another one from the list of machines.",
		}
	}
	content := remotePage{remoteSession: s, Screen: screenAfter(rc.Clock().Sub(s.Started))}
	return rc.pages.render(w, "session", http.StatusOK, view{Title: s.Machine, Visitor: v, Refresh: 2, Content: content})
}

// screen is what the page asks for every second; 410 tells it that all is over.
func (rc remoteControl) screen(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s, ok := rc.mine(r, rc.visitor(r))
	if !ok {
		http.Error(w, "this remote session has ended", http.StatusGone)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(screenAfter(rc.Clock().Sub(s.Started)))
}

// stop ends a remote session because its person is done.
func (rc remoteControl) stop(w http.ResponseWriter, r *http.Request) error {
	v, err := rc.form(w, r)
	if err != nil {
		return err
	}
	if s, ok := rc.mine(r, v); ok {
		rc.running.stop(s.ID)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
