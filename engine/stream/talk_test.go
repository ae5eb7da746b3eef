package stream

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/settings"
	"streampump/internal/pki"
)

// talking is a stream whose source is told "(TICK)" every four seconds.
var talking = settings.Stream{Path: "live", Pull: &settings.Pull{
	Open: func() codec.Dialled { return text.NewTalk(4 * time.Second) },
}}

// ears note what a source is told, and when.
type ears struct {
	begun time.Time
	mu    sync.Mutex
	heard []string
}

// listen reads c to its end.
func (e *ears) listen(c net.Conn) {
	buf := make([]byte, 100)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		e.mu.Lock()
		e.heard = append(e.heard, time.Since(e.begun).String()+" "+string(buf[:n]))
		e.mu.Unlock()
	}
}

func (e *ears) want(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.heard, want) {
		t.Errorf("the source was told\n  %s\nwant\n  %s", strings.Join(e.heard, "\n  "), strings.Join(want, "\n  "))
	}
}

// source is one that listens, beside what f does.
func (e *ears) source(f func(c net.Conn)) net.Conn {
	ours, theirs := net.Pipe()
	go e.listen(ours)
	go func() {
		f(ours)
		_ = ours.Close()
	}()
	return theirs
}

// send writes pieces, a second after each other, and stays.
func send(c net.Conn, pieces ...string) {
	for _, p := range pieces {
		lapse(time.Second)
		_, _ = io.WriteString(c, p)
	}
	lapse(time.Hour)
}

// What is due is said whether packets come or not, and does not give a source more time
// for its next one.
func TestPullTalks(t *testing.T) {
	e := &ears{}
	inBubble(t, talking, nil, func(b *bubble) {
		e.begun = b.start
		b.answer = func(int) net.Conn {
			return e.source(func(c net.Conn) {
				send(c, "REPLY one\nREPLY two\n", "H A\nPk x\n", "P x\nREPLY three\nP x\n", "P x\n", "P x\n", "REPLY four\n", "REPLY five\n")
			})
		}
		wantState(t, b.after(19900*time.Millisecond), "up")
		s := b.after(200 * time.Millisecond)
		wantState(t, s, "held")
		wantProblem(t, s, "the source sent no packet for 15s (source0:80)")
		if s.PacketsIn != 5 {
			t.Errorf("%d packets came", s.PacketsIn)
		}
	})
	e.want(t, "0s HELLO 1 false\n", "1s (RE one)(RE two)", "3s (RE three)", "4s (TICK)", "6s (RE four)", "7s (RE five)",
		"8s (TICK)", "12s (TICK)", "16s (TICK)", "20.02s (END idle)")
}

// A source that is not read for now, because it is ahead of its rate, is told what is due.
func TestPullTalksToASlowedSource(t *testing.T) {
	e := &ears{}
	const packets = 2000
	b := inBubble(t, talking, func(cfg *settings.Config) { cfg.Limits.Packets = 100 }, func(b *bubble) {
		e.begun = b.start
		b.answer = func(int) net.Conn {
			return e.source(func(c net.Conn) { send(c, "H A audio\n"+strings.Repeat("P x\n", packets), "P last\n") })
		}
		// It has sent them after a second; a second's packets are taken at once.
		if s := b.after(11 * time.Second); s.PacketsIn < packets/2 || s.PacketsIn > packets/2+150 {
			t.Errorf("%d packets came, want about %d", s.PacketsIn, packets/2)
		}
		if s := b.after(10 * time.Second); s.PacketsIn != packets+1 {
			t.Errorf("%d packets came, want %d: it is to be read again", s.PacketsIn, packets+1)
		}
	})
	e.want(t, "0s HELLO 1 false\n", "4s (TICK)", "8s (TICK)", "12s (TICK)", "16s (TICK)", "20s (TICK)", "21s (END shutdown)")
	if b.ended != 0 {
		t.Errorf("the end took %v", b.ended)
	}
}

