package loop

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"streampump/engine/notice"
)

// Who comes and goes in a tight loop is told in part; who stays has a line.
func TestBriefViewersAreToldInPart(t *testing.T) {
	b := newLab(t, labConfig())
	b.silent = true
	b.encoder("live", "H A")
	long := b.viewer("long", 0, "PLAY live")
	for range 5 * notice.Burst {
		b.viewer("brief", 0, "PLAY live").hangup()
	}
	b.advance(2 * time.Second)
	long.hangup()
	log := b.log.String()
	if n := strings.Count(log, "viewer left"); n != notice.Burst+1 {
		t.Errorf("%d lines for %d brief viewers and one that stayed", n, 5*notice.Burst)
	}
	if !strings.Contains(log, "seconds=2") {
		t.Error("the viewer that stayed has no line")
	}
	b.silent = false
	b.finish()
}

// What a stranger asks for is told, but not kilobytes of it.
func TestLongPathsAreToldInPart(t *testing.T) {
	b := newLab(t, labConfig())
	b.silent = true
	b.viewer("stranger", 0, "SETUP "+strings.Repeat("x", 8000)).hangup()
	b.silent = false
	for line := range strings.Lines(b.log.String()) {
		if len(line) > 600 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	if !strings.Contains(b.log.String(), "encoder is refused") {
		t.Errorf("the log says\n%s", b.log.String())
	}
	b.finish()
}

// Joins and requests are told to those who ask for everything.
func TestDebugTellsRequests(t *testing.T) {
	b := newLab(t, labConfig())
	b.encoder("live", "H A")
	b.viewer("v", 0, "PLAY live a=player/1")
	if s := b.log.String(); strings.Contains(s, "request") || strings.Contains(s, "joined") {
		t.Errorf("without debug the log says\n%s", s)
	}
	b.e.log = slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v := b.viewer("w", 0, "PLAY nowhere a=player/1")
	v.hangup()
	for _, want := range []string{
		`msg=request asks=Play path=nowhere answer=no_stream peer=10.0.0.1`, `msg="connection closed" reason=answered`,
	} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, b.log.String())
		}
	}
	b.finish()
}
