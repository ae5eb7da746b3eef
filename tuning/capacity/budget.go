package capacity

import (
	"fmt"
	"strings"

	"streampump/tuning"
)

// Memory that is reckoned for each thing, in bytes, besides that of the estimate.
const (
	// SessionMemory is a session that is remembered: its entries in a table and in the
	// queue of those that expire, with room for both to grow. Those of the default table
	// are in BaseMemory.
	SessionMemory   = 128
	defaultSessions = 1 << 17

	// LeastBacklog is the least memory with which a stream works.
	LeastBacklog = 1 << 20

	// leastViewers is the least number of viewers for which a pump is worth starting,
	// where no number is asked for.
	leastViewers = 32
)

// Budget is what a configuration takes of a machine's memory, and what it leaves for
// viewers. It is reckoned with what an average viewer takes, its socket's data in the
// kernel included, where one in twenty has stalled.
type Budget struct {
	Memory int64  // bytes that the process may use; 0 is not known, and then all fits
	Of     string // whose they are: the machine's, or a control group's

	Streams  int   // that are served
	Backlog  int64 // backlog.bytes
	Total    int64 // backlog.total; 0: as much as is left, and at most MostTotal
	Most     int64 // the most that Total becomes by itself; 0: no bound
	Sessions int   // limits.sessions
	Viewers  int   // asked for; 0: as many as fit
	Asked    string
	// Encrypted: viewers may come over TLS, and all are reckoned to. Handshakes is how
	// many may be under way at once then.
	Encrypted  bool
	Handshakes int
}

// Encryption takes more of each viewer: the state of its connection, as its test bounds
// it, and of one that has stalled the record that its socket did not take.
const (
	TLSMemory  = 16 << 10
	TLSStalled = 17 << 10

	// HandshakeMemory is a TLS handshake that is under way: its goroutine's stack, what
	// the peer may send, and what both sides calculate with.
	HandshakeMemory = 64 << 10
)

// ViewerBytes is what a viewer is reckoned to take.
func ViewerBytes() int64 { return int64(viewerMemory()) }

// TLSBytes is what a viewer takes besides that is encrypted.
func TLSBytes() int64 {
	stalled := tuning.StalledShare * TLSStalled // of an average viewer
	return TLSMemory + int64(stalled)
}

// usable is what may be used of the memory.
func (b *Budget) usable() int64 { return int64(FullMemory * float64(b.Memory)) }

// sessions is what the tables of sessions take beyond the default.
func (b *Budget) sessions() int64 { return SessionMemory * int64(max(0, b.Sessions-defaultSessions)) }

// asked is what the viewers take that are asked for.
func (b *Budget) asked() int64 { return int64(b.viewers()) * b.Each() }

// Each is what a viewer is reckoned to take.
func (b *Budget) Each() int64 {
	if b.Encrypted {
		return ViewerBytes() + TLSBytes()
	}
	return ViewerBytes()
}

// shaking is what the handshakes take.
func (b *Budget) shaking() int64 {
	if b.Encrypted {
		return int64(b.Handshakes) * HandshakeMemory
	}
	return 0
}

// base is what everything but backlogs and viewers takes.
func (b *Budget) base() int64 { return BaseMemory + b.sessions() + b.shaking() }

// viewers is the number of viewers that must find room.
func (b *Budget) viewers() int {
	if b.Viewers > 0 {
		return b.Viewers
	}
	return leastViewers
}

// Backlogs is the most that all backlogs may take. Without a total of their own they
// leave room for the viewers that are asked for.
func (b *Budget) Backlogs() int64 {
	if b.Total > 0 {
		return min(b.Total, int64(b.Streams)*b.Backlog)
	}
	all := int64(b.Streams) * b.Backlog
	if total, _ := b.TotalFor(); total != 0 {
		all = min(all, total)
	}
	return max(all, int64(b.Streams)*LeastBacklog)
}

// TotalFor is what backlog.total becomes by itself, and why; 0 if nothing bounds it.
func (b *Budget) TotalFor() (bytes int64, why string) {
	bytes, why = b.Most, "two thirds of the soft memory limit"
	if b.Memory > 0 {
		if rest := b.usable() - b.base() - b.asked(); bytes == 0 || rest < bytes {
			bytes, why = rest, "what the viewers leave that the configuration asks for"
		}
	}
	if least := int64(b.Streams) * LeastBacklog; bytes > 0 && bytes < least {
		return least, "the least that the streams need"
	}
	return bytes, why
}

// Left is how many bytes viewers may take; 0 if the memory is not known.
func (b *Budget) Left() int64 {
	if b.Memory == 0 {
		return 0
	}
	return max(0, b.usable()-b.base()-b.Backlogs())
}

// Check is why the configuration does not fit, with the arithmetic; nil if it does.
func (b *Budget) Check() error {
	need := b.base() + b.Backlogs() + b.asked()
	if b.Memory == 0 || need <= b.usable() {
		return nil
	}
	parts := []string{tuning.SizeText(BaseMemory) + " for the program"}
	if b.sessions() > 0 {
		parts = append(parts, fmt.Sprintf("%s for %d sessions (limits.sessions)", tuning.SizeText(b.sessions()), b.Sessions))
	}
	if b.shaking() > 0 {
		parts = append(parts, fmt.Sprintf("%s for %d TLS handshakes at once", tuning.SizeText(b.shaking()), b.Handshakes))
	}
	parts = append(parts,
		fmt.Sprintf("%s for the backlogs of %s (%s)", tuning.SizeText(b.Backlogs()), streamsText(b.Streams), b.backlogsFrom()),
		fmt.Sprintf("%s for %d viewers at %s (%s)", tuning.SizeText(b.asked()), b.viewers(), tuning.SizeText(b.Each()), b.viewersFrom()))
	return fmt.Errorf("the configuration does not fit into the memory: %s are %s, and of %s (%s) nine tenths, %s, may be used",
		strings.Join(parts, " + "), tuning.SizeText(need), b.Of, tuning.SizeText(b.Memory), tuning.SizeText(b.usable()))
}

func streamsText(n int) string {
	if n == 1 {
		return "1 stream"
	}
	return fmt.Sprintf("%d streams", n)
}

// backlogsFrom says where the backlogs' bound comes from.
func (b *Budget) backlogsFrom() string {
	switch {
	case b.Backlogs() == int64(b.Streams)*LeastBacklog:
		return "the least that they need"
	case b.Total > 0 && b.Backlogs() == b.Total:
		return "backlog.total"
	}
	return "backlog.bytes"
}

// viewersFrom says who asks for the viewers.
func (b *Budget) viewersFrom() string {
	from := "the least that is worth a start"
	if b.Viewers > 0 {
		from = b.Asked
	}
	if b.Encrypted {
		from += ", over TLS"
	}
	return from
}
