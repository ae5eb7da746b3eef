package mmsh

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/asf"
)

// sending is a session in the body of a POST in chunks.
func sending() *host {
	h := openServer()
	h.feed([]byte(crlf("POST /streams/x_push HTTP/1.1\nHost: h\nUser-Agent: Lavf/59.27.100\nTransfer-Encoding: chunked\n\n")))
	h.log = nil
	return h
}

// chunked is a body in chunks of size bytes, without the last one.
func chunked(b []byte, size int) (out []byte) {
	for c := range slices.Chunk(b, size) {
		out = append(fmt.Appendf(out, "%x\r\n", len(c)), c...)
		out = append(out, "\r\n"...)
	}
	return out
}

const lastChunk = "0\r\n\r\n"

// ffmpegStream is what ffmpeg -f asf sends: a header, packets at their full
// size, and in the end an index and an $E, longer than a packet together.
func ffmpegStream(t testing.TB) (header []byte, data [][]byte, tail []byte) {
	data = packets(t, asf.Layout{PacketSize: 400, Preroll: 3000}, object(0, true), object(40, false), object(80, false))
	index := append([]byte(indexMark), bytes.Repeat([]byte{0, 0, 0, 0, 2, 0}, 100)...)
	return smallHeader(400).Append(nil), data, append(index, AppendReason(nil, IDEnd, 0)...)
}

func TestUpload(t *testing.T) {
	header, data, tail := ffmpegStream(t)
	name := mustMedia(t, header).String()
	all := join(header, join(data...), tail)
	want := "Header " + name + strings.Repeat("; Packet 400 bytes", len(data)) + "; Finish"
	for _, size := range []int{1, 7, 400, 4096, len(all)} {
		h := wantAnyCut(t, append(chunked(all, size), lastChunk...), sending)
		if got := h.events(); got != want {
			t.Errorf("chunks of %d: got %s, want %s", size, got, want)
		}
		if !bytes.Equal(join(h.data...), join(data...)) {
			t.Errorf("chunks of %d: the packets differ", size)
		}
	}
}

func TestUploadThatIsNone(t *testing.T) {
	header, data, tail := ffmpegStream(t)
	name := mustMedia(t, header).String()
	begun := "Header " + name + "; Packet 400 bytes"
	file := smallHeader(400)
	file.Live, file.Packets = false, 1
	sized := file.Append(nil)
	if name := mustMedia(t, sized).String(); !strings.Contains(begun, name) {
		t.Fatalf("a file's header is %s", name)
	}
	huge := bytes.Clone(header)
	copy(huge[16:], "\x00\x00\x00\x00\x01") // four gigabytes
	cases := []struct {
		name string
		in   []byte
		want string
	}{
		{"a_packet_cut_short", append(chunked(join(header, data[0], data[1][:100]), 512), lastChunk...), begun + "; Finish"},
		{"an_index_cut_short", append(chunked(join(header, data[0], tail[:100]), 512), lastChunk...), begun + "; Finish"},
		{"a_file_that_tells_its_size", append(chunked(join(sized, data[0], data[1]), 512), lastChunk...), begun + "; Finish"},
		{"more_behind_the_index", append(chunked(join(header, data[0], tail, tail, data[1]), 512), lastChunk...), begun + "; Finish"},
		{"nothing", []byte(lastChunk), "Bad: the encoder's body ends within its header, after 0 bytes"},
		{"half_a_header", append(chunked(header[:100], 30), lastChunk...), "Bad: the encoder's body ends within its header, after 100 bytes"},
		{"broken_chunks", join(chunked(join(header, data[0]), 512), []byte("x")), begun + "; Bad: the body's chunks are broken: 0x78 where none belongs"},
		{"packets_of_MMSH", chunked(AppendHead(nil, header), 512), "Bad: the encoder sends packets of MMSH in chunks, as ffmpeg -f asf_stream does: " + howToPush},
		{"FLV", chunked([]byte("FLV\x01\x05\x00\x00\x00\x09"), 512), "Bad: the encoder sends a format other than ASF: " + howToPush},
		{"MPEG_TS", chunked([]byte("\x47\x40\x11\x10\x00"), 512), "Bad: the encoder sends a format other than ASF: " + howToPush},
		{"something", chunked([]byte("<html>"), 512), "Bad: the encoder's body begins with 3C 68 74 6D, which is not ASF: " + howToPush},
		{"almost_ASF", chunked([]byte("\x30\x26\xB2\x75\x8E\x66\xCF\x12"), 512), "Bad: ASF header is malformed at byte 0: this is not ASF"},
		{"huge_header", chunked(huge, 512), "Bad: ASF header is malformed at byte 16: a size of 4294967296 bytes is not between 30 and 1048526"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in, sending)
			if got := h.events(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if strings.Contains(c.want, "Bad") && (!strings.HasPrefix(string(h.out), "HTTP/1.1 422 ") || h.next != codec.Close) {
				t.Errorf("answer %q, next %d", h.out, h.next)
			}
		})
	}
}

