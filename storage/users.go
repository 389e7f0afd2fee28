package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// User is a person.
type User struct {
	ID, OrgID     string
	Email         string
	EmailVerified bool
	Profile       Profile
	// Phone is an E.164 number, sealed at rest.
	Phone         string
	PhoneVerified bool
	// Kind is "staff" or "client".
	Kind string
	// Role is "member", "administrator" or "owner".
	Role string
	// Operator may govern every company of this instance.
	Operator bool
	// Roles are the person's roles in products, by client id.
	Roles map[string][]string
	// PasswordHash is in PHC form; empty where none was chosen yet.
	PasswordHash string
	// TwoStep is the person's own wish to be asked for a second factor at
	// every sign-in.
	TwoStep bool
	// TwoStepRequired is an administrator's demand on this person.
	TwoStepRequired bool
	// SecondFactors are the kinds of the factors they have, sorted and once
	// each. What adds and removes factors keeps it right; nothing else writes it.
	SecondFactors []string
	// PreferredMethod is the second factor the person used last.
	PreferredMethod string
	// SkipNewNetworkCheck spares a person with a second factor that check.
	SkipNewNetworkCheck bool
	// ChangesLockedAt is when the person said that a change wasn't theirs:
	// until that is lifted nothing about how they sign in can be changed.
	ChangesLockedAt time.Time
	DisabledAt      time.Time
	LastSignInAt    time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time

	sealedPhone []byte
}

// Profile holds the standard claims of OpenID Connect Core section 5.1 that
// have no column of their own, by their names there.
type Profile struct {
	Name              string   `json:"name,omitempty" yaml:"name"`
	GivenName         string   `json:"given_name,omitempty" yaml:"given_name"`
	FamilyName        string   `json:"family_name,omitempty" yaml:"family_name"`
	MiddleName        string   `json:"middle_name,omitempty" yaml:"middle_name"`
	Nickname          string   `json:"nickname,omitempty" yaml:"nickname"`
	PreferredUsername string   `json:"preferred_username,omitempty" yaml:"preferred_username"`
	Profile           string   `json:"profile,omitempty" yaml:"profile"`
	Picture           string   `json:"picture,omitempty" yaml:"picture"`
	Website           string   `json:"website,omitempty" yaml:"website"`
	Gender            string   `json:"gender,omitempty" yaml:"gender"`
	Birthdate         string   `json:"birthdate,omitempty" yaml:"birthdate"`
	Zoneinfo          string   `json:"zoneinfo,omitempty" yaml:"zoneinfo"`
	Locale            string   `json:"locale,omitempty" yaml:"locale"`
	Address           *Address `json:"address,omitempty" yaml:"address"`
}

// Address is the address claim of OpenID Connect Core section 5.1.1.
type Address struct {
	Formatted     string `json:"formatted,omitempty" yaml:"formatted"`
	StreetAddress string `json:"street_address,omitempty" yaml:"street_address"`
	Locality      string `json:"locality,omitempty" yaml:"locality"`
	Region        string `json:"region,omitempty" yaml:"region"`
	PostalCode    string `json:"postal_code,omitempty" yaml:"postal_code"`
	Country       string `json:"country,omitempty" yaml:"country"`
}

// EmailKey is how addresses are compared: without regard to case.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

const userColumns = `u.id, u.org_id, u.email, u.email_verified, u.profile, u.phone, u.phone_verified, u.kind, u.role, u.operator, u.roles,
	u.password_hash, u.two_step, u.two_step_required, u.second_factors, u.preferred_method, u.skip_new_network_check, u.changes_locked_at, u.disabled_at, u.last_sign_in_at, u.created_at, u.updated_at`

func (u *User) targets() []any {
	return []any{&u.ID, &u.OrgID, &u.Email, &u.EmailVerified, document{&u.Profile}, &u.sealedPhone, &u.PhoneVerified, &u.Kind, &u.Role, &u.Operator, document{&u.Roles},
		&u.PasswordHash, &u.TwoStep, &u.TwoStepRequired, (*kinds)(&u.SecondFactors), &u.PreferredMethod, &u.SkipNewNetworkCheck, into(&u.ChangesLockedAt), into(&u.DisabledAt), into(&u.LastSignInAt), into(&u.CreatedAt), into(&u.UpdatedAt)}
}

