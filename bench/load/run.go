package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"streampump/bench/meter"
	"streampump/bench/pace"
)

const (
	// joinPatience is how long after the ramp the measurement waits for
	// players that have not joined: longer than a server holds them for a key
	// frame (15 s).
	joinPatience = 20 * time.Second
	// settle is the time from the last join to the measurement: joiners get
	// old packets first, whose delay is not the server's doing.
	settle = time.Second
	// step is how often a run looks at its progress.
	step = 50 * time.Millisecond
	// report is how often it reports progress, and looks at the server.
	report = time.Second
)

// run is one run under way; its fields belong to the goroutine of Run.
type run struct {
	o      *Options
	tally  *tally
	result *Result
	began  time.Time

	ready    time.Time // all had joined or failed
	measured time.Time // the measurement began
	atStart  moment    // where everything stood then
	counters map[string]float64
	before   meter.Usage // of the server before the first player
	latest   meter.Usage
	peak     meter.Usage
	peakRSS  int64 // in the measurement
	line     *timeline
	gone     bool // the server's process cannot be measured any more
	failed   chan error
}

// Run plays. It returns an error if the run could not begin: bad options, an
// address that does not resolve, no such process. Whatever happens afterwards
// is in the Result. When ctx ends, that is all that was measured so far.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	server, err := resolve(ctx, o.Addr)
	if err != nil {
		return nil, err
	}
	r := &run{o: &o, tally: newTally(), result: new(Result), began: time.Now(), failed: make(chan error, MaxThreads)}
	if o.PID != 0 {
		if r.before, err = r.usage(); err != nil {
			return nil, err
		}
		r.peak, r.latest = r.before, r.before
	}
	r.line = newTimeline(r.moment())
	playing, stop := context.WithCancel(context.Background())
	defer stop()
	var players sync.WaitGroup
	if err := r.start(playing, server, &players); err != nil {
		stop()
		players.Wait()
		return nil, err
	}
	r.course(ctx)
	r.finish()
	r.lastJoins(ctx)
	stop()
	players.Wait()
	r.tally.fill(r.result, r.o)
	return r.result, nil
}

func resolve(ctx context.Context, addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address: %w", addr, err)
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address: %w", addr, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			err = errors.New(dns.Err) // without whom it was asked of, and how
		}
		return netip.AddrPort{}, fmt.Errorf("%s has no address: %w", host, err)
	}
	best := ips[0]
	for _, ip := range ips { // IPv4 first: on loopback it has addresses to spread over
		if ip.Unmap().Is4() {
			best = ip
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), uint16(n)), nil
}

// start starts all players.
func (r *run) start(ctx context.Context, server netip.AddrPort, players *sync.WaitGroup) error {
	threads := min(r.o.Threads, max(r.o.Players-r.o.Verify, 1))
	dealt := make([][]seat, threads)
	others := 0
	for _, s := range r.o.seats() {
		if s.verified {
			w := &watcher{seat: s, o: r.o, server: server, tally: r.tally}
			players.Go(func() { w.run(ctx, r.began) })
			continue
		}
		dealt[others%threads] = append(dealt[others%threads], s)
		others++
	}
	for _, seats := range dealt {
		if len(seats) == 0 {
			continue
		}
		churn := r.o.Churn * float64(len(seats)) / float64(others)
		c, err := newCrowd(r.o, server, r.tally, seats, churn)
		if err != nil {
			return err
		}
		players.Go(func() {
			if err := c.run(ctx); err != nil {
				r.failed <- err
			}
		})
	}
	return nil
}

// course waits until the run is over, one way or another.
func (r *run) course(ctx context.Context) {
	tick := time.NewTicker(step)
	defer tick.Stop()
	told := r.began
	for {
		select {
		case <-ctx.Done():
			r.result.Interrupted = true
			return
		case err := <-r.failed:
			r.result.problem("the generator failed: %v", err)
			return
		case now := <-tick.C:
			if r.over(now) {
				return
			}
			if now.Sub(told) < report {
				continue
			}
			told = now
			if !r.lookAtServer() {
				return
			}
			if r.line.due(now) {
				r.endStep()
			}
			r.tell(now)
		}
	}
}

// over moves the run on and reports whether it is at its end.
func (r *run) over(now time.Time) bool {
	c := r.tally.snapshot()
	elapsed := now.Sub(r.began)
	all := c.Started >= r.o.Players
	if all && c.Held == 0 && c.waiting() == 0 {
		what := "has the stream any more"
		if c.Joined == 0 {
			what = "got the stream"
		}
		r.result.problem("no player %s, %.1f s after the start", what, elapsed.Seconds())
		return true
	}
	switch {
	case !r.measured.IsZero():
		return now.Sub(r.measured) >= r.o.Duration
	case !r.ready.IsZero():
		if now.Sub(r.ready) >= settle {
			return !r.measure()
		}
	case all && c.waiting() == 0, elapsed >= r.o.Ramp+joinPatience:
		r.ready = now
		return !r.joinedAll(c)
	}
	return false
}

// joinedAll takes what it cost the server that all players joined at once, when they
// have.
func (r *run) joinedAll(c Counts) bool {
	if r.o.PID == 0 || r.o.Ramp > 0 || c.Joined < r.o.Players {
		return true
	}
	if !r.lookAtServer() {
		return false
	}
	s := (r.latest.CPU - r.before.CPU).Seconds()
	r.result.JoinCPU = &s
	return true
}

