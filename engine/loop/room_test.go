package loop

import (
	"strings"
	"testing"

	"streampump/engine/settings"
)

// An encrypted viewer is reckoned to take more memory, and gives all of it back.
func TestEncryptedViewersTakeMoreMemory(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.Memory, cfg.Limits.EachMemory, cfg.Limits.TLSMemory = 2500, 1000, 500
	b := newLab(t, cfg)
	enc := b.encoder("live", "H A")
	enc.send("Pk x\n")
	b.tls = true
	v := b.viewer("v", 0, "PLAY live")
	if w := b.viewer("w", 0, "PLAY live"); !w.fin {
		t.Error("a second encrypted viewer of 1500 bytes found room in 2500")
	}
	b.tls = false
	if p := b.viewer("p", 0, "PLAY live"); p.fin {
		t.Error("a plain viewer of 1000 bytes found no room in 1000")
	}
	if n := b.books.Use().Memory; n != 2500 {
		t.Errorf("%d bytes are reserved", n)
	}
	v.hangup()
	if n := b.books.Use().Memory; n != 1000 {
		t.Errorf("%d bytes are reserved when the encrypted one has left", n)
	}
	b.finish()
}

// Who comes back to a session takes the place that it has, and no better one: a player
// cannot come back as a pump, nor a plain viewer over TLS, where there is no room for
// such.
func TestReturningTakesTheSamePlace(t *testing.T) {
	for _, c := range []struct {
		name, again string
		tls         bool
		why         string
	}{
		{"player as player", "PLAY live", false, ""},
		{"player as pump", "PLAY live pump", false, "pumps"},
		{"over TLS", "PLAY live", true, "viewers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plainOnly(t, "it is about who becomes encrypted")
			cfg := labConfig()
			cfg.Limits.Viewers = settings.Room{Viewers: 1, Pumps: 1}
			cfg.Limits.Memory, cfg.Limits.EachMemory, cfg.Limits.TLSMemory = 2000, 1000, 500
			b := newLab(t, cfg)
			enc := b.encoder("live", "H A")
			enc.send("Pk x\n")
			if p := b.viewer("p", 0, "PLAY live pump"); p.c.show == nil {
				t.Fatalf("the pump got %s", p.got)
			}
			v := b.viewer("v", 0, "PLAY live")
			key := strings.Fields(string(v.got))[2]
			b.tls = c.tls
			w := b.viewer("w", 0, c.again+" "+key)
			if refused := w.c.show == nil; refused != (c.why != "") || !strings.Contains(string(w.got), c.why) {
				t.Errorf("refused: %v, it got %s", refused, w.got)
			}
			if stays := v.c.show != nil; stays != (c.why != "") {
				t.Errorf("the first still views: %v", stays)
			}
			b.finish()
		})
	}
}
