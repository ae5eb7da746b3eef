package capacity

import (
	"math"
	"time"

	"streampump/tuning"
)

// What the model assumes. Each is a round number with a reason, to be corrected
// by what `pump-bench capacity` finds.
const (
	// PumpFactor is the pump's CPU for a write call against that of the floor,
	// which writes from a fixed buffer and does nothing else. The pump also
	// walks its viewers, gathers the vectors, keeps its books, and answers
	// requests: for that the target is 1.10. With it the estimate was 9 to 19 %
	// below what `pump-bench capacity` found for 1 Mbit/s on a quiet machine, and
	// for 4 Mbit/s above it by less than the noise there was. It is the one number
	// here to correct when the two differ.
	PumpFactor = 1.10

	// TLSFactor is what encrypting costs the pump against the cipher alone: records are
	// gathered, made and counted besides.
	TLSFactor = 1.15

	// FullLoop is how busy a loop may be. Of the rest the kernel takes most, for
	// what it does for the sockets on its own threads: with the pump at 0.86 of a
	// processor that was 0.96 busy, the bound was reached.
	FullLoop = 0.9

	// FullTurn is how long a full loop may take to come round to a viewer again. A
	// loop that has no time left does not break down: it comes less often, finds
	// more packets for each viewer and puts them in one call, whatever the rule
	// for holding packets says. What bounds it is the delay: its 99th percentile
	// was about twice the turn, and pump-bench capacity takes up to 250 ms.
	FullTurn = 125 * time.Millisecond

	// FullCard is how much of a card's speed may be streams: the rest is for
	// bursts at key frames, joins and whatever else the machine does.
	FullCard = 0.95

	// FullMemory is how much of the memory may be taken, so that a reading that
	// is a little old does no harm.
	FullMemory = 0.9

	// BaseMemory is the process without streams and viewers, in bytes: the
	// session table at its default size, buffers of the loops, Go itself.
	BaseMemory = 64 << 20

	// ViewerMemory is the process's memory for a viewer in bytes, as its end-to-end
	// test bounds it; 1.2 to 1.4 KB were measured.
	ViewerMemory = 1536

	// SocketMemory is the kernel's memory for a socket without data, in bytes:
	// its TCP, socket, file, directory and epoll structures take 3.7 KB in Linux 6.18.
	SocketMemory = 4 << 10

	// SegmentPayload and SegmentHead are what a full segment carries on Ethernet,
	// and what it takes on the wire beyond: TCP with time stamps, IP, Ethernet
	// with preamble and gap.
	SegmentPayload = 1448
	SegmentHead    = 90
)

// Stream is one stream of the plan.
type Stream struct {
	Name       string
	Bitrate    int     // bits per second of its packets, without framing
	PacketSize int     // bytes, without framing
	Bursts     float64 // a second in which its packets come, such as pictures; 0: one by one
	Share      float64 // of all viewers; those of all streams add up to 1
	Backlog    int64   // bytes that are kept of it
	Viewers    int     // the stream's limits.viewers; 0: none
	Bandwidth  int64   // the stream's limits.bandwidth, in bits per second; 0: none
}

// Framing is what is sent in front of each packet, in bytes.
const Framing = 12

// packets is how many packets a second the stream has.
func (s Stream) packets() float64 { return float64(s.Bitrate) / 8 / float64(s.PacketSize) }

// bursts is how often a second packets come.
func (s Stream) bursts() float64 {
	if s.Bursts > 0 {
		return min(s.Bursts, s.packets())
	}
	return s.packets()
}

// coalesced is how many of the stream's packets go into a call on average, if a
// viewer is served once every turn.
func (s Stream) coalesced(turn time.Duration) float64 { return max(1, turn.Seconds()*s.packets()) }

// callsFor is what calls of the stream are like then.
func (s Stream) callsFor(turn time.Duration) Calls {
	k := s.coalesced(turn)
	return Calls{s.Name, k, int(math.Round(k * float64(s.PacketSize+Framing))), turn}
}

// Price is what a write call costs, in seconds: Call, and for each byte PerByte.
type Price struct{ Call, PerByte float64 }

// Line is the price that two measurements give, each of the bytes in a call and its
// cost in seconds. If they cannot show what a byte costs (the same size, or noise
// above the difference), the larger cost counts for both.
func Line(bytes1 int, cost1 float64, bytes2 int, cost2 float64) Price {
	if bytes1 > bytes2 {
		bytes1, bytes2, cost1, cost2 = bytes2, bytes1, cost2, cost1
	}
	perByte := (cost2 - cost1) / float64(bytes2-bytes1)
	call := cost1 - perByte*float64(bytes1)
	if bytes1 == bytes2 || perByte < 0 || call < 0 {
		return Price{Call: max(cost1, cost2)}
	}
	return Price{call, perByte}
}

func (p Price) of(bytes int) float64 { return p.Call + p.PerByte*float64(bytes) }

// Plan is everything that an estimate is made from. A limit of 0 is not known.
type Plan struct {
	Streams []Stream
	Loops   int
	// Processors is how many processors' time the loops can have together.
	Processors float64
	// Turn is the engine's rule for holding packets: the time from one call for a
	// viewer to the next, given the viewers on all loops, the packets a second that
	// they are owed together, and the bursts a second in which the stream comes; 0
	// means that nothing is held.
	Turn func(viewers int, packetsPerSecond, bursts float64) time.Duration
	// Price is the floor's.
	Price Price
	// Cipher is what encrypting a byte costs, in seconds; 0: nothing is encrypted.
	Cipher float64

	Card        float64 // bits per second
	Memory      int64   // bytes that are free
	SocketPages int64   // of tcp_mem, where pressure begins
	Descriptors uint64  // that the process may have
	Reserved    int     // of those, kept back for everything but connections
	Tracked     int64   // connections that the firewall may track
	Connections int     // limits.connections
	Sessions    int     // limits.sessions
	Viewers     int     // limits.viewers
	Bandwidth   int64   // limits.bandwidth, in bits per second
	// Budget is the memory that the pump gives itself, up to which it takes viewers.
	Budget Budget
}

// memory is how many bytes all viewers may take together.
func (p *Plan) memory() float64 {
	backlogs := 0.0
	for _, s := range p.Streams {
		backlogs += float64(s.Backlog)
	}
	if total := p.Budget.Backlogs(); total > 0 {
		backlogs = min(backlogs, float64(total))
	}
	// As much again lies in buffers that are free for the moment.
	return max(0, FullMemory*float64(p.Memory)-BaseMemory-2*backlogs)
}

// viewerMemory is what a viewer of the plan takes in all, in bytes.
func (p *Plan) viewerMemory() float64 { return float64(p.Budget.Each()) }

// viewerMemory is what a plain viewer takes in all, in bytes.
func viewerMemory() float64 { return ViewerMemory + SocketMemory + socketData() }

// socketData is the data in an average viewer's socket, in bytes.
func socketData() float64 { return float64(tuning.SocketBytes(1_000_000)) / 1e6 }
