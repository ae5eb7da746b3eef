package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
)

// bubble is an engine inside a synctest bubble: one stream, its source's
// goroutine and the engine's clock, and no loops running.
type bubble struct {
	t     *testing.T
	env   *Env
	st    *Stream
	log   strings.Builder
	dials []dialled
	start time.Time
	begin func()        // starts the source, once answer is set
	ended time.Duration // how long the source took to end
	// answer is what dialling gives; nil refuses.
	answer func(n int) net.Conn
}

type dialled struct {
	at   time.Duration
	addr string
}

func (d dialled) String() string { return d.at.String() + " " + d.addr }

// inBubble runs f with a stream whose source runs, and ends everything after it.
func inBubble(t *testing.T, sc settings.Stream, change func(*settings.Config), f func(b *bubble)) (b *bubble) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := settings.Default()
		cfg.Timeouts.PullJitter = 0
		if change != nil {
			change(&cfg)
		}
		b = &bubble{t: t, start: time.Now()}
		b.env = &Env{
			Settings: &cfg, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
			Clock: clock.New(), Epochs: ring.NewEpochs(1), Dial: b.dial,
		}
		b.st = New(b.env, sc, nil, func(int64, bool) {})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		b.begin = func() {
			running.Go(func() { b.env.Clock.Run(ctx, b.st.Tend) })
			running.Go(func() { b.st.Run(ctx) })
		}
		f(b)
		cancelled := time.Now()
		cancel()
		running.Wait()
		b.ended = time.Since(cancelled)
		b.st.Close("the test is over")
		if n := b.env.Buffers.Out(); n != 0 {
			t.Errorf("%d packet buffers are still out", n)
		}
		time.Sleep(2 * time.Hour) // the bubble's time: the sources come to their ends
	})
	return b
}

func (b *bubble) dial(_ context.Context, _, address string) (net.Conn, error) {
	b.dials = append(b.dials, dialled{time.Since(b.start), address})
	if c := b.answer(len(b.dials)); c != nil {
		return c, nil
	}
	return nil, errors.New("connection refused")
}

// after lets time pass until everybody waits again.
func (b *bubble) after(d time.Duration) Snapshot {
	if b.begin != nil {
		b.begin()
		b.begin = nil
	}
	time.Sleep(d) // the bubble's time
	synctest.Wait()
	return b.st.Snapshot()
}

// lapse lets the bubble's time pass, for a source.
func lapse(d time.Duration) { time.Sleep(d) }

// serve is a source at one end of a pipe: it takes the hello and runs f.
func serve(f func(c net.Conn)) net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		buf := make([]byte, 100)
		if _, err := ours.Read(buf); err == nil {
			f(ours)
		}
		_ = ours.Close()
	}()
	return theirs
}

func wantState(t *testing.T, s Snapshot, state string) {
	t.Helper()
	if got := s.State; got != state {
		t.Errorf("the source is %s, want %s (%s)", got, state, s.Problem)
	}
}

var pulled = settings.Stream{Path: "live", Pull: &settings.Pull{Open: text.NewPull}}

func TestPullRetriesOnceQuicklyAndThenSlowly(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(int) net.Conn { return nil }
		s := b.after(35 * time.Second)
		want := "[0s source0:80 1s source0:80 11s source0:80 21s source0:80 31s source0:80]"
		if got := fmt.Sprint(b.dials); got != want {
			t.Errorf("dialled %v, want %v", got, want)
		}
		wantState(t, s, "down")
		if n := strings.Count(b.log.String(), "source failed"); n != 1 {
			t.Errorf("the same failure was logged %d times:\n%s", n, b.log.String())
		}
	})
}

func TestPullJitterSpreadsTheRetries(t *testing.T) {
	inBubble(t, pulled, func(c *settings.Config) { c.Timeouts.PullJitter = 10 * time.Second }, func(b *bubble) {
		b.answer = func(int) net.Conn { return nil }
		b.after(10 * time.Minute)
		seen := map[time.Duration]bool{}
		for i := 2; i < len(b.dials); i++ {
			d := b.dials[i].at - b.dials[i-1].at
			if d < 10*time.Second || d > 20*time.Second {
				t.Errorf("a retry after %v", d)
			}
			seen[d] = true
		}
		if len(seen) < 5 {
			t.Errorf("%d different pauses in %d retries", len(seen), len(b.dials))
		}
	})
}

