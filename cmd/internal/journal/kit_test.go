package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// field is one field of an entry.
type field struct{ name, value string }

// validName is what journald takes from a client.
var validName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// parse reads a datagram as journald does.
func parse(datagram []byte) (fields []field, err error) {
	for len(datagram) > 0 {
		line, rest, whole := bytes.Cut(datagram, newline)
		if !whole {
			return nil, fmt.Errorf("%q has no end", datagram)
		}
		name, value, plain := bytes.Cut(line, []byte{'='})
		if !plain {
			if len(rest) < 8 {
				return nil, fmt.Errorf("%q has no length", name)
			}
			n := binary.LittleEndian.Uint64(rest)
			rest = rest[8:]
			if n+1 > uint64(len(rest)) || rest[n] != '\n' {
				return nil, fmt.Errorf("%q has a wrong length", name)
			}
			value, rest = rest[:n], rest[n+1:]
		}
		if !validName.Match(name) {
			return nil, fmt.Errorf("%q is no name", name)
		}
		fields = append(fields, field{string(name), string(value)})
		datagram = rest
	}
	return fields, nil
}

// entries collects what a handler writes.
type entries struct {
	t   testing.TB
	all [][]field
}

func (e *entries) Write(line []byte) (int, error) {
	e.t.Helper()
	if bytes.IndexByte(line, '\n') != len(line)-1 {
		e.t.Fatalf("not one line: %q", line)
	}
	datagram, err := appendEntry(nil, line[:len(line)-1])
	if err != nil {
		e.t.Fatal(err)
	}
	fields, err := parse(datagram)
	if err != nil {
		e.t.Fatal(err)
	}
	e.all = append(e.all, fields)
	return len(line), nil
}

// newLog is a log and what came of it.
func newLog(t testing.TB) (*slog.Logger, *entries) {
	e := &entries{t: t}
	return slog.New(NewHandler(e, Options{Identifier: "stream-pump", Level: slog.LevelDebug})), e
}

// journald is the other end of a socket.
type journald struct {
	*net.UnixConn
	t    *testing.T
	path string
}

// openJournald makes a socket that takes entries.
func openJournald(t *testing.T, path string) journald {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return journald{conn, t, path}
}

// end closes the socket, and nothing is left of it.
func (j journald) end() {
	j.t.Helper()
	if err := errors.Join(j.Close(), os.Remove(j.path)); err != nil {
		j.t.Fatal(err)
	}
}

func socketPath(t *testing.T) string { return filepath.Join(t.TempDir(), "socket") }

// next is the MESSAGE of the next entry.
func (j journald) next() string {
	j.t.Helper()
	if err := j.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		j.t.Fatal(err)
	}
	b := make([]byte, 1<<18)
	n, err := j.Read(b)
	if err != nil {
		j.t.Fatal(err)
	}
	fields, err := parse(b[:n])
	if err != nil {
		j.t.Fatal(err)
	}
	for _, f := range fields {
		if f.name == "MESSAGE" {
			return f.value
		}
	}
	j.t.Fatalf("no message: %v", fields)
	return ""
}
