package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"streampump/bench/feed"
	"streampump/bench/meter"
	"streampump/bench/player"
	"streampump/bench/segment"
)

const (
	// MaxThreads bounds the crowds: more threads cost more than they carry.
	MaxThreads = 64

	// reserve is how many descriptors are left for everything but players.
	reserve = 64
)

// Stall says what share of the players stop reading, and for how long. They stop when
// the measurement begins, and read on afterwards.
type Stall struct {
	Percent float64
	For     time.Duration
}

// ParseStall reads a stall such as "5%:20s".
func ParseStall(s string) (Stall, error) {
	share, length, ok := strings.Cut(s, "%:")
	percent, err1 := strconv.ParseFloat(share, 64)
	d, err2 := time.ParseDuration(length)
	if !ok || err1 != nil || err2 != nil || !(percent > 0 && percent <= 100) || d <= 0 {
		return Stall{}, errors.New(`a stall is a share of the players and a time, as in "5%:20s"`)
	}
	return Stall{percent, d}, nil
}

// String is the stall as it is parsed; empty for none.
func (s Stall) String() string {
	if s.For == 0 {
		return ""
	}
	return strconv.FormatFloat(s.Percent, 'g', -1, 64) + "%:" + s.For.String()
}

// Options say what a run does.
type Options struct {
	Addr string // host:port of the server
	Path string // of the stream, such as /streams/x
	// Plain: ordinary HTTP instead of MMSH. Players that are not verified take
	// any body then, so that servers of other formats meet the same load.
	Plain bool
	// Marks: verified players look for the encoder's time stamps, whatever lies around
	// them, and check nothing: for a server that reassembles the stream.
	Marks bool
	// AnyStart: verified players may begin in the middle of a picture, as they
	// do where a server does not know what it carries.
	AnyStart bool
	// Feed is the stream where it comes over a protocol of its own, such as RTSP; nil: it does
	// not. Its run does not matter. Players have joined when they have the beginning of a key
	// frame. With AnyStart they may also be sent on behind a gap in the middle of a picture,
	// which is counted.
	Feed feed.Stream
	// Describe: players ask for the header first, on a connection of its own,
	// as VLC does. Only MMSH has that.
	Describe bool
	Players  int
	Verify   int           // how many of them are verified
	Ramp     time.Duration // over which they connect, evenly; 0 at once
	Duration time.Duration // of the measurement
	Stall    Stall         // none if zero
	Throttle Throttle      // none if zero
	Segment  int           // most bytes of a TCP segment to a player; 0: the interface's own
	// TLS is how the players speak TLS, the server's name included; nil is plain TCP.
	// Verified players decrypt all that comes. The others do up to their first packet;
	// what comes then is taken as it is, so that what they get is counted with what TLS
	// adds: 22 bytes by record.
	TLS     *tls.Config
	Churn   float64 // players not verified that are replaced per second
	Threads int     // that drain players
	PID     int     // the server's process, to be measured; 0: none
	// Others are processes that serve with it, such as a proxy's workers and the server
	// behind it: what they use is added.
	Others []int
	// Counters reads what the server counts, by any names, at the beginning
	// and the end of the measurement; nil where it has none to read. It is
	// called from the goroutine of Run.
	Counters func() (map[string]float64, error)
	// Began is called when the measurement begins, from the goroutine of Run, which
	// it must not hold up; nil is not.
	Began func()
	// Progress is called once a second, from the goroutine of Run; nil is not.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Elapsed   time.Duration // since Run began
	Measuring time.Duration // since the measurement began; 0 before
	Left      time.Duration // to the end, if all join in time
	Counts    Counts
	Bytes     int64 // so far
}

// Expected is how long a run takes if all join in time.
func (o *Options) Expected() time.Duration { return o.Ramp + settle + o.Duration }

// MostPlayers is how many players this process has descriptors for.
func MostPlayers() (int, error) {
	limit, err := meter.Descriptors()
	if err != nil {
		return 0, err
	}
	return int(min(limit, maxDescriptors)) - reserve, nil
}

// maxDescriptors stands for no limit: more than one address of a server can be
// connected to from all of ours.
const maxDescriptors = 1 << 30

