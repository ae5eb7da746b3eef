package climb

import (
	"fmt"
	"strings"
)

// Reason is what gave out. Where stream-pump doctor --capacity has a word for a
// resource, it is the same.
type Reason string

// The reasons.
const (
	Descriptors   Reason = "descriptors"
	ServerLimits  Reason = "limits of the server"
	ServerEnded   Reason = "the server ended"
	Processors    Reason = "processors"
	Loops         Reason = "event loops"
	Shared        Reason = "processors, which server and load shared"
	Kernel        Reason = "processors, with the kernel's share"
	Disturbed     Reason = "processors, which other programs had"
	Generator     Reason = "the load"
	Card          Reason = "network card"
	SocketsMemory Reason = "sockets' memory"
	Memory        Reason = "memory"
	Unexplained   Reason = "nothing that shows"
	Most          Reason = "nothing yet"
)

// Room is how much there is of each resource; 0 is not known, or has no bound.
type Room struct {
	Cores       []int   `json:"cores,omitempty"`                // that the server may run on
	Processors  float64 `json:"processors,omitempty"`           // of them, as many as its control group lets it use
	LoadCores   []int   `json:"load_cores,omitempty"`           // that the load may run on
	Generator   float64 `json:"generator_processors,omitempty"` // of them, as many as its control group lets it use
	Shared      float64 `json:"shared_processors,omitempty"`    // of both together, where they have any in common
	Descriptors uint64  `json:"descriptors,omitempty"`          // that the server may have open
	Card        float64 `json:"card_bits_per_second,omitempty"` // of the interface by which players are reached; 0 on loopback
	CardName    string  `json:"card,omitempty"`
	Memory      int64   `json:"memory_limit_bytes,omitempty"` // of the server's control group
	Sockets     int64   `json:"sockets_bytes,omitempty"`      // at which the kernel begins to shrink sockets' buffers
}

// What counts as given out, beside [full].
const (
	// fullDescriptors leaves out those that are closed when they are counted: it
	// is done once a second.
	fullDescriptors = 0.98
	// fullCard is of the payload, on top of which come headers and retransmissions.
	fullCard = 0.85
	// noIdle is how busy processors are when they have no time for anybody.
	noIdle = 0.95
	// ownShare is which part of the time of busy processors is the server's at
	// least where the rest is the kernel's work for it (with the pump at its bound
	// 0.85 to 0.93 were seen), and not another program's.
	ownShare = 0.8
	// leastMemory is which part of the machine's memory is free when it is not
	// free for anybody: the kernel keeps about as much for itself.
	leastMemory = 0.03
)

// reason is a row of the table: how to see that a resource gave out, and what
// to tell the operator. seen returns the figures, or nothing if it did not.
type reason struct {
	reason   Reason
	seen     func(*Step, *Room) string
	sentence string
	// open says that the server can carry more than was offered, so that what was
	// carried does not bound it.
	open bool
}

// reasons are in the order in which they are blamed: what turns players away at
// once, then what slows everybody, the surest sign first.
func reasons() []reason {
	return []reason{
		{ServerEnded, ended, "The server did not survive the load: its last words say why.", false},
		{Descriptors, descriptors, "The server may open no more descriptors: raise its limit (LimitNOFILE in the unit, ulimit -n in a shell).", false},
		{ServerLimits, refused, "The server turned players away by a limit of its own; for the pump see limits in the configuration.", false},
		{Processors, processors, "The server's processors are full: more or faster ones carry more, and so does a lower bitrate.", false},
		{Loops, loops, "The event loops are full while processors are left: raise fanout.loops.", false},
		{Generator, generator, "The load could not be made larger, and the server can carry more: give the load more processors, or run it on another machine.", true},
		{Shared, shared, "Server and load took each other's processors, and the server can carry more: run the load elsewhere, or pin both.", true},
		{Kernel, kernel, "The server's processors are full, with what the kernel does for its sockets: more or faster ones carry more, and so does a lower bitrate.", false},
		{Disturbed, disturbed, "Other programs had processors of the server or of the load, and the server can carry more: measure again when the machine is quiet.", true},
		{Card, card, "The network card is full: a faster one carries more.", false},
		{SocketsMemory, socketsMemory, "The kernel shrinks the sockets' buffers: raise net.ipv4.tcp_mem.", false},
		{Memory, memory, "There is no memory left.", false},
		{Unexplained, func(*Step, *Room) string { return "no resource was full" },
			"Nothing that was looked at was full: look at the network, other work on the machine, and stream-pump profile.", false},
	}
}

func ended(s *Step, _ *Room) string {
	if s.failed {
		return s.Why[0]
	}
	return ""
}

func descriptors(s *Step, r *Room) string {
	if v := s.Result.Server; v != nil && r.Descriptors > 0 && float64(v.Descriptors) >= fullDescriptors*float64(r.Descriptors) {
		return fmt.Sprintf("%d of %d descriptors were open", v.Descriptors, r.Descriptors)
	}
	return ""
}

// refused counts the players that were answered with 503 or 403: the server says
// itself that it wants no further players.
func refused(s *Step, _ *Room) string {
	n := 0
	for reason, players := range s.Result.Reasons {
		if strings.Contains(reason, " 503 ") || strings.Contains(reason, " 403 ") || strings.Contains(reason, " 429 ") {
			n += players
		}
	}
	if n > 0 {
		return fmt.Sprintf("%d players were turned away", n)
	}
	return ""
}

