package door

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/reason"
)

// While no loop takes connections, those that a proxy has named wait, and take no more
// descriptors than there are.
func TestNamedConnectionsAreCountedWhileTheyWait(t *testing.T) {
	const descriptors, tries = 10, 30
	stuck := make(chan struct{})
	var waiting, lost atomic.Int32
	d := New(Config{
		Books: admission.New(admission.Limits{}), Log: slog.New(slog.DiscardHandler), Loops: 1,
		Spare: func(open int) bool { return open < descriptors },
		Hand: func(_ int, a Arrival) error {
			waiting.Add(1)
			<-stuck
			return a.TCP.Close()
		},
		Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, HeaderTime: 20 * time.Second,
		Handshakes: 1, HandshakeTime: time.Second,
		Lost: func(r reason.Reason, _ netip.AddrPort, _ error) {
			if r == reason.ProxyCrowded {
				lost.Add(1)
			}
		},
		Refusal: func(codec.Cause) []byte { return nil },
	})
	if err := d.Listen(Listener{Address: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	d.Open()
	defer d.Wait(20 * time.Second)
	defer d.Close()
	defer close(stuck)
	var all []net.Conn
	for range tries {
		c, err := net.Dial("tcp", d.Addresses()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n"); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	// Those beyond the descriptors are closed, and only they.
	for _, c := range all[descriptors+Ushers(1):] {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("it was not closed: %v", err)
		}
	}
	if w, l := int(waiting.Load()), int(lost.Load()); w == 0 || w > Ushers(1) || l < tries-descriptors-Ushers(1) {
		t.Errorf("%d are with a loop, %d of %d were turned away", w, l, tries)
	}
}
