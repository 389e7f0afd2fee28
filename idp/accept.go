package idp

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// accepts says whether a request asks for a media type by name, and not rather
// for JSON (RFC 9110 section 12.5.1).
func accepts(r *http.Request, media string) bool {
	asked := quality(r, media)
	return asked > 0 && asked >= quality(r, "application/json")
}

// quality is the weight of a media type in Accept; 0 where it isn't named.
func quality(r *http.Request, media string) (weight float64) {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || name != media {
			continue
		}
		weight = 1
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			weight = q
		}
	}
	return weight
}