// A source that asks is answered as often as it may ask, and a second's requests at once.
// Requests are no packets: a source that sends nothing else is given up in time.
func TestPullAnswersAtARate(t *testing.T) {
	e := &ears{}
	heard := func() (answers, pieces int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		all := ""
		for _, h := range e.heard {
			if _, text, _ := strings.Cut(h, " "); strings.Contains(text, "x)") {
				all, pieces = all+text, pieces+1
			}
		}
		return strings.Count(all, "(RE x"), pieces
	}
	inBubble(t, talking, nil, func(b *bubble) {
		e.begun = b.start
		b.answer = func(int) net.Conn {
			return e.source(func(c net.Conn) {
				_, _ = io.WriteString(c, "H A audio\nP x\n"+strings.Repeat("REPLY x\n", 2000)+"P x\n")
				lapse(time.Hour)
			})
		}
		b.after(10 * time.Millisecond)
		// In pieces of up to 100 bytes.
		if n, pieces := heard(); n < 49 || n > 52 || pieces > n/8 {
			t.Errorf("%d requests were answered at once, in %d pieces", n, pieces)
		}
		s := b.after(10 * time.Second)
		if n, _ := heard(); n < 540 || n > 560 || s.PacketsIn != 1 {
			t.Errorf("%d requests were answered, and %d packets came, in ten seconds", n, s.PacketsIn)
		}
		wantProblem(t, b.after(5*time.Second), "the source sent no packet for 15s (source0:80)")
	})
}

// Each end has its last word, which says why, if there is still somebody to hear it.
func TestPullSaysItsLastWord(t *testing.T) {
	for _, c := range []struct{ name, says, want string }{
		{"shutdown", "H A\nPk x\n", "2s (END shutdown)"},
		{"shutdown_before_the_header", "H", "2s (END shutdown)"},
		{"end", "H A\nPk x\nFINISH\n", "1s (END ended)"},
		{"redial", "REDIAL\n", "1s (END ended)"},
		{"rubbish", "rubbish\n", "1s (END refused)"},
		{"refused", "Pk x\n", "1s (END refused)"},
		{"breach", "H A\nBREACH\n", "1s (END refused)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &ears{}
			b := inBubble(t, talking, nil, func(b *bubble) {
				e.begun = b.start
				b.answer = func(n int) net.Conn {
					if n > 1 {
						return nil
					}
					return e.source(func(conn net.Conn) { send(conn, c.says) })
				}
				b.after(2 * time.Second)
			})
			e.want(t, "0s HELLO 1 false\n", c.want)
			if b.ended != 0 {
				t.Errorf("the end took %v", b.ended)
			}
		})
	}
}

func TestPullSaysNothingToWhoIsGone(t *testing.T) {
	e := &ears{}
	inBubble(t, talking, nil, func(b *bubble) {
		e.begun = b.start
		b.answer = func(n int) net.Conn {
			if n > 1 {
				return nil
			}
			return e.source(func(c net.Conn) { _, _ = io.WriteString(c, "H A\nPk x\n") })
		}
		wantProblem(t, b.after(500*time.Millisecond), "the source closed the connection (source0:80)")
	})
	e.want(t, "0s HELLO 1 false\n")
}

// A refused password is not shown again soon: not even once.
func TestPullThatIsDenied(t *testing.T) {
	inBubble(t, talking, nil, func(b *bubble) {
		b.answer = func(int) net.Conn {
			return serve(func(c net.Conn) { _, _ = io.WriteString(c, "DENIED\n") })
		}
		s := b.after(11 * time.Minute)
		wantProblem(t, s, "no: the source does not accept the user name and the password (source0:80)")
		if got := fmt.Sprint(b.dials); got != "[0s source0:80 5m0s source0:80 10m0s source0:80]" {
			t.Errorf("dialled %v", got)
		}
	})
}

// What a session has passed over is told to the operator.
func TestPullTellsWhatWasPassedOver(t *testing.T) {
	inBubble(t, talking, nil, func(b *bubble) {
		b.answer = func(int) net.Conn {
			return serve(func(c net.Conn) { send(c, "H A\nPk x\nNOTED P x\nP x\n") })
		}
		s := b.after(2 * time.Second)
		const want = `level=WARN msg="the source's packets are not as they should be" stream=live why="there was something in between"`
		if n := strings.Count(b.log.String(), want); n != 1 || s.PacketsIn != 3 {
			t.Errorf("%d packets came; told %d times:\n%s", s.PacketsIn, n, b.log.String())
		}
	})
}

// A session is asked again on each connection when it wants to speak.
func TestPullTalksOnEachConnection(t *testing.T) {
	e := &ears{}
	inBubble(t, talking, nil, func(b *bubble) {
		e.begun = b.start
		b.answer = func(n int) net.Conn {
			return e.source(func(c net.Conn) {
				if n == 1 {
					lapse(2 * time.Second)
				}
				send(c, []string{"REDIAL\n", "H A\nPk x\n"}[n-1])
			})
		}
		b.after(12 * time.Second)
	})
	e.want(t, "0s HELLO 1 false\n", "3s (END ended)", "3s HELLO 2 false\n", "7s (TICK)", "11s (TICK)", "12s (END shutdown)")
}

