package loop

import "testing"

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