// unseal opens what is sealed in a row just read.
func (r Reader) unseal(u *User) error {
	if len(u.sealedPhone) == 0 {
		return nil
	}
	phone, err := r.db.sealer.open(u.sealedPhone, "users.phone:"+u.ID)
	u.Phone = string(phone)
	return err
}

func (r Reader) scanUser(row scanner) (*User, error) {
	var u User
	err := row.Scan(u.targets()...)
	if err == nil {
		err = r.unseal(&u)
	}
	return found(&u, err, "person")
}

// User returns a person by id. ErrNotFound where there is none.
func (r Reader) User(ctx context.Context, id string) (*User, error) {
	return r.scanUser(r.run.queryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))
}

// UserByEmail returns a person by address. ErrNotFound where there is none.
func (r Reader) UserByEmail(ctx context.Context, email string) (*User, error) {
	return r.scanUser(r.run.queryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.email_key = $1`, EmailKey(email)))
}

// Users lists the people of a company by address, or everybody's where org is
// empty: at most limit, after the address after.
func (r Reader) Users(ctx context.Context, org, after string, limit int) ([]*User, error) {
	return list(r.run, ctx, "people", r.scanUser, `
		SELECT `+userColumns+` FROM users u WHERE ($1 = '' OR u.org_id = $2) AND u.email_key > $3 ORDER BY u.email_key LIMIT $4`,
		org, org, EmailKey(after), limit)
}

// HasOwner says whether anybody owns a company here.
func (r Reader) HasOwner(ctx context.Context) (yes bool, err error) {
	err = r.run.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE role = 'owner')`).Scan(&yes)
	return yes, wrap(err, "look for an owner")
}

// InsertUser adds a person. ErrTaken where the address is in use.
func (tx *Tx) InsertUser(ctx context.Context, u User, now time.Time) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO users (id, org_id, email, email_key, email_verified, profile, phone, phone_verified, kind, role, roles,
			password_hash, two_step, two_step_required, disabled_at, created_at, updated_at, operator, indexed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, TRUE)`,
		u.ID, u.OrgID, u.Email, EmailKey(u.Email), u.EmailVerified, encode(u.Profile), tx.sealPhone(u), u.PhoneVerified, u.Kind, u.Role, encodeRoles(u.Roles),
		u.PasswordHash, u.TwoStep, u.TwoStepRequired, stamp(u.DisabledAt), stamp(now), stamp(now), u.Operator)
	if err != nil {
		return wrap(err, "add person")
	}
	return tx.insertWords(ctx, u.ID, u.OrgID, u.Email, u.Profile)
}

// UpdateUser writes what an administrator may change of a person: everything
// but the password and the person's own two-step switch.
func (tx *Tx) UpdateUser(ctx context.Context, u User, now time.Time) error {
	n, err := tx.run.exec(ctx, `
		UPDATE users SET org_id = $2, email = $3, email_key = $4, email_verified = $5, profile = $6, phone = $7, phone_verified = $8,
			kind = $9, role = $10, roles = $11, two_step_required = $12, disabled_at = $13, updated_at = $14, operator = $15
		WHERE id = $1`,
		u.ID, u.OrgID, u.Email, EmailKey(u.Email), u.EmailVerified, encode(u.Profile), tx.sealPhone(u), u.PhoneVerified,
		u.Kind, u.Role, encodeRoles(u.Roles), u.TwoStepRequired, stamp(u.DisabledAt), stamp(now), u.Operator)
	if err == nil && n == 0 {
		return fmt.Errorf("person: %w", ErrNotFound)
	}
	if err != nil {
		return wrap(err, "save person")
	}
	return tx.reindex(ctx, u.ID)
}

func encodeRoles(roles map[string][]string) string {
	if roles == nil {
		return "{}"
	}
	return encode(roles)
}

func (tx *Tx) sealPhone(u User) []byte {
	if u.Phone == "" {
		return nil
	}
	return tx.db.sealer.seal([]byte(u.Phone), "users.phone:"+u.ID)
}

// SetPasswordHash replaces a password; was is the hash it replaces, so that an
// upgrade of the hash can't undo a change made meanwhile (ErrSpent).
func (tx *Tx) SetPasswordHash(ctx context.Context, userID, was, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE users SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2`, userID, was, hash, stamp(now))
	return spent(n, err, "save password")
}

