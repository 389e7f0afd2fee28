package apply

import (
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// APIScopes are those that an API defines.
type APIScopes []storage.APIScope

// String is a line about them: orders:read (See orders), orders:write (Change orders).
func (all APIScopes) String() string {
	var words []string
	for _, s := range all {
		words = append(words, s.ID+" ("+s.Name+")")
	}
	return strings.Join(words, ", ")
}
