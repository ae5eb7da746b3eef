package main

import (
	"slices"
	"testing"

	"streampump/config"
	"streampump/engine/trust"
	"streampump/internal/keypair"
)

// What the pump may still do follows from its configuration.
func TestNeeds(t *testing.T) {
	c := config.Default()
	c.TLS.Certificates = []keypair.Files{{Cert: "one.pem", Key: "one.key"}, {Cert: "both.pem", Key: "both.pem"}}
	c.Streams = []config.Stream{
		{Enabled: true, Type: config.TypeFile, File: "clip.wmv"},
		{Enabled: true, Type: config.TypeMMSHPush},
		{Enabled: false, Type: config.TypeMMSHPull, Pull: config.Pull{TLS: &trust.Options{CA: "other.pem"}}},
	}
	c.Secrets = []string{"users.txt"}
	if n := needsOf(c); !slices.Equal(n.Read, []string{"one.pem", "one.key", "both.pem", "clip.wmv"}) || len(n.Write) > 0 {
		t.Errorf("%+v", n)
	}
	if connects(c) {
		t.Error("it connects without a pull")
	}
	if got := reloaded(c, "pump.json"); !slices.Equal(got, []string{"pump.json", "users.txt"}) {
		t.Errorf("%q", got)
	}

	pull := config.Default()
	pull.Streams = []config.Stream{{Enabled: true, Type: config.TypeMMSHPull, Pull: config.Pull{TLS: &trust.Options{CA: "ca.pem", Cert: "c.pem", Key: "c.key"}}}}
	if n := needsOf(pull); !slices.Equal(n.Read, []string{"ca.pem", "c.pem", "c.key"}) || !connects(pull) {
		t.Errorf("%+v, connects %v", n, connects(pull))
	}

	auto := config.Default()
	auto.TLS.Automatic = config.Automatic{Domains: []string{"pump.example"}, Directory: "https://ca.example/dir", Folder: "acme", CAFile: "ca.pem"}
	if n := needsOf(auto); !slices.Equal(n.Write, []string{"acme/ca.example"}) || !connects(auto) || !slices.Equal(reloaded(auto, ""), []string{"ca.pem"}) {
		t.Errorf("%+v, connects %v", n, connects(auto))
	}

	const callback = `{"view": {"callback": {"url": "https://example.org/"}}}`
	if asks, problems := config.Parse("c.json", []byte(callback), "."); asks == nil || !connects(asks) {
		t.Errorf("a callback needs no connection; %v", problems)
	}
	const own = `{"streams": [{"type": "mmsh_push", "path": "a", "view": {"callback": {"url": "https://example.org/"}}}]}`
	if asks, problems := config.Parse("c.json", []byte(own), "."); asks == nil || !connects(asks) {
		t.Errorf("a stream's callback needs no connection; %v", problems)
	}
}