// SetTwoStep turns the person's own two-step verification on or off.
func (tx *Tx) SetTwoStep(ctx context.Context, userID string, on bool, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET two_step = $2, updated_at = $3 WHERE id = $1`, userID, on, stamp(now))
	return wrap(err, "save two-step verification")
}

// SetProfile writes a person's profile. Whoever changes a part of it calls
// HoldUser before reading the rest.
func (tx *Tx) SetProfile(ctx context.Context, userID string, p Profile, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET profile = $2, updated_at = $3 WHERE id = $1`, userID, encode(p), stamp(now))
	if err != nil {
		return wrap(err, "save profile")
	}
	return tx.reindex(ctx, userID)
}

// SetPreferredMethod notes which second factor to ask for first.
func (tx *Tx) SetPreferredMethod(ctx context.Context, userID, method string) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET preferred_method = $2 WHERE id = $1`, userID, method)
	return wrap(err, "save preferred method")
}

// SetSkipNewNetworkCheck spares a person with a second factor that check, or
// no longer.
func (tx *Tx) SetSkipNewNetworkCheck(ctx context.Context, userID string, skip bool, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET skip_new_network_check = $2, updated_at = $3 WHERE id = $1`, userID, skip, stamp(now))
	return wrap(err, "save network check")
}

// LockChanges keeps everything about how a person signs in as it is; UnlockChanges
// lifts that.
func (tx *Tx) LockChanges(ctx context.Context, userID string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET changes_locked_at = $2, updated_at = $2 WHERE id = $1`, userID, stamp(now))
	return wrap(err, "lock changes")
}

// UnlockChanges lifts LockChanges.
func (tx *Tx) UnlockChanges(ctx context.Context, userID string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET changes_locked_at = NULL, updated_at = $2 WHERE id = $1`, userID, stamp(now))
	return wrap(err, "unlock changes")
}

// SetEmail gives a person a confirmed address, in place of was. ErrTaken where
// somebody else has it, ErrSpent where theirs was changed meanwhile.
func (tx *Tx) SetEmail(ctx context.Context, userID, was, email string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE users SET email = $3, email_key = $4, email_verified = TRUE, updated_at = $5 WHERE id = $1 AND email_key = $2`,
		userID, EmailKey(was), email, EmailKey(email), stamp(now))
	if err := spent(n, err, "save address"); err != nil {
		return err
	}
	return tx.reindex(ctx, userID)
}

// SetPhone gives a person a confirmed number (E.164), or none.
func (tx *Tx) SetPhone(ctx context.Context, userID, phone string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET phone = $2, phone_verified = $3, updated_at = $4 WHERE id = $1`,
		userID, tx.sealPhone(User{ID: userID, Phone: phone}), phone != "", stamp(now))
	return wrap(err, "save phone")
}

// SetLastSignIn notes when a person last signed in.
func (tx *Tx) SetLastSignIn(ctx context.Context, userID string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE users SET last_sign_in_at = $2 WHERE id = $1`, userID, stamp(now))
	return wrap(err, "save last sign-in")
}

// DisableUser stops a person from signing in, or lets them again.
func (tx *Tx) DisableUser(ctx context.Context, userID string, disabled bool, now time.Time) error {
	at := time.Time{}
	if disabled {
		at = now
	}
	_, err := tx.run.exec(ctx, `UPDATE users SET disabled_at = $2, updated_at = $3 WHERE id = $1`, userID, stamp(at), stamp(now))
	return wrap(err, "disable person")
}

// Proofs is a list of proofs as idp/session writes it.
type Proofs = json.RawMessage
