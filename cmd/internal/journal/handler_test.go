package journal

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A record is a sentence for people and a field for each thing that it says.
func TestFields(t *testing.T) {
	log, got := newLog(t)
	log.With("stream", "news").Info("viewer left",
		"peer", netip.MustParseAddrPort("192.0.2.7:1234"), "agent", "VLC 3.0", "seconds", 12, "bytes", uint64(7),
		"pause", 1500*time.Millisecond, "why", errors.New("it went"), "tls", true)
	want := []field{
		{"PRIORITY", "6"}, {"SYSLOG_IDENTIFIER", "stream-pump"},
		{"MESSAGE", `viewer left stream=news peer=192.0.2.7:1234 agent="VLC 3.0" seconds=12 bytes=7 pause=1.5s why="it went" tls=true`},
		{"PUMP_MSG", "viewer left"}, {"PUMP_STREAM", "news"}, {"PUMP_PEER", "192.0.2.7:1234"}, {"PUMP_AGENT", "VLC 3.0"},
		{"PUMP_SECONDS", "12"}, {"PUMP_BYTES", "7"}, {"PUMP_PAUSE", "1.5"}, {"PUMP_WHY", "it went"}, {"PUMP_TLS", "true"},
	}
	if !slices.Equal(got.all[0], want) {
		t.Errorf("%q\nwant\n%q", got.all[0], want)
	}
}

func TestPriorities(t *testing.T) {
	log, got := newLog(t)
	log.Debug("7")
	log.Info("6")
	log.Warn("4")
	log.Error("3")
	log.Log(t.Context(), slog.LevelInfo+1, "6")
	log.Log(t.Context(), slog.LevelError+4, "3")
	for _, fields := range got.all {
		if fields[0].name != "PRIORITY" || fields[0].value != fields[2].value {
			t.Errorf("%q", fields)
		}
	}
	slog.New(NewHandler(got, Options{Level: slog.LevelWarn})).Info("below the level")
	if len(got.all) != 6 {
		t.Errorf("%d entries", len(got.all))
	}
}

// Groups, attributes for all records and what slog wants of a handler besides.
func TestGroups(t *testing.T) {
	log, got := newLog(t)
	base := log.With("a", 1)
	base.WithGroup("g").With("b", 2).WithGroup("h").Info("x", "c", 3, slog.Group("i", "d", 4), slog.Group("none"), slog.Attr{}, slog.Group("", "e", 5))
	base.WithGroup("").Info("y", "é-1", "", "_PID", 1)
	for i, want := range []string{
		"x a=1 g.b=2 g.h.c=3 g.h.i.d=4 g.h.e=5|PUMP_A PUMP_G_B PUMP_G_H_C PUMP_G_H_I_D PUMP_G_H_E",
		`y a=1 é-1="" _PID=1|PUMP_A PUMP____1 PUMP__PID`,
	} {
		var names []string
		for _, f := range got.all[i][4:] {
			names = append(names, f.name)
		}
		if have := got.all[i][2].value + "|" + strings.Join(names, " "); have != want {
			t.Errorf("%s\nwant %s", have, want)
		}
	}
}

// What peers choose is a value, whatever is in it, and commands no terminal.
func TestNothingIsInjected(t *testing.T) {
	for _, evil := range []string{
		"x\nPRIORITY=0", "x\nPRIORITY\n\x01\x00\x00\x00\x00\x00\x00\x000\n", "=\n_UID=0\n", "\x00\x00", "\\n_UID=0", "\\", "a=b", "\xff\xfe", "\x1b]0;owned\a", "\r\n\r\n", "",
	} {
		log, got := newLog(t)
		log.Info("viewer left", "agent", evil)
		log.Info(evil)
		if f := got.all[0]; len(f) != 5 || f[4] != (field{"PUMP_AGENT", evil}) {
			t.Errorf("%q: %q", evil, f)
		}
		if text := got.all[0][2].value; !plain(text) || !utf8.ValidString(text) {
			t.Errorf("%q reads %q", evil, text)
		}
		if f := got.all[1]; len(f) != 4 || f[3].value != evil || strings.ContainsAny(f[2].value, "\x00\x1b\r\a") {
			t.Errorf("%q: %q", evil, f)
		}
	}
}

// An entry is bounded, whatever is logged.
func TestBounds(t *testing.T) {
	log, got := newLog(t)
	long := strings.Repeat("ü", 100_000)
	for i := range 40 {
		log = log.With(strings.Repeat("k", i+1), "\n"+long[:20_000])
	}
	log.Info(long, "agent", long, "last", 1)
	size := 0
	for _, f := range got.all[0] {
		size += len(f.name) + len(f.value) + 10
		if !utf8.ValidString(f.value) {
			t.Errorf("%s is cut within a character", f.name)
		}
	}
	if size > 40<<10 {
		t.Errorf("an entry of %d bytes", size)
	}
	if f := got.all[0]; len(f[2].value) > maxMessage || !strings.HasSuffix(f[2].value, ellipsis) || len(f[3].value) > maxValue || f[len(f)-1] != (field{"PUMP_LAST", "1"}) {
		t.Errorf("%d, %d, %q", len(f[2].value), len(f[3].value), f[len(f)-1])
	}
}

// Whatever is logged comes back, as the fields that were meant.
func FuzzEntry(f *testing.F) {
	f.Add("viewer left", "agent", "VLC")
	f.Add("a\nb", "a.b c=\n", "x\nPRIORITY=0\n")
	f.Add("\\", "", "\x00\xff\\n")
	f.Fuzz(func(t *testing.T, msg, key, value string) {
		log, got := newLog(t)
		log.Warn(msg, key, value, "last", "of all")
		fields := got.all[0]
		if len(fields) != 6 || fields[1].value != "stream-pump" || fields[5] != (field{"PUMP_LAST", "of all"}) {
			t.Fatalf("%q", fields)
		}
		if fields[3].value != cut(msg, maxValue) || fields[4].value != cut(value, maxValue) {
			t.Errorf("%q", fields)
		}
		if strings.ContainsAny(fields[2].value, "\x00\x1b") || !utf8.ValidString(fields[2].value) {
			t.Errorf("people read %q", fields[2].value)
		}
	})
}

// A line is an entry or none; entries come back as they were.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "A=1\n", "\\", "\\n", "\\x", "a\\\\n\n", "\\\\"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		line := appendLine(nil, b)
		if back, err := appendEntry(nil, line[:len(line)-1]); err != nil || string(back) != string(b) {
			t.Errorf("%q came back as %q, %v", b, back, err)
		}
		if entry, err := appendEntry(nil, b); err == nil && len(entry) > len(b) {
			t.Errorf("%q became %q", b, entry)
		}
	})
}
