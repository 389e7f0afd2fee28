package storage

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A person is found by the words of their name and address, each from its
// beginning: small letters without accents. They lie in user_words, written
// with the row they are of.

// Bounds of what a person is found by, whatever their name looks like.
const (
	maxWords = 32
	maxWord  = 128 // bytes
)

// unaccented are the letters that Unicode doesn't take apart into one and its
// accent.
var unaccented = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// fold is text in small letters and without accents.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return unaccented.Replace(b.String())
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// wholeWords are the words of a folded text as somebody would write them:
// o'neill, ana@acme.example.
func wholeWords(folded string) (all []string) {
	for _, field := range strings.Fields(folded) {
		if word := strings.TrimFunc(field, isNoLetter); word != "" {
			all = append(all, word[:min(len(word), maxWord)])
		}
	}
	return all
}

// wordsOf are the words by which a person is found.
func wordsOf(email string, p Profile) [][]byte {
	var all [][]byte
	seen := make(map[string]bool)
	add := func(words ...string) {
		for _, w := range words {
			if w = w[:min(len(w), maxWord)]; w != "" && !seen[w] && len(all) < maxWords {
				seen[w], all = true, append(all, []byte(w))
			}
		}
	}
	address := fold(EmailKey(email))
	local, domain, _ := strings.Cut(address, "@")
	add(wholeWords(address)...)
	add(wholeWords(domain)...)
	for _, text := range []string{local, fold(p.Name), fold(p.GivenName), fold(p.FamilyName)} {
		add(wholeWords(text)...)
		add(strings.FieldsFunc(text, isNoLetter)...)
	}
	return all
}

// insertWords writes the words of somebody who has none.
func (tx *Tx) insertWords(ctx context.Context, userID, orgID, email string, p Profile) error {
	args := []any{orgID, userID}
	var rows []string
	for _, w := range wordsOf(email, p) {
		args = append(args, w)
		rows = append(rows, fmt.Sprintf("($1, $%d, $2)", len(args)))
	}
	if len(rows) == 0 {
		return nil // an address without a letter: nothing to find them by
	}
	_, err := tx.run.exec(ctx, `INSERT INTO user_words (org_id, word, user_id) VALUES `+strings.Join(rows, ", "), args...)
	return wrap(err, "write words")
}

// reindex writes a person's words anew after a change of what they come from.
// The row was written in this transaction, so nobody else changes it now.
func (tx *Tx) reindex(ctx context.Context, userID string) error {
	u, err := tx.User(ctx, userID)
	if err != nil {
		return err
	}
	if _, err := tx.run.exec(ctx, `DELETE FROM user_words WHERE user_id = $1`, userID); err != nil {
		return wrap(err, "remove words")
	}
	return tx.insertWords(ctx, u.ID, u.OrgID, u.Email, u.Profile)
}

// indexBatch bounds one transaction of IndexPeople.
const indexBatch = 500

// IndexPeople writes the words of people who came into the database before
// there were any. Migrate calls it; where there is nothing to do, it costs one
// look into an empty index. Several replicas may call it at once.
func (db *DB) IndexPeople(ctx context.Context) error {
	for {
		var batch []*User
		err := db.Write(ctx, func(tx *Tx) (err error) {
			batch, err = list(tx.run, ctx, "people without words", tx.scanUser,
				`SELECT `+userColumns+` FROM users u WHERE NOT u.indexed ORDER BY u.id LIMIT $1`+tx.db.dialect.skipLocked, indexBatch)
			for i := 0; err == nil && i < len(batch); i++ {
				if _, err = tx.run.exec(ctx, `UPDATE users SET indexed = TRUE WHERE id = $1`, batch[i].ID); err == nil {
					err = tx.reindex(ctx, batch[i].ID)
				}
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("write the words of people: %w", err)
		}
		if len(batch) < indexBatch {
			return nil
		}
	}
}

// kinds scans users.second_factors.
type kinds []string

func (k *kinds) Scan(src any) error {
	switch s := src.(type) {
	case string:
		*k = strings.Fields(s)
	case []byte:
		*k = strings.Fields(string(s))
	default:
		return fmt.Errorf("second_factors holds %T", src)
	}
	if len(*k) == 0 {
		*k = nil
	}
	return nil
}