// A source that sends and does not listen is left after a while. Until then it holds up
// neither the stream nor a shutdown.
func TestPullOfADeafSource(t *testing.T) {
	const late = "the source took no request: no answer within the time allowed (source0:80)"
	for _, c := range []struct {
		name, says string
		lost       time.Duration // when it is given up
	}{
		{"tick", "H A\nPk x\n", 9 * time.Second},
		{"answer", "H A\nPk x\nREPLY one\nP x\n", 5 * time.Second},
		{"before_the_header", "REPLY one\n", 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := func(int) net.Conn {
				return serve(func(conn net.Conn) {
					_, _ = io.WriteString(conn, c.says)
					lapse(time.Hour)
				})
			}
			inBubble(t, talking, nil, func(b *bubble) {
				b.answer = source
				s := b.after(c.lost - 100*time.Millisecond)
				if s.Problem == late {
					t.Error("given up too early")
				}
				if packets := uint64(strings.Count(c.says, "P x") + strings.Count(c.says, "Pk x")); s.PacketsIn != packets {
					t.Errorf("%d packets came, want %d", s.PacketsIn, packets)
				}
				wantProblem(t, b.after(200*time.Millisecond), late)
			})
			b := inBubble(t, talking, nil, func(b *bubble) {
				b.answer = source
				b.after(c.lost - 4*time.Second)
			})
			if b.ended != partTime {
				t.Errorf("the end took %v, want %v", b.ended, partTime)
			}
		})
	}
}

// A proxy that is silent, and a source in the middle of its handshake, are left at once.
func TestPullIsInterruptedBeforeItsHello(t *testing.T) {
	for name, answer := range map[string]string{"proxy": "", "handshake": "OPEN\n"} {
		t.Run(name, func(t *testing.T) {
			sc := newSecured(0, "proxy:3128")
			b := inBubble(t, sc.Stream, nil, func(b *bubble) {
				sc.believe(t, pki.New(t, "Test Root"))
				b.answer = func(int) net.Conn {
					return proxied(answer, func(_ string, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
				}
				b.after(time.Second)
			})
			if b.ended != 0 || len(b.dials) != 1 {
				t.Errorf("the end took %v, after %v", b.ended, b.dials)
			}
		})
	}
}

// TLS, and a proxy on the way to it, carry what is said as well.
func TestPullTalksOverTLS(t *testing.T) {
	for name, proxy := range map[string]string{"straight": "", "proxied": "proxy:3128"} {
		t.Run(name, func(t *testing.T) {
			e := &ears{}
			sc := newSecured(0, proxy)
			sc.Pull.Open = func() codec.Dialled { return text.NewSecureTalk(4 * time.Second) }
			b := inBubble(t, sc.Stream, nil, func(b *bubble) {
				e.begun = b.start
				root := pki.New(t, "Test Root")
				sc.believe(t, root)
				source := func(_ string, c net.Conn) {
					go e.listen(c)
					send(c, "REPLY one\n", "H A\nPk x\n", "P x\n", "P x\n", "P x\n")
				}
				b.answer = func(int) net.Conn {
					if proxy == "" {
						return serveTLS(hands(root.Issue(nil, "source0")), source)
					}
					return proxied("OPEN\n", func(_ string, c net.Conn) { shake(c, hands(root.Issue(nil, "source0")), source) })
				}
				wantState(t, b.after(18*time.Second), "up")
			})
			e.want(t, "1s (RE one)", "4s (TICK)", "8s (TICK)", "12s (TICK)", "16s (TICK)", "18s (END shutdown)")
			if b.ended != 0 {
				t.Errorf("the end took %v", b.ended)
			}
		})
	}
}

// What is no HTTP goes through a proxy in a tunnel, without TLS as well.
func TestPullTalksThroughATunnel(t *testing.T) {
	e := &ears{}
	sc := newSecured(0, "proxy:3128")
	sc.Pull.Open = func() codec.Dialled { return text.NewTunnelledTalk(4 * time.Second) }
	asked := make(chan string, 1)
	b := inBubble(t, sc.Stream, nil, func(b *bubble) {
		e.begun = b.start
		b.answer = func(int) net.Conn {
			return proxied("OPEN\nREPLY one\n", func(what string, c net.Conn) {
				asked <- what
				go e.listen(c)
				send(c, "H A\nPk x\n")
			})
		}
		wantState(t, b.after(2*time.Second), "up")
	})
	if got := <-asked; got != "TUNNEL source0:80\n" {
		t.Errorf("the proxy was asked %q", got)
	}
	e.want(t, "0s HELLO 1 false\n", "0s (RE one)", "2s (END shutdown)")
	if b.ended != 0 {
		t.Errorf("the end took %v", b.ended)
	}
}
