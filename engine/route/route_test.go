package route

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

func TestRoute(t *testing.T) {
	names := map[string][]netip.Addr{
		"inside.example":  {netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fd00::3")},
		"outside.example": {netip.MustParseAddr("192.0.2.1")},
		"both.example":    {netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1")},
	}
	resolve := func(_ context.Context, host string) ([]netip.Addr, error) {
		if a := names[host]; a != nil {
			return a, nil
		}
		return nil, errors.New("no such host")
	}
	for _, c := range []struct {
		target  string
		local   bool
		proxied bool
	}{
		{"127.0.0.1:80", false, false},
		{"[::1]:80", false, false},
		{"localhost:80", false, false},
		{"LOCALHOST.:80", false, false},
		{"10.0.0.1:80", false, false},
		{"172.16.9.9:80", false, false},
		{"172.32.9.9:80", false, true},
		{"192.168.3.4:80", false, false},
		{"169.254.1.1:80", false, false},
		{"[fe80::1]:80", false, false},
		{"[fd12:3456::1]:80", false, false},
		{"[::ffff:10.0.0.1]:80", false, false},
		{"[2001:db8::1]:80", false, true},
		{"192.0.2.1:80", false, true},
		{"inside.example:80", false, false},
		{"outside.example:80", false, true},
		{"both.example:80", false, true},
		{"unknown.example:80", false, true},
		{"127.0.0.1:80", true, true},
		{"inside.example:80", true, true},
	} {
		p := Proxy{Address: "proxy:8080", Local: c.local, Resolve: resolve}
		dial, proxied, err := p.Route(t.Context(), c.target)
		want := c.target
		if c.proxied {
			want = "proxy:8080"
		}
		if err != nil || proxied != c.proxied || dial != want {
			t.Errorf("%s (local %v): dial %s, proxied %v, %v; want %s, %v", c.target, c.local, dial, proxied, err, want, c.proxied)
		}
	}
}

func TestNoProxyGoesStraight(t *testing.T) {
	dial, proxied, err := Proxy{}.Route(t.Context(), "192.0.2.1:80")
	if dial != "192.0.2.1:80" || proxied || err != nil {
		t.Fatalf("%s %v %v", dial, proxied, err)
	}
}

func TestBrokenTargetIsAnError(t *testing.T) {
	if _, _, err := (Proxy{Address: "proxy:8080"}).Route(t.Context(), "no-port"); err == nil {
		t.Fatal("a target without a port was taken")
	}
}