// serverCores is what the server used; below 0 where that was not measured.
func (s *Step) serverCores() float64 {
	if s.Result.Server == nil {
		return -1
	}
	return s.Result.Server.CPU.Cores
}

// generatorCores is what the load used; below 0 where nothing was measured.
func (s *Step) generatorCores() float64 {
	if s.Result.Measured == nil {
		return -1
	}
	return s.Result.Measured.Generator.Cores
}

func processors(s *Step, r *Room) string {
	if used := s.serverCores(); r.Processors > 0 && used >= full*r.Processors {
		return fmt.Sprintf("the server used %.2f of the %g processors that it may use", used, r.Processors)
	}
	return ""
}

func loops(s *Step, r *Room) string {
	if used := s.serverCores(); s.Loops > 0 && used >= full*float64(s.Loops) {
		return fmt.Sprintf("the server used %.2f processors with %s", used, loopsText(s.Loops))
	}
	return ""
}

func loopsText(n int) string {
	if n == 1 {
		return "1 event loop"
	}
	return fmt.Sprintf("%d event loops", n)
}

func generator(s *Step, r *Room) string {
	if used := s.generatorCores(); r.Generator > 0 && used >= full*r.Generator {
		return fmt.Sprintf("the load used %.2f of the %g processors that it may use", used, r.Generator)
	}
	return ""
}

func shared(s *Step, r *Room) string {
	server, load := s.serverCores(), s.generatorCores()
	if r.Shared > 0 && server >= 0 && load >= 0 && server+load >= full*r.Shared {
		return fmt.Sprintf("server and load used %.2f and %.2f of %g processors", server, load, r.Shared)
	}
	return ""
}

// busy says that processors had no time left, and which part of it was the
// process's that they are there for.
func busy(who string, busy *float64, cores []int, used float64) (seen string, own float64) {
	n := float64(len(cores))
	if busy == nil || n == 0 || used < 0 || *busy < noIdle*n {
		return "", 0
	}
	return fmt.Sprintf("of the %s's %g processors %.2f were busy, %.2f with the %s itself", who, n, *busy, used, who), used / *busy
}

func kernel(s *Step, r *Room) string {
	if seen, own := busy("server", s.Busy, r.Cores, s.serverCores()); own >= ownShare {
		return seen
	}
	return ""
}

func disturbed(s *Step, r *Room) string {
	if seen, own := busy("server", s.Busy, r.Cores, s.serverCores()); seen != "" && own < ownShare {
		return seen
	}
	if seen, own := busy("load", s.LoadBusy, r.LoadCores, s.generatorCores()); seen != "" && own < ownShare {
		return seen
	}
	return ""
}

func card(s *Step, r *Room) string {
	if m := s.Result.Measured; m != nil && r.Card > 0 && m.BitRate >= fullCard*r.Card {
		return fmt.Sprintf("%.0f of %.0f Mbit/s were received by %s", m.BitRate/1e6, r.Card/1e6, r.CardName)
	}
	return ""
}

func socketsMemory(s *Step, r *Room) string {
	if m := s.Memory; m != nil && r.Sockets > 0 && m.Sockets >= r.Sockets {
		return fmt.Sprintf("TCP had %d MB, and the kernel shrinks buffers above %d MB", m.Sockets>>20, r.Sockets>>20)
	}
	return ""
}

func memory(s *Step, r *Room) string {
	if v := s.Result.Server; v != nil && r.Memory > 0 && float64(v.RSSPeak) >= full*float64(r.Memory) {
		return fmt.Sprintf("the server has %d of the %d MB of its control group", v.RSSPeak>>20, r.Memory>>20)
	}
	if m := s.Memory; m != nil && float64(m.Available) <= leastMemory*float64(m.Total) {
		return fmt.Sprintf("%d of %d MB were free", m.Available>>20, m.Total>>20)
	}
	return ""
}

// whatGaveOut is the first reason that shows in a step that failed.
func whatGaveOut(s *Step, r *Room) Reason {
	for _, row := range reasons() {
		if row.seen(s, r) != "" {
			return row.reason
		}
	}
	return Unexplained // not reached: the last row always shows
}

// Verdict is the answer.
type Verdict struct {
	// Players is the most that were carried; 0 if none were.
	Players int `json:"players"`
	// Failed is the fewest that were not; 0 if all were.
	Failed int    `json:"failed_with,omitempty"`
	Reason Reason `json:"gave_out_first"`
	// Seen is what the reason was read from, and Sentence what to do about it.
	Seen     string `json:"seen"`
	Sentence string `json:"sentence"`
	// AtLeast says that the server can carry more, so that Players does not bound it.
	AtLeast bool `json:"at_least"`
}

// verdictOf says what gave out first: by the step that failed with the fewest
// players, the last of them if there were several.
func verdictOf(steps []*Step, good, bad int, o *Options) Verdict {
	v := Verdict{Players: good, Failed: bad}
	if bad == 0 {
		v.Reason, v.AtLeast = Most, true
		v.Seen = fmt.Sprintf("%d players were carried", good)
		v.Sentence = "No bound was found before the climb ended."
		if good == o.Most {
			v.Sentence = "This is as far as the climb goes; the server can carry more. its limits are --most and the descriptors of this process (ulimit -n)."
		}
		return v
	}
	for _, s := range steps {
		if s.Players != bad || s.Held() {
			continue
		}
		for _, row := range reasons() {
			if row.reason == s.Reason {
				v.Reason, v.Seen, v.Sentence, v.AtLeast = row.reason, row.seen(s, &o.Room), row.sentence, row.open
			}
		}
	}
	return v
}
