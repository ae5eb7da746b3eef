package confine

import (
	"strings"
	"testing"
)

// A process that hears datagrams may open sockets for them at addresses of its own, and no
// others.
func TestHearing(t *testing.T) {
	o := stage(t)
	o.How, o.Try = "all", []string{"bind_udp", "bind_high", "bind_low", "bind_local", "connect", "raw_socket", "packet_socket"}
	o.Policy.Hears = true
	got := run(t, o)
	for _, attempt := range o.Try {
		want := perm
		if attempt == "bind_udp" {
			want = ok
		}
		if !strings.HasSuffix(got.said[attempt], want) {
			t.Errorf("%s: %s, want %s", attempt, got.said[attempt], want)
		}
	}
}
