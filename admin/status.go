package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"streampump/engine"
)

// Status is the answer to /status. Times are in seconds, sizes in bytes and rates
// in bits a second; the fields that come from the engine are described there, and
// all of them in stream-pump-status(5).
type Status struct {
	Version    string  `json:"version"`
	Uptime     float64 `json:"uptime_seconds"`
	LogDropped uint64  `json:"log_lines_dropped"`
	engine.Snapshot
	Streams []StreamStatus `json:"streams"`
	// Certificates are those of the listeners over TLS; empty without one.
	Certificates []CertificateStatus `json:"certificates"`
}

// CertificateStatus is one certificate of a [Status].
type CertificateStatus struct {
	Names  []string `json:"names"` // host names and addresses
	Issuer string   `json:"issuer"`
	// NotAfter is its end, in the form of RFC 3339; empty if there is none yet.
	NotAfter string `json:"not_after"`
	DaysLeft int    `json:"days_left"` // whole days, below 0 once it has ended
	// Automatic is true for one that the pump gets by itself.
	Automatic bool `json:"automatic"`
	// Problem is the operator's sentence: it ends soon, or a newer one is refused.
	Problem string `json:"problem,omitempty"`
}

// StreamStatus is one stream of a [Status].
type StreamStatus struct {
	engine.StreamSnapshot
	// Type is as in the configuration.
	Type string `json:"type"`
}

// statusNow is the status at this moment.
func (o Options) statusNow() Status {
	snapshot := o.Source.Snapshot()
	s := Status{Version: o.Version, Uptime: snapshot.Uptime.Seconds(), Snapshot: snapshot, Streams: []StreamStatus{}, Certificates: []CertificateStatus{}}
	if o.LogDropped != nil {
		s.LogDropped = o.LogDropped()
	}
	if o.Certificates != nil {
		s.Certificates = o.Certificates()
	}
	for _, stream := range snapshot.Streams {
		out := StreamStatus{StreamSnapshot: stream, Type: stream.Type}
		if t, ok := o.Types[stream.Path]; ok {
			out.Type = t
		}
		s.Streams = append(s.Streams, out)
	}
	return s
}

func (o Options) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(o.statusNow()) // fails only if the reader has gone
}

// sourceUp is the state of a stream that viewers can join.
var sourceUp = engine.SourceUp.String()

// health says whether the pump serves, for the probes of balancers, supervisors and
// monitors. A source that is down is not the pump's fault; whoever wants to know
// about one asks for its stream.
func (o Options) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if o.GoingDown != nil && o.GoingDown() {
		http.Error(w, "going down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	path := r.URL.Query().Get("stream")
	if path == "" {
		fmt.Fprintln(w, "ok")
		return
	}
	for _, s := range o.Source.Snapshot().Streams {
		if strings.EqualFold(s.Path, path) {
			if s.State != sourceUp {
				http.Error(w, "the source is "+s.State, http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(w, "ok")
			return
		}
	}
	http.Error(w, "there is no such stream", http.StatusNotFound)
}
