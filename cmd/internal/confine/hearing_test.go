package confine

import (
	"strings"
	"testing"
)

// A process that hears datagrams may open sockets for them at addresses of its own, and no
// others but those with which it connects, if it does.
func TestHearing(t *testing.T) {
	for _, connects := range []bool{false, true} {
		o := stage(t)
		o.How, o.Try = "all", []string{"bind_udp", "bind_local", "raw_socket", "packet_socket"}
		if !connects {
			o.Try = append(o.Try, "bind_high", "bind_low", "connect")
		}
		o.Policy.Hears, o.Policy.Connects = true, connects
		got := run(t, o)
		for _, attempt := range o.Try {
			want := perm
			if attempt == "bind_udp" {
				want = ok
			}
			if !strings.HasSuffix(got.said[attempt], want) {
				t.Errorf("%s, connects %t: %s, want %s", attempt, connects, got.said[attempt], want)
			}
		}
	}
}