// lastJoins waits for the players that came as replacements just before the
// measurement ended, so that they are not taken for players without a stream.
func (r *run) lastJoins(ctx context.Context) {
	if r.o.Churn == 0 || r.result.Interrupted || len(r.result.Problems) > 0 {
		return
	}
	for began := time.Now(); time.Since(began) < joinPatience; {
		// The first step also lets a replacement under way be counted.
		if !pace.Sleep(ctx, step) || r.tally.snapshot().waiting() == 0 {
			return
		}
	}
}

// measure begins the measurement.
func (r *run) measure() bool {
	r.counters = r.readCounters() // before the CPU time, which it costs some of
	if !r.lookAtServer() {
		return false
	}
	r.atStart = r.endStep() // so that the next one is all of the measurement
	r.measured, r.peakRSS = r.atStart.at, r.atStart.server.RSS
	r.tally.measuring.Store(true)
	if r.o.Began != nil {
		r.o.Began()
	}
	return true
}

// readCounters reads what the server counts; nil if that is not told.
func (r *run) readCounters() map[string]float64 {
	if r.o.Counters == nil {
		return nil
	}
	c, err := r.o.Counters()
	if err != nil {
		r.result.note("the server's counters were not read: " + err.Error())
		return nil
	}
	return c
}

// count takes by how much the server's counters rose.
func (r *run) count() {
	if r.counters == nil {
		return
	}
	now := r.readCounters()
	if now == nil {
		return
	}
	r.result.Counters = map[string]float64{}
	for name, before := range r.counters {
		if after, ok := now[name]; ok {
			r.result.Counters[name] = after - before
		}
	}
}

// usage is what the server's processes use.
func (r *run) usage() (all meter.Usage, err error) {
	for _, pid := range r.o.processes() {
		u, err := meter.OfProcess(pid)
		if err != nil {
			return all, err
		}
		all.CPU += u.CPU
		all.RSS += u.RSS
		all.Descriptors += u.Descriptors
	}
	return all, nil
}

// lookAtServer reports whether the server's process is still there.
func (r *run) lookAtServer() bool {
	if r.o.PID == 0 {
		return true
	}
	u, err := r.usage()
	if err != nil {
		r.gone = true
		r.result.problem("the server can no longer be measured, %.1f s after the start: %v", time.Since(r.began).Seconds(), err)
		return false
	}
	r.latest = u
	r.peak.RSS = max(r.peak.RSS, u.RSS)
	r.peak.Descriptors = max(r.peak.Descriptors, u.Descriptors)
	if !r.measured.IsZero() {
		r.peakRSS = max(r.peakRSS, u.RSS)
	}
	return true
}

func (r *run) tell(now time.Time) {
	if r.o.Progress == nil {
		return
	}
	p := Progress{Elapsed: now.Sub(r.began), Left: r.left(now), Counts: r.tally.snapshot(), Bytes: r.tally.bytes.Load()}
	if !r.measured.IsZero() {
		p.Measuring = max(now.Sub(r.measured), 0)
	}
	r.o.Progress(p)
}

// left is the time to the end, if those who wait join at once.
func (r *run) left(now time.Time) time.Duration {
	switch {
	case !r.measured.IsZero():
		return max(r.o.Duration-now.Sub(r.measured), 0)
	case !r.ready.IsZero():
		return max(settle-now.Sub(r.ready), 0) + r.o.Duration
	default:
		return max(r.o.Ramp-now.Sub(r.began), 0) + settle + r.o.Duration
	}
}

// finish takes what the measurement says. A server that has gone leaves no
// account of its last moments, so then there is none.
func (r *run) finish() {
	res := r.result
	r.tally.measuring.Store(false)
	looked := r.o.PID != 0 && !r.gone && r.lookAtServer()
	end := r.endStep()
	res.Timeline = r.line.samples
	if r.measured.IsZero() {
		res.note(fmt.Sprintf("nothing was measured: the run ended before the measurement began, %v after all players have joined or failed", settle))
		return
	}
	span := end.at.Sub(r.measured)
	bytes := end.bytes - r.atStart.bytes
	res.Measured = &Measured{
		Seconds: span.Seconds(), Bytes: bytes, BitRate: float64(bytes) * 8 / span.Seconds(),
		Generator: cpuOf(end.generator-r.atStart.generator, span, bytes),
	}
	if used, told := worked(r.atStart, end); told {
		machine := cpuOf(used, span, bytes)
		res.Measured.Machine = &machine
	}
	r.count()
	switch {
	case bytes > 0:
	case res.Interrupted: // perhaps before the next packet
		res.note("no player got a byte during the measurement")
	default:
		res.problem("no player got a byte during the measurement")
	}
	if !looked {
		return
	}
	res.Server = &Server{
		PID: r.o.PID, CPU: cpuOf(end.server.CPU-r.atStart.server.CPU, span, bytes),
		RSS: end.server.RSS, RSSAtStart: r.atStart.server.RSS, RSSPeak: r.peak.RSS, RSSPeakMeasured: r.peakRSS,
		RSSBefore: r.before.RSS, Descriptors: r.peak.Descriptors,
	}
}
