package page

import "time"

// ConsoleTask is the progress of a long job: …/tasks/ID. While it runs the page
// looks again by itself. Form, where May "cancel": to …/tasks/ID/cancel.
type ConsoleTask struct {
	Console
	ID      string
	Heading Text
	// State is "running", "done", "cancelled" or "failed".
	State string
	// Mails: the job sends mails; others change something.
	Mails bool
	// Waiting, Sent and Failed are how many of Total mails or people are how far.
	Total, Waiting, Sent, Failed int
	Started, Finished            time.Time // Finished zero: it runs
	// By is the e-mail of who started it.
	By string
	// Failures are the first of those that failed.
	Failures []TaskFailure
	BackURL  string
	May      map[string]bool
}

// TaskFailure is somebody for whom it didn't work.
type TaskFailure struct {
	Who string
	Why Text
}

// Running reports whether there is more to come.
func (p ConsoleTask) Running() bool { return p.State == "running" }

// Done is how many are through, one way or the other.
func (p ConsoleTask) Done() int { return p.Sent + p.Failed }

func (ConsoleTask) template() string { return "console_task" }
