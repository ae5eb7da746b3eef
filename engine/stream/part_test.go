package stream

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/settings"
)

// flood is a source on a real connection that sends packets as fast as it can, and
// gives back all that it was told.
func flood(c net.Conn) (told string, err error) {
	var sending sync.WaitGroup
	sending.Go(func() {
		b := []byte("H A\n" + strings.Repeat("Pk x\n", 1000))
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	all, err := io.ReadAll(c)
	_ = c.Close()
	sending.Wait()
	return string(all), err
}

// The last word reaches a source that is sending all the time: the end of the
// connection behind it is no reset.
func TestPullPartsInPeace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told, failed := "", error(nil)
	heard := make(chan struct{})
	addr := listen(t, func(c net.Conn) {
		defer close(heard)
		told, failed = flood(c)
	})
	sc := talking
	sc.Pull = &settings.Pull{Open: func() codec.Dialled { return text.NewTalk(time.Hour) }}
	up := make(chan struct{})
	first := sync.OnceFunc(func() { close(up) })
	go func() {
		<-up
		cancel()
	}()
	_, err := onceUntil(ctx, sc, func() (net.Conn, error) {
		c, err := net.Dial("tcp", addr)
		return &counted{c.(*net.TCPConn), 3, first}, err
	})
	if err == nil {
		t.Error("the attempt ended without an error")
	}
	<-heard
	if want := "HELLO 1 false\n(END shutdown)"; told != want || failed != nil {
		t.Errorf("the source was told %q, and then %v; want %q and an end", told, failed, want)
	}
}

// counted calls f at one of its reads.
type counted struct {
	*net.TCPConn
	left int
	f    func()
}

func (c *counted) Read(b []byte) (int, error) {
	if c.left--; c.left == 0 {
		c.f()
	}
	return c.TCPConn.Read(b)
}

// parting is a connection that notes what is done with it. Its peer reads nothing and
// does not end.
type parting struct {
	net.Conn
	did []string
}

func (p *parting) SetDeadline(at time.Time) error {
	p.did = append(p.did, "deadline "+time.Until(at).String())
	return nil
}

func (p *parting) Write(b []byte) (int, error) {
	p.did = append(p.did, "write "+string(b))
	return len(b), nil
}

func (p *parting) CloseWrite() error {
	p.did = append(p.did, "close write")
	return nil
}

func (p *parting) Read([]byte) (int, error) {
	p.did = append(p.did, "read")
	return 0, os.ErrDeadlineExceeded
}

// Whoever still sends is heard out, within the time; whoever is silent is not waited for.
func TestPullParts(t *testing.T) {
	for _, c := range []struct {
		name  string
		sess  codec.Dialled
		cause codec.Cause
		want  string
	}{
		{"ended", text.NewTalk(time.Hour), codec.CauseEnded, "deadline 1s; write (END ended); close write; read"},
		{"silent", text.NewTalk(time.Hour), codec.CauseIdle, "deadline 1s; write (END idle)"},
		{"nothing_to_say", text.NewPull(), codec.CauseEnded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &parting{}
				(&attempt{sess: c.sess, conn: p}).part(p, c.cause)
				if got := strings.Join(p.did, "; "); got != c.want {
					t.Errorf("did %q, want %q", got, c.want)
				}
			})
		})
	}
}
