package factor

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Backup is the list of codes a person keeps for when the other factor is out
// of reach: 80 bits each, stored hashed, each spent once.
type Backup struct{}

// crockford leaves out the letters that are easily taken for others.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Method implements [Factor].
func (Backup) Method() policy.Method { return policy.BackupCode }

// Check implements [Factor].
func (Backup) Check(ctx context.Context, tx *storage.Tx, e Entry) (Outcome, error) {
	switch err := tx.SpendBackupCode(ctx, e.UserID, backupHash(e.UserID, e.Code), e.At); {
	case err == nil:
		return Accepted, nil
	case errors.Is(err, storage.ErrSpent):
		return Wrong, nil
	default:
		return Wrong, err
	}
}

// Make makes n new codes, voids the old ones, and returns the new ones grouped
// for reading. They are not shown again.
func (Backup) Make(ctx context.Context, tx *storage.Tx, userID string, n int, now time.Time) ([]string, error) {
	codes, hashes := make([]string, n), make([]string, n)
	for i := range codes {
		codes[i] = newCode()
		hashes[i] = backupHash(userID, codes[i])
	}
	return codes, tx.ReplaceBackupCodes(ctx, userID, hashes, now)
}

// newCode is 80 random bits in four groups for reading and typing.
func newCode() string {
	raw := make([]byte, 10)
	rand.Read(raw)
	code := crockford.EncodeToString(raw)
	return code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]
}

// backupHash reads a code as people write it: any case, with or without
// hyphens, and with the letters the alphabet leaves out.
func backupHash(userID, code string) string {
	return storage.Hash(userID + ":" + readCode(code))
}

// readCode is a code without what people add or mistake in writing it down.
func readCode(code string) string {
	return strings.NewReplacer("o", "0", "i", "1", "l", "1", "u", "v").Replace(strings.ToLower(Clean(code)))
}