// The source dies and comes back within the hold: a quick retry, the same
// programme, and the viewers' hold is over.
func TestPullIsRevived(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(n int) net.Conn {
			if n == 2 {
				return nil // still starting
			}
			return serve(func(c net.Conn) {
				_, _ = io.WriteString(c, "H A\nPk x\nP x\n")
				time.Sleep(5 * time.Second)
			})
		}
		wantState(t, b.after(4*time.Second), "up")
		wantState(t, b.after(3*time.Second), "held") // lost at 5, refused at 6
		s := b.after(10 * time.Second)               // back at 16
		wantState(t, s, "up")
		if s.Programmes != 1 || s.Splices != 1 {
			t.Errorf("%d programmes, %d splices", s.Programmes, s.Splices)
		}
		if got := fmt.Sprint(b.dials); got != "[0s source0:80 6s source0:80 16s source0:80]" {
			t.Errorf("dialled %v", got)
		}
	})
}

// Attempts that fail do not lengthen the hold.
func TestPullHoldEndsAlthoughRetriesGoOn(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(n int) net.Conn {
			if n > 1 {
				return nil
			}
			return serve(func(c net.Conn) { _, _ = io.WriteString(c, "H A\nPk x\n") })
		}
		wantState(t, b.after(44*time.Second), "held")
		wantState(t, b.after(3*time.Second), "down")
	})
}

func TestPullSilenceIsALoss(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(int) net.Conn {
			return serve(func(c net.Conn) {
				_, _ = io.WriteString(c, "H A\nPk x\n")
				time.Sleep(10 * time.Second)
				_, _ = io.WriteString(c, "P x\n")
				time.Sleep(time.Hour)
			})
		}
		wantState(t, b.after(24*time.Second), "up")
		s := b.after(1500 * time.Millisecond)
		wantState(t, s, "held")
		if want := "the source sent no packet for 15s (source0:80)"; s.Problem != want {
			t.Errorf("the problem is %q, want %q", s.Problem, want)
		}
		wantState(t, b.after(time.Second), "up")
	})
}

func TestPullEndsProperly(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(int) net.Conn {
			return serve(func(c net.Conn) { _, _ = io.WriteString(c, "H A\nPk x\nFINISH\n") })
		}
		s := b.after(500 * time.Millisecond)
		wantState(t, s, "down")
		if want := "the source ended its stream"; s.Problem != want {
			t.Errorf("the problem is %q, want %q", s.Problem, want)
		}
	})
}

func TestPullDialsAnewWhereItIsSent(t *testing.T) {
	route := func(_ context.Context, target string) (string, bool, error) {
		return "proxy:3128", target == "source1:80", nil
	}
	sc := settings.Stream{Path: "live", Pull: &settings.Pull{Open: text.NewPull, Route: route}}
	inBubble(t, sc, nil, func(b *bubble) {
		hellos := make(chan string, 2)
		b.answer = func(n int) net.Conn {
			ours, theirs := net.Pipe()
			go func() {
				buf := make([]byte, 100)
				k, _ := ours.Read(buf)
				hellos <- string(buf[:k])
				_, _ = io.WriteString(ours, []string{"REDIAL\n", "H A\nPk x\n"}[n-1])
				if n == 1 {
					_ = ours.Close()
				}
			}()
			return theirs
		}
		wantState(t, b.after(time.Second), "up")
		if got := fmt.Sprint(b.dials); got != "[0s proxy:3128 0s proxy:3128]" {
			t.Errorf("dialled %v", got)
		}
		if a, c := <-hellos, <-hellos; a != "HELLO 1 false\n" || c != "HELLO 2 true\n" {
			t.Errorf("said %q and %q", a, c)
		}
	})
}

func TestPullReportsWhatItGets(t *testing.T) {
	for _, c := range []struct{ name, says, want string }{
		{"Closed", "", "the source closed the connection before its stream began (source0:80)"},
		{"Broken", "rubbish\n", "a line that is no packet (source0:80)"},
		{"NoHeader", "P x\n", "a packet came before the stream's header (source0:80)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, pulled, nil, func(b *bubble) {
				b.answer = func(int) net.Conn {
					return serve(func(conn net.Conn) {
						if c.says != "" { // a pipe passes an empty write on
							_, _ = io.WriteString(conn, c.says)
						}
					})
				}
				if got := b.after(500 * time.Millisecond).Problem; got != c.want {
					t.Errorf("the problem is %q, want %q", got, c.want)
				}
			})
		})
	}
}

// A source that was up is not taken for up when it answers again: what it says
// before its header is judged like the first time.
func TestPullSecondAttemptHasNoHeaderYet(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(n int) net.Conn {
			return serve(func(conn net.Conn) {
				if n == 1 {
					_, _ = io.WriteString(conn, "H A\nPk x\n")
				}
			})
		}
		b.after(500 * time.Millisecond)
		want := "the source closed the connection before its stream began (source0:80)"
		if got := b.after(2 * time.Second).Problem; got != want {
			t.Errorf("the problem is %q, want %q", got, want)
		}
	})
}

