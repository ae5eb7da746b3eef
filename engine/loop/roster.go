package loop

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// ViewerRow is one viewer, for the operator.
type ViewerRow struct {
	Stream  string         `json:"stream"`
	Peer    netip.AddrPort `json:"peer"`
	Client  string         `json:"client,omitempty"` // who it is, if access rules say
	Agent   string         `json:"agent"`
	Seconds float64        `json:"seconds"` // since it connected
	Bytes   uint64         `json:"bytes"`   // sent to it
	Skips   uint32         `json:"skips"`   // times it was moved to a newer key frame
	Full    bool           `json:"full"`    // its socket takes nothing now
	// Transport is how its packets go: "tcp", "tls" or "udp".
	Transport string `json:"transport"`
}

// Wanted says which viewers an operator wants to see. Empty texts stand for all.
type Wanted struct {
	Stream string // a path, in any letter case
	Client string
	Most   int // rows
}

// Roster lists viewers, loop after loop. Each loop copies its rows in a pass of its own,
// no more than are wanted; ctx ends the wait for one that has no time. Any goroutine
// may call it.
func (g *Group) Roster(ctx context.Context, w Wanted) (rows []ViewerRow, more bool, err error) {
	for _, l := range g.loops {
		part := make(chan []ViewerRow, 1)
		room := w.Most - len(rows) + 1 // one more tells that there are more
		l.Post(func() { part <- l.roster(w, room) })
		select {
		case <-ctx.Done():
			return rows, true, ctx.Err()
		case more := <-part:
			rows = append(rows, more...)
		}
		if len(rows) > w.Most {
			return rows[:w.Most], true, nil
		}
	}
	return rows, false, nil
}

// roster is the loop's part, at most room rows.
func (l *Loop) roster(w Wanted, room int) (rows []ViewerRow) {
	for _, s := range l.shows {
		path := s.stream.Config.Path
		if w.Stream != "" && !strings.EqualFold(w.Stream, path) {
			continue
		}
		for i := range s.viewers {
			v := &s.viewers[i]
			c := v.conn
			if w.Client != "" && c.client != w.Client {
				continue
			}
			if len(rows) == room {
				return rows
			}
			rows = append(rows, ViewerRow{
				Stream: path, Peer: c.peer, Client: c.client, Agent: c.agent,
				Seconds: time.Duration(l.now - c.opened).Seconds(), Bytes: c.bytes + v.bytes, Skips: c.skips, Full: v.parked,
				Transport: v.transport.String(),
			})
		}
	}
	return rows
}
