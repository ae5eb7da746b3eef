package rival

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"streampump/bench/child"
	"streampump/bench/feed"
	"streampump/bench/rtpsynth"
)

// takeRTSP is a server that takes a stream over RTSP, and describes it once its first packet
// is there. It ends when that stream does.
func takeRTSP() error {
	l, err := net.Listen("tcp", os.Getenv(roleAddr))
	if err != nil {
		return err
	}
	over, has := make(chan error, 1), new(atomic.Bool)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				over <- err
				return
			}
			go func() {
				if err := answerRTSP(c, has); !errors.Is(err, io.EOF) {
					over <- err
				}
			}()
		}
	}()
	return <-over
}

// answerRTSP says yes to everything. Its error is io.EOF for who goes, and another for an
// encoder that ends its stream.
func answerRTSP(c net.Conn, has *atomic.Bool) error {
	defer c.Close()
	b := bufio.NewReader(c)
	for {
		first, err := b.Peek(1)
		if err != nil {
			return io.EOF
		}
		if first[0] == '$' {
			head := make([]byte, 4)
			if _, err := io.ReadFull(b, head); err != nil {
				return io.EOF
			}
			if _, err := b.Discard(int(head[2])<<8 | int(head[3])); err != nil {
				return io.EOF
			}
			has.Store(has.Load() || head[1]%2 == 0)
			continue
		}
		r := textproto.NewReader(b)
		line, err1 := r.ReadLine()
		h, err2 := r.ReadMIMEHeader()
		if errors.Join(err1, err2) != nil {
			return io.EOF
		}
		length, _ := strconv.Atoi(h.Get("Content-Length"))
		if _, err := b.Discard(length); err != nil {
			return io.EOF
		}
		status := "200 OK"
		if strings.HasPrefix(line, "DESCRIBE") && !has.Load() {
			status = "404 Not Found"
		}
		fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\nSession: 1\r\nTransport: %s\r\n\r\n", status, h.Get("CSeq"), h.Get("Transport"))
		if strings.HasPrefix(line, "TEARDOWN") {
			return errors.New("the stream is over")
		}
	}
}

// TestServerThatIsPushedTo over RTSP: it has the stream when it has a packet of it, and its
// source ends as encoders end a stream.
func TestServerThatIsPushedTo(t *testing.T) {
	before := descriptors(t)
	spec, err := rtpsynth.Live(200_000, 25, 1400)
	if err != nil {
		t.Fatal(err)
	}
	k := &Kind{Name: "fake", Over: []string{feed.RTSP}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
		file, err := configured(s, "fake.conf", addr)
		return child.Spec{Env: []string{role + "=takes", roleAddr + "=" + addr}, Args: []string{file}}, err
	})}
	s := Setup{Path: os.Args[0], Dir: t.TempDir()}
	if _, err := k.Start(t.Context(), s); err == nil || err.Error() != "fake: it takes streams over RTSP alone" {
		t.Errorf("without such a stream: %v", err)
	}
	s.Feed = feed.OverRTSP(spec)
	v, err := k.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if v.Err() != nil || v.Path != "/live" {
		t.Errorf("%v, %q", v.Err(), v.Path)
	}
	v.stop() // the source
	<-v.process.Exited()
	<-v.fed
	if said := v.process.SaidLast(); said != "the stream is over" || v.fedErr != nil {
		t.Errorf("it said %q; the source: %v", said, v.fedErr)
	}
	if err := v.Stop(); err != nil {
		t.Error(err)
	}
	leftovers(t, before)
}

// TestRivalsThatArePushedTo start with a configuration in their own folder, which names where
// they listen, and with nothing of the machine's.
func TestRivalsThatArePushedTo(t *testing.T) {
	for _, c := range []struct {
		kind *Kind
		over string
	}{{mediamtx(), feed.RTSP}, {go2rtc(), feed.RTSP}, {lal(), feed.RTSP}, {mediamtx(), feed.RTMP}, {nginxRTMP(), feed.RTMP}, {srs(), feed.RTMP}} {
		k := c.kind
		stream, err := feed.Live(c.over, 200_000, 25, 1400)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		script := dir + "/program"
		text := "#!/bin/sh\nfor file; do :; done\ncat $file\nexit 1\n"
		if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err = k.Start(t.Context(), Setup{Path: script, Dir: dir, Feed: stream})
		if err == nil || !strings.Contains(err.Error(), "exit status 1; it said last:") {
			t.Errorf("%s: %v", k.Name, err)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 2 {
			t.Errorf("%s leaves %v, %v", k.Name, files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(dir + "/" + f.Name())
			if f.Name() != "program" && (err != nil || !strings.Contains(string(b), "127.0.0.1:")) {
				t.Errorf("%s: %v, %s", k.Name, err, b)
			}
		}
	}
}