// A source has one time from the dial to its header, however it spends it; then
// silence is what has no packet in it.
func TestPullThatDripsIsALoss(t *testing.T) {
	drip := func(c net.Conn, first, piece string) {
		_, _ = io.WriteString(c, first)
		for {
			time.Sleep(time.Second)
			if _, err := io.WriteString(c, piece); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name, first, piece string
		after              time.Duration
		want               string
	}{
		{"header_byte_by_byte", "H ", "A", 15 * time.Second, "the source's stream did not begin within 15s (source0:80)"},
		{"packets_that_cannot_be_read", "H A\nPk x\n", "MESS\n", 15 * time.Second, "the source sent no packet for 15s that can be carried (source0:80)"},
		{"packets_of_no_track", "H A\nPk x\n", "STRAY\n", 15 * time.Second, "the source sent no packet for 15s that can be carried (source0:80)"},
		{"headers_without_packets", "H A\nPk x\n", "H A\n", 15 * time.Second, "the source sent no packet for 15s (source0:80)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, pulled, nil, func(b *bubble) {
				b.answer = func(int) net.Conn {
					return serve(func(conn net.Conn) { drip(conn, c.first, c.piece) })
				}
				if s := b.after(c.after - 100*time.Millisecond); s.Problem == c.want {
					t.Errorf("given up too early: %q", s.Problem)
				}
				if got := b.after(200 * time.Millisecond).Problem; got != c.want {
					t.Errorf("the problem is %q, want %q", got, c.want)
				}
			})
		})
	}
}

// A source has a rate for its packets, with a second's at once. One that sends more is
// read no faster, which is no loss, and the log says so once.
func TestPullHasARate(t *testing.T) {
	const rate, piece = 1000, 100
	limited := func(cfg *settings.Config) { cfg.Limits.Packets = rate }
	for name, packet := range map[string]struct {
		text  string
		count int // as how many packets it counts
	}{
		"small": {"P x\n", 1},
		"large": {"P " + strings.Repeat("x", 3000) + "\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pulled, limited, func(b *bubble) {
				b.answer = func(int) net.Conn {
					return serve(func(conn net.Conn) {
						if _, err := io.WriteString(conn, "H A audio\n"); err != nil {
							return
						}
						for body := strings.Repeat(packet.text, piece/packet.count); ; {
							if _, err := io.WriteString(conn, body); err != nil {
								return
							}
						}
					})
				}
				for second := range 30 {
					s := b.after(time.Second)
					most := rate * (second + 2)
					if n := int(s.PacketsIn) * packet.count; n < most-3*piece || n > most+3*piece {
						t.Errorf("packets for %d were taken within %d s, about %d may be", n, second+1, most)
					}
					wantState(t, s, "up")
				}
				if log := b.log.String(); strings.Count(log, "source is slowed down") != 1 || !strings.Contains(log, TooFast) || !strings.Contains(log, "limit=1000") {
					t.Errorf("the log says\n%s", log)
				}
			})
		})
	}
}

// A source without a rate, and one within it, is not slowed down.
func TestPullWithinItsRate(t *testing.T) {
	const packets = 5000
	for _, rate := range []int{0, packets / 5} {
		change := func(cfg *settings.Config) { cfg.Limits.Packets = rate }
		inBubble(t, pulled, change, func(b *bubble) {
			b.answer = func(int) net.Conn {
				return serve(func(conn net.Conn) {
					_, _ = io.WriteString(conn, "H A audio\n")
					for i := range packets {
						if rate > 0 && i%100 == 0 {
							lapse(100 * time.Second / packets * 5)
						}
						_, _ = io.WriteString(conn, "P x\n")
					}
					lapse(time.Hour)
				})
			}
			s := b.after(10 * time.Second)
			if s.PacketsIn != packets || strings.Contains(b.log.String(), "slowed") {
				t.Errorf("rate %d: %d packets were taken; the log says\n%s", rate, s.PacketsIn, b.log.String())
			}
		})
	}
}

// Being sent on does not give a source more time.
func TestPullThatIsSentOnAndOn(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(int) net.Conn {
			return serve(func(conn net.Conn) {
				time.Sleep(4 * time.Second)
				_, _ = io.WriteString(conn, "REDIAL\n")
			})
		}
		if s := b.after(15500 * time.Millisecond); !strings.Contains(s.Problem, "did not begin within 15s") {
			t.Errorf("the problem is %q", s.Problem)
		}
	})
}

// Whoever is sent on is told where it ended, and who is configured.
func TestPullNamesWhoSentItOn(t *testing.T) {
	inBubble(t, pulled, nil, func(b *bubble) {
		b.answer = func(n int) net.Conn {
			if n == 1 {
				return serve(func(c net.Conn) { _, _ = io.WriteString(c, "REDIAL\n") })
			}
			return nil
		}
		want := "source1:80 by way of source0:80 cannot be reached: connection refused"
		if got := b.after(500 * time.Millisecond).Problem; got != want {
			t.Errorf("the problem is %q, want %q", got, want)
		}
	})
}
