package feed

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"streampump/bench/amf0"
	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

func TestLive(t *testing.T) {
	for protocol, size := range map[string]float64{RTSP: 1_000_000 + 4*8*138, RTMP: 1_000_000} {
		s, err := Live(protocol, 1_000_000, 50, 1400)
		if err != nil || s.Protocol() != protocol {
			t.Fatalf("%s: %v", protocol, err)
		}
		if bytes, packets := s.Mean(); bytes*8 < 0.98*size || bytes*8 > 1.02*size || packets < 50 || packets > 200 {
			t.Errorf("%s: %.0f bit/s in %.0f packets a second", protocol, bytes*8, packets)
		}
		if _, err := Live(protocol, 1000, 50, 1400); err == nil {
			t.Errorf("%s: there is a stream of 1 kbit/s", protocol)
		}
	}
	if _, err := Live(MMSH, 1_000_000, 50, 1400); err == nil {
		t.Error("there is such a stream over MMSH")
	}
}

// TestFault: what a stream does wrong is told from what a connection and a server do.
func TestFault(t *testing.T) {
	refused := &rtmpclient.StatusError{Call: "play"}
	for _, err := range []error{nil, io.ErrUnexpectedEOF, fmt.Errorf("after all: %w", &net.OpError{Err: io.EOF}), refused} {
		if got := fault("RTMP", err, new(*rtmpclient.StatusError)); !errors.Is(got, err) {
			t.Errorf("%v is %v", err, got)
		} else if broken := new(Fault); errors.As(got, &broken) {
			t.Errorf("%v is a fault", err)
		}
	}
	wrong := errors.New("a wrong byte")
	var broken *Fault
	if err := fault("RTMP", wrong, new(*rtmpclient.StatusError)); !errors.As(err, &broken) || !errors.Is(err, wrong) || err.Error() != "RTMP: a wrong byte" {
		t.Error(err)
	}
}

// TestRTSPJoiner: a player has joined with the packet that begins a key frame,
// wherever what comes is cut.
func TestRTSPJoiner(t *testing.T) {
	spec, err := rtpsynth.Live(1_000_000, 5, 1400)
	if err != nil {
		t.Fatal(err)
	}
	src := rtpsynth.New(spec)
	src.Skip(rtpsynth.Video, 3)
	head := "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 12345678\r\nTransport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\nContent-Length: %d\r\n\r\n"
	sdp := spec.Describe("trackID=0", "trackID=1")
	all := []string{fmt.Sprintf(head, 0, 1, len(sdp)) + sdp, fmt.Sprintf(head, 4, 5, 0), fmt.Sprintf(head, 6, 7, 0), fmt.Sprintf(head, 0, 1, 0)}
	stream, joins := "", 0
	for n := src.PicturesTo() + 4; n > 0; n-- {
		p := src.Next()
		if joins == 0 && beginsKey(p.Bytes) && p.Index == 0 {
			joins = len(stream) + 4 + len(p.Bytes)
		}
		stream += string(rtspclient.AppendFrame(nil, byte(4+2*p.Index), p.Bytes))
	}
	all[3] += stream
	for _, size := range []int{1, 3, 100, 1500, 1 << 20} {
		j := OverRTSP(spec).Join(Place{"h:554", "/live"})
		said, fed, done := "", 0, false
		for _, part := range all {
			said += strings.Split(string(j.Next()), " ")[0] + " "
			for rest := part; rest != "" && !done; rest = rest[min(size, len(rest)):] {
				var err error
				if done, err = j.Feed([]byte(rest[:min(size, len(rest))])); err != nil {
					t.Fatal(err)
				}
				fed += min(size, len(rest))
			}
		}
		want := len(strings.Join(all, "")) - len(stream) + joins
		if said != "DESCRIBE SETUP SETUP PLAY " || !done || fed < want || size < 1<<20 && fed >= want+size {
			t.Errorf("in pieces of %d: said %s, joined: %v after %d bytes, want %d", size, said, done, fed, want)
		}
	}
}

// TestRTMPJoiner: a player has joined with the message of a key frame, wherever what comes is
// cut.
func TestRTMPJoiner(t *testing.T) {
	spec, err := flvsynth.Live(1_000_000, 5)
	if err != nil {
		t.Fatal(err)
	}
	src := flvsynth.New(spec)
	src.Skip(flvsynth.Video, 3)
	of := rtmpclient.Publisher{Source: src, Stream: 1}
	var before, key []byte
	for _, tag := range src.Preamble() {
		before = rtmpclient.AppendMessage(before, of.Message(tag), 4096)
	}
	for n := src.ToKey(); n >= 0; n-- {
		tag := src.Next()
		if b := rtmpclient.AppendMessage(nil, of.Message(tag), 4096); n > 0 {
			before = append(before, b...)
		} else {
			key = b
		}
	}
	for _, size := range []int{1, 3, 100, 1500, 1 << 20} {
		j := OverRTMP(spec).Join(Place{"h:1935", "/streams/live"})
		calls, said := 0, ""
		feed := func(b []byte) (done bool) {
			for len(b) > 0 && !done {
				n := min(size, len(b))
				if done, err = j.Feed(b[:n]); err != nil {
					t.Fatal(err)
				}
				b = b[n:]
			}
			return done
		}
		for _, answer := range answers {
			said += fmt.Sprint(len(j.Next()) > 0, " ")
			calls++
			if feed(answer) || calls < len(answers) && j.Playing() {
				t.Fatalf("in pieces of %d: joined with call %d", size, calls)
			}
		}
		if said != "true true true true " || !j.Playing() || len(j.Next()) > 0 {
			t.Errorf("in pieces of %d: said %s, playing %v", size, said, j.Playing())
		}
		if feed(before) || feed(key[:len(key)-1]) || !feed(key[len(key)-1:]) {
			t.Errorf("in pieces of %d: joined elsewhere than at the key frame's end", size)
		}
	}
}

// answers are what a server says to a player over RTMP, in chunks of 4096 bytes.
var answers = [][]byte{
	append([]byte{3}, make([]byte, rtmpclient.AnswerSize-1)...),
	append(rtmpclient.AppendMessage(nil, rtmpclient.NumberMessage(rtmpclient.TypeChunkSize, 4096), 128),
		command("_result", 1.0, nil, status("NetConnection.Connect.Success"))...),
	command("_result", 2.0, nil, 1.0),
	append(command("onStatus", 0.0, nil, status("NetStream.Play.Reset")), command("onStatus", 0.0, nil, status("NetStream.Play.Start"))...),
}

func command(values ...any) []byte {
	return rtmpclient.AppendMessage(nil, rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, 0, 0, values...), 4096)
}

func status(code string) amf0.Object {
	return amf0.Object{{Name: "level", Value: "status"}, {Name: "code", Value: code}}
}
