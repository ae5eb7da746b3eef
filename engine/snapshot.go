package engine

import (
	"time"
)

// Snapshot is what the engine can tell of itself at one moment. Counters count
// from the start.
type Snapshot struct {
	Uptime      time.Duration     `json:"uptime_ns"`
	Loops       int               `json:"loops"`
	Connections int64             `json:"connections"`
	MaxConns    int               `json:"connections_limit"`
	Viewers     int64             `json:"viewers"`
	Stalled     int64             `json:"connections_full"`     // whose socket takes nothing now
	Sessions    int               `json:"sessions"`             // of viewers and encoders
	Buffers     int64             `json:"packet_buffers"`       // segments of backlogs and other forms of packets, out of the pool
	Backlog     int64             `json:"backlog_bytes"`        // of all streams
	Bytes       uint64            `json:"bytes_sent"`           // to peers, heads and answers included
	Packets     uint64            `json:"packets_sent"`         // delivered whole
	Writes      uint64            `json:"write_calls"`          //
	FullWrites  uint64            `json:"write_calls_full"`     // not taken whole
	Wakes       uint64            `json:"loop_wakes"`           // posts to event loops
	Skips       uint64            `json:"viewer_skips"`         // moves to a newer key frame
	Skipped     uint64            `json:"viewer_skips_packets"` // packets passed over by them
	Refused     uint64            `json:"connections_refused"`  // by a limit
	AcceptFails uint64            `json:"accept_errors"`        //
	Closes      map[string]uint64 `json:"closes"`               // by reason, those that happened
	Streams     []StreamSnapshot  `json:"streams"`
}

// StreamSnapshot is one stream in a [Snapshot].
type StreamSnapshot struct {
	Name       string  `json:"name"`
	Path       string  `json:"path"`
	Type       string  `json:"type"`
	State      string  `json:"source"`
	Problem    string  `json:"problem,omitempty"` // why the source is not up
	Media      string  `json:"media,omitempty"`
	UpSeconds  float64 `json:"up_seconds"`
	Age        float64 `json:"newest_packet_age_seconds"`
	Viewers    int64   `json:"viewers"`
	Joins      uint64  `json:"joins"`
	Anywhere   uint64  `json:"joins_without_key_frame"`
	PacketsIn  uint64  `json:"packets_in"`
	BytesIn    uint64  `json:"bytes_in"`
	LeftOut    uint64  `json:"packets_left_out"`
	Rate       float64 `json:"packets_per_second"`
	Programmes uint64  `json:"programmes"`
	Splices    uint64  `json:"splices"`
	Backlog    int64   `json:"backlog_bytes"`
	BacklogLen uint64  `json:"backlog_packets"`
}

// Snapshot gathers the present state. Any goroutine may call it; it takes each
// stream's lock for a moment and no loop's time.
func (e *Engine) Snapshot() Snapshot {
	viewers, ingests := e.sessions.count()
	s := Snapshot{
		Uptime: time.Duration(e.clock()), Loops: len(e.loops), MaxConns: e.maxConns,
		Sessions: viewers + ingests, Buffers: e.buffers.Out(),
		Refused: e.stats.refused.Load(), AcceptFails: e.stats.acceptErrors.Load(),
		Closes: map[string]uint64{},
	}
	for _, l := range e.loops {
		l.stats.addTo(&s)
	}
	for _, st := range e.order {
		ss := st.snapshot()
		s.Backlog += ss.Backlog
		s.Streams = append(s.Streams, ss)
	}
	return s
}

// addTo adds a loop's counters to a snapshot.
func (l *loopStats) addTo(s *Snapshot) {
	s.Connections += l.connections.Load()
	s.Viewers += l.viewers.Load()
	s.Stalled += l.parked.Load()
	s.Bytes += l.bytes.Load()
	s.Packets += l.packets.Load()
	s.Writes += l.writes.Load()
	s.FullWrites += l.fullWrites.Load()
	s.Wakes += l.wakes.Load()
	s.Skips += l.skips.Load()
	s.Skipped += l.skipped.Load()
	for r := range reasons {
		if n := l.closes[r].Load(); n > 0 {
			s.Closes[r.String()] += n
		}
	}
}

// snapshot is the stream's own part.
func (st *stream) snapshot() StreamSnapshot {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := StreamSnapshot{
		Name: st.cfg.Name, Path: st.cfg.Path, Type: st.kind(),
		State: SourceState(st.state.Load()).String(), Problem: st.problem,
		Viewers: st.viewers(), Joins: st.stats.joins.Load(), Anywhere: st.stats.anywhere.Load(),
		PacketsIn: st.stats.packetsIn.Load(), BytesIn: st.stats.bytesIn.Load(), LeftOut: st.stats.skippedIn.Load(),
		Programmes: st.stats.programmes.Load(), Splices: st.stats.splices.Load(),
	}
	if p := st.cur.Load(); p != nil {
		now := st.eng.clock()
		s.Media = p.media.String()
		s.Rate = p.packetRate()
		s.Backlog = p.ring.Bytes()
		s.BacklogLen = p.ring.Head() - p.ring.Tail()
		s.UpSeconds = time.Duration(now - st.upSince).Seconds()
		s.Age = time.Duration(now - st.lastAt).Seconds()
	}
	return s
}

// kind is the word for the stream's kind of source.
func (st *stream) kind() string {
	switch {
	case st.cfg.Push:
		return "push"
	case st.cfg.Pull != nil:
		return "pull"
	default:
		return "file"
	}
}
