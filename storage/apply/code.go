package apply

// Code is the kind of a problem, for pages that word it in another language
// together with its field. These are all there are.
type Code string

const (
	// CodeMissing: the field must be given.
	CodeMissing Code = "missing"
	// CodeForm: the value isn't written as such a value is.
	CodeForm Code = "form"
	// CodeTooLong: the value is longer than it may be.
	CodeTooLong Code = "too_long"
	// CodeNotAllowed: the value isn't among those the field may have.
	CodeNotAllowed Code = "not_allowed"
	// CodeUnknown: what the value names isn't there; without a field, the entry itself.
	CodeUnknown Code = "unknown"
	// CodeTaken: somebody or something else has this value; without a field, the entry is there already.
	CodeTaken Code = "taken"
	// CodeTwice: the value is there a second time.
	CodeTwice Code = "twice"
	// CodeConflict: the value doesn't go together with that of another field.
	CodeConflict Code = "conflict"
	// CodeInUse: it can't go while something needs it.
	CodeInUse Code = "in_use"
	// CodeLastOwner: the company would be left without an owner.
	CodeLastOwner Code = "last_owner"
)
