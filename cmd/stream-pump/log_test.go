package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"streampump/cmd/internal/journal"
	"streampump/config"
)

// Durations are told in seconds where programs read the log, and with their unit
// where people do.
func TestDurationsInTheLog(t *testing.T) {
	for format, want := range map[config.LogFormat]string{
		config.LogText: "in=1.5s\n", config.LogAuto: "in=1.5s\n", config.LogJSON: `"in":1.5}` + "\n",
	} {
		var out bytes.Buffer
		log, err := env{stderr: &out}.openLog(config.Log{Level: slog.LevelInfo, Format: format})
		if err != nil {
			t.Fatal(err)
		}
		log.Info("again", "in", 1500*time.Millisecond)
		log.Close(logTime)
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%q does not end with %q", out.String(), want)
		}
	}
}

// The log goes to the journal where systemd has connected standard error to it, or
// where that is wanted; and it is said if it cannot.
func TestLogToTheJournal(t *testing.T) {
	stderr, name := journalStream(t)
	dir := t.TempDir()
	socket, absent := filepath.Join(dir, "socket"), filepath.Join(dir, "absent")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		stream, socket string
		format         config.LogFormat
		journal        bool
		text, fails    string
	}{
		{name, socket, config.LogAuto, true, "", ""},
		{"", socket, config.LogJournal, true, "", ""},
		{"1:1", socket, config.LogAuto, false, "msg=hello", ""},
		{"", socket, config.LogAuto, false, "msg=hello", ""},
		{name, socket, config.LogText, false, "msg=hello", ""},
		{name, socket, config.LogJSON, false, `"msg":"hello"`, ""},
		{name, absent, config.LogAuto, false, "the log is text on standard error", ""},
		{name, absent, config.LogJournal, false, "", `absent: no such file or directory; set "format" in "log" to`},
	} {
		t.Run(fmt.Sprint(c.format, c.stream != "", c.socket == socket), func(t *testing.T) {
			t.Setenv(journal.StreamVariable, c.stream)
			if err := stderr.Truncate(0); err != nil {
				t.Fatal(err)
			}
			log, err := env{stderr: stderr, journal: c.socket}.openLog(config.Log{Level: slog.LevelInfo, Format: c.format})
			if err != nil {
				if c.fails == "" || !strings.Contains(err.Error(), c.fails) {
					t.Error(err)
				}
				return
			}
			log.Info("hello", "stream", "news")
			log.Close(time.Minute)
			text, _ := os.ReadFile(stderr.Name())
			if entry := received(t, conn); c.fails != "" || (len(text) > 0) == c.journal || !strings.Contains(string(text), c.text) ||
				c.journal != strings.Contains(entry, "SYSLOG_IDENTIFIER=stream-pump\nMESSAGE=hello stream=news\nPUMP_MSG=hello\nPUMP_STREAM=news\n") {
				t.Errorf("standard error has %q, the journal %q", text, entry)
			}
		})
	}
}

// A site that comes and goes, and clients of the admin listener, fill no log.
func TestFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := few(slog.New(slog.NewTextHandler(&out, nil)))
		for range 5 * fewBurst {
			log.Warn("down")
			log.Info("back")
		}
		time.Sleep(time.Second)
		log.Warn("down")
		log.Warn("down")
		if text := out.String(); strings.Count(text, "msg=down") != fewBurst+1 || strings.Count(text, "msg=back") != fewBurst ||
			!strings.Contains(text, fmt.Sprintf("not_logged=%d\n", 4*fewBurst)) {
			t.Error(text)
		}
	})
}

// journalStream is a file in the place of standard error, and its name in the form of
// the variable.
func journalStream(t *testing.T) (*os.File, string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "stderr"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return f, fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// received is what is in a socket, or nothing.
func received(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b, n := make([]byte, 4096), 0
	if err := raw.Control(func(fd uintptr) { n, _, _ = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT) }); err != nil {
		t.Fatal(err)
	}
	return string(b[:max(n, 0)])
}
