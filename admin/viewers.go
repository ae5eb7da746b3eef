package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"streampump/engine"
)

// Viewers is the answer to /viewers.
type Viewers struct {
	Viewers []engine.ViewerRow `json:"viewers"`
	// More says that there are more than were asked for, or that a loop had no time.
	More bool `json:"more"`
}

// Bounds of /viewers: how many rows there are unless the query says, at most, and how
// long the loops may take.
const (
	usualRows  = 1_000
	maxRows    = 100_000
	rosterTime = 2 * time.Second
)

// viewers lists who is watching.
func (o Options) viewers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	wanted := engine.Wanted{Stream: q.Get("stream"), Client: q.Get("client"), Most: usualRows}
	if s := q.Get("most"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxRows {
			http.Error(w, "most takes a number from 1 to "+strconv.Itoa(maxRows), http.StatusBadRequest)
			return
		}
		wanted.Most = n
	}
	ctx, cancel := context.WithTimeout(r.Context(), rosterTime)
	defer cancel()
	rows, more, _ := o.Source.Viewers(ctx, wanted) // an error is that a loop had no time
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(Viewers{append([]engine.ViewerRow{}, rows...), more}) // fails only if the reader has gone
}
