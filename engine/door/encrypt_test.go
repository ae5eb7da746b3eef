package door

import (
	"crypto/tls"
	"testing"
)

// Listeners with the same configuration have one server, so that a session ticket of one
// is good at all.
func TestOneServerForAConfiguration(t *testing.T) {
	d := New(Config{Loops: 1})
	a, b := &tls.Config{}, &tls.Config{}
	if d.server(nil) != nil {
		t.Error("there is a server without a configuration")
	}
	if s := d.server(a); s == nil || d.server(a) != s || d.server(b) == s {
		t.Error("one configuration has two servers, or two have one")
	}
}