// What an encoder that sends in chunks is told, and how its request must be.
func TestUploadRequests(t *testing.T) {
	post := func(first, rest string) string {
		return first + "\nHost: h\nTransfer-Encoding: chunked\n" + rest + "\n"
	}
	const address = "POST /streams/x_push HTTP/1.1"
	twoWays := "Bad: the length of the encoder's body is ambiguous"
	cases := []conversation{
		{name: "any_type", in: post(address, "Content-Type: video/x-ms-asf\n"), events: "Publish x", answer: "", next: codec.Ingest},
		{name: "invited_RFC_9110_10.1.1", in: post(address, "Expect: 100-continue\n"), events: "Publish x", answer: "HTTP/1.1 100 Continue\n\n", next: codec.Ingest},
		{name: "encoded_path", in: post("POST /streams/%78%5Fpush HTTP/1.1", ""), events: "Publish x", answer: "", next: codec.Ingest},
		{name: "unknown_stream", in: post("POST /streams/y_push HTTP/1.1", "Expect: 100-continue\n"), events: "Publish y", answer: "HTTP/1.1 404 Not Found\n", hasNot: []string{"location"}, next: codec.Close},
		{name: "refused", in: post("POST /streams/refused_push HTTP/1.1", ""), events: "Publish refused", answer: "HTTP/1.1 422 Unprocessable Content\n", next: codec.Close},
		{name: "two_lengths_RFC_9112_6.1", in: post(address, "Content-Length: 5\n"), events: twoWays, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "HTTP_1.0", in: post("POST /streams/x_push HTTP/1.0", ""), events: twoWays, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "another_coding", in: post(address, "Transfer-Encoding: gzip\n"), events: twoWays, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "codings_in_one_line", in: strings.Replace(post(address, ""), "chunked", "gzip, chunked", 1), events: twoWays, answer: "HTTP/1.0 400 Bad Request\n", next: codec.Close},
		{name: "elsewhere", in: post("POST /streams/x HTTP/1.1", ""), events: "Bad: the request has a Transfer-Encoding, and its path does not end in _push, as an encoder's does", answer: "HTTP/1.0 501 Not Implemented\n", next: codec.Close},
		{name: "another_method", in: post("GET /streams/x_push HTTP/1.1", ""), events: "Bad: the request has a Transfer-Encoding", answer: "HTTP/1.0 501 Not Implemented\n", next: codec.Close},
	}
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

// The end of an upload is answered, unlike that of a push: who sends it waits.
func TestUploadEnd(t *testing.T) {
	header, data, _ := ffmpegStream(t)
	whole := append(chunked(join(header, data[0]), 512), lastChunk...)
	cases := []struct {
		name  string
		in    []byte
		cause codec.Cause
		want  string
	}{
		{"complete", whole, codec.CauseEnded, "HTTP/1.1 204 No Content\r\n"},
		{"taken_over", whole[:600], codec.CauseTaken, "HTTP/1.1 409 Conflict\r\n"},
		{"idle", whole[:600], codec.CauseIdle, "HTTP/1.1 408 Request Timeout\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := sending()
			h.feed(c.in)
			if got := string(h.sess.AppendEnd(nil, c.cause, "")); !strings.HasPrefix(got, c.want) || !strings.Contains(got, "\r\nConnection: close\r\n") {
				t.Errorf("got %q", got)
			}
			if got := h.sess.AppendEnd(nil, codec.CauseShutdown, ""); len(got) != 0 {
				t.Errorf("told twice: %q", got)
			}
		})
	}
}

// What a stranger announces is not made room for before it comes.
func TestUploadKeepsLittle(t *testing.T) {
	header := smallHeader(400).Append(nil)
	copy(header[16:], "\x00\x00\x0F\x00") // nearly a mebibyte
	h := sending()
	h.feed(chunked(header[:100], 100))
	if got := cap(h.sess.(*server).ex.up.kept); got > 256 {
		t.Errorf("%d bytes for 100", got)
	}
}

func FuzzUpload(f *testing.F) {
	header, data, tail := ffmpegStream(f)
	f.Add(append(chunked(join(header, join(data...), tail), 512), lastChunk...), uint64(1))
	f.Add(append(chunked(join(header, data[0][:10]), 64), lastChunk...), uint64(2))
	f.Add(chunked(AppendHead(nil, header), 900), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		whole, cut := sending(), sending()
		whole.feed(bytes.Clone(b))
		for _, p := range cuts(b, seed) {
			cut.feed(bytes.Clone(p))
		}
		if whole.transcript() != cut.transcript() || whole.fail != "" {
			t.Errorf("whole %s\ncut %s", whole.transcript(), cut.transcript())
		}
		if x := cut.sess.(*server).ex; x != nil && x.up != nil && cap(x.up.kept) > 2*len(b)+64 {
			t.Errorf("%d bytes held of %d", cap(x.up.kept), len(b))
		}
	})
}
