package engine

import (
	"context"
	"time"

	"streampump/engine/loop"
	"streampump/engine/stream"
)

type (
	// StreamSnapshot is one stream in a [Snapshot].
	StreamSnapshot = stream.Snapshot
	// RoomSnapshot is what is used of limits on viewers.
	RoomSnapshot = stream.Room
)

// Who is watching, for the operator; see [Engine.Viewers].
type (
	ViewerRow = loop.ViewerRow
	Wanted    = loop.Wanted
)

// Viewers lists the viewers that an operator wants to see. more says that there are
// others; an error is ctx's. Any goroutine may call it; it takes each loop a moment for
// each row.
func (e *Engine) Viewers(ctx context.Context, w Wanted) (rows []ViewerRow, more bool, err error) {
	return e.group.Roster(ctx, w)
}

// Snapshot is the engine's state at one moment. Counters count from the start.
type Snapshot struct {
	Uptime      time.Duration     `json:"-"`
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
	Wakes       uint64            `json:"loop_wakes"`           // rings of the loops' bells
	Passes      uint64            `json:"loop_passes"`          // of loops over what they have to do
	Yields      uint64            `json:"loop_passes_cut"`      // passes that had no time for all of it
	Overloaded  int               `json:"loops_overloaded"`     // whose passes have been cut for a second
	Skips       uint64            `json:"viewer_skips"`         // moves to a newer key frame
	Skipped     uint64            `json:"viewer_skips_packets"` // packets passed over by them
	Lost        uint64            `json:"datagrams_lost"`       // that could not be sent
	Unheard     uint64            `json:"datagrams_unheard"`    // of sources, that could not be received
	Handshakes  int               `json:"tls_handshakes"`       // under way, or waiting
	Kept        int64             `json:"tls_kept_bytes"`       // encrypted, and not taken by full sockets
	Refused     uint64            `json:"connections_refused"`  // by a limit
	AcceptFails uint64            `json:"accept_errors"`        //
	Closes      map[string]uint64 `json:"closes"`               // by reason, those that happened
	Streams     []StreamSnapshot  `json:"streams"`

	RoomSnapshot
	Memory      int64 `json:"viewers_memory_reserved"` // by what each is reckoned to take
	MemoryLimit int64 `json:"viewers_memory_limit"`    // 0: none
}

// Snapshot gathers the present state. Any goroutine may call it; it takes each
// stream's lock for a moment and no loop's time.
func (e *Engine) Snapshot() Snapshot {
	t := e.group.Totals()
	s := Snapshot{
		Uptime: time.Duration(e.clock.Now()), Loops: len(e.group.Loops()), MaxConns: e.books.Limit(),
		Connections: t.Connections, Viewers: t.Viewers, Stalled: t.Parked,
		Sessions: e.group.Sessions(), Buffers: e.env.Buffers.Out(),
		Bytes: t.Bytes, Packets: t.Packets, Writes: t.Writes, FullWrites: t.FullWrites, Wakes: t.Wakes,
		Passes: t.Passes, Yields: t.Yields, Overloaded: t.Overloaded,
		Skips: t.Skips, Skipped: t.Skipped, Lost: t.Lost, Unheard: t.Unheard + e.env.Unheard.Load(),
		Handshakes: e.door.Handshakes(), Kept: t.Kept,
		Refused: e.books.Refused(), AcceptFails: e.door.Errors(),
		Closes: t.Closes,
	}
	use := e.books.Use()
	s.RoomSnapshot, s.Memory, s.MemoryLimit = loop.RoomOf(use), use.Memory, e.cfg.Limits.Memory
	for _, ss := range e.group.Snapshots() {
		s.Backlog += ss.Backlog
		s.Streams = append(s.Streams, ss)
	}
	return s
}