// Check refuses options that cannot make a run, and says what is wrong.
func (o *Options) Check() error {
	limit, err := meter.Descriptors()
	if err != nil {
		return err
	}
	switch {
	case o.Players < 1:
		return errors.New("there must be at least one player")
	case o.Verify < 0 || o.Verify > o.Players:
		return fmt.Errorf("%[2]d of %[1]d players cannot be verified", o.Players, o.Verify)
	case o.Ramp < 0 || o.Duration <= 0:
		return errors.New("the ramp cannot be less than 0, and the duration must be more")
	case o.Threads < 1 || o.Threads > MaxThreads:
		return fmt.Errorf("there can be 1 to %d threads, not %d", MaxThreads, o.Threads)
	case o.Stall.For >= o.Duration:
		return fmt.Errorf("a stall of %v does not end within a measurement of %v", o.Stall.For, o.Duration)
	case o.Throttle.Percent+o.Stall.Percent > 100:
		return errors.New("no player can both stall and be throttled: the two shares add up to more than 100%")
	case len(o.Others) > 0 && o.PID == 0:
		return errors.New("processes that serve with the server's need that to be known")
	case o.Feed != nil && (o.Plain || o.Marks || o.Describe || o.TLS != nil || o.Throttle.Percent > 0):
		return fmt.Errorf("players over %s speak no HTTP and no TLS, cannot be throttled, and ask for the description in any case", strings.ToUpper(o.Feed.Protocol()))
	case o.Describe && o.Plain:
		return errors.New("only MMSH has Describe")
	case !(o.Churn >= 0) || o.Churn > 0 && o.Verify == o.Players:
		return errors.New("only players that are not verified can be replaced")
	case uint64(o.Players+reserve) > limit:
		return fmt.Errorf("%d players need %d descriptors, but this process may have %d (ulimit -n)",
			o.Players, o.Players+reserve, limit)
	}
	return segment.Check(o.Segment)
}

// processes are all that serve.
func (o *Options) processes() []int { return append([]int{o.PID}, o.Others...) }

// place is where players of a Feed play.
func (o *Options) place() feed.Place { return feed.Place{Addr: o.Addr, Path: o.Path} }

// client is whose words the players use.
func (o *Options) client() player.Client {
	switch {
	case o.Plain:
		return player.Curl()
	case o.Describe:
		return player.VLC()
	}
	return player.PlayOnly()
}

// due is when a player connects: evenly over the ramp.
func (o *Options) due(player int) time.Duration {
	return time.Duration(float64(o.Ramp) * float64(player) / float64(o.Players))
}

// share reports whether player i of a row belongs to a share of it. The chosen
// ones are spread evenly, and of n players floor(n × share) are chosen.
func share(i int, of float64) bool {
	return int(float64(i+1)*of) > int(float64(i)*of)
}

// slow is how many players stall, which they do while it is measured, and how many are
// throttled.
func (o *Options) slow(measured bool) (stalled, throttled int) {
	for _, s := range o.seats() {
		if s.stalls && measured {
			stalled++
		}
		if s.throttle {
			throttled++
		}
	}
	return stalled, throttled
}

// seat is one player's place in the plan.
type seat struct {
	player   int // its number among all
	verified bool
	stalls   bool
	throttle bool
}

// seats deals the players out. Stalls and throttles are dealt among the verified
// and among the others apart, so that both have their share.
func (o *Options) seats() []seat {
	seats := make([]seat, o.Players)
	var dealt, left [2]int
	for i := range seats {
		s := seat{player: i, verified: (i+1)*o.Verify/o.Players > i*o.Verify/o.Players}
		kind := 0
		if s.verified {
			kind = 1
		}
		s.stalls = share(dealt[kind], o.Stall.Percent/100)
		dealt[kind]++
		if !s.stalls && o.Throttle.Percent > 0 {
			// Among those that are left, of whom the share is larger.
			s.throttle = share(left[kind], o.Throttle.Percent/(100-o.Stall.Percent))
			left[kind]++
		}
		seats[i] = s
	}
	return seats
}
