package rtmp

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"streampump/codec"
)

// pushed is what ffmpeg sends after publish: some frames, and its end.
func pushed(frames int) *client {
	c := encoder("streams", "live")
	c.say(4, typeData, 1, 0, setFrame(bothMetadata)).say(6, typeVideo, 1, 0, avcHeader).say(4, typeAudio, 1, 0, aacHeader)
	for i := range uint32(frames) {
		c.say(6, typeVideo, 1, i*40, videoFrame(i%25 == 0, i)).say(4, typeAudio, 1, i*40, audioFrame(i))
	}
	return c
}

const pushHeader = "Header H.264 320x180 (avcC High 1.2), AAC-LC 44.1 kHz stereo; 996 kbit/s"

func TestPush(t *testing.T) {
	ended := []string{status("status", "NetStream.Unpublish.Success", "the push has ended")}
	beginning := slices.Concat(connected, calls, published("live"))
	for _, c := range []struct {
		name    string
		in      *client
		events  string // without those of packets
		packets int
		told    []string
	}{
		{"ffmpeg", pushed(30).say(6, typeVideo, 1, 2000, sequenceOf).call("FCUnpublish", 6, nil, "live").call("deleteStream", 7, nil, 1),
			"Publish live; takes; " + pushHeader + "; Finish", 60, slices.Concat(beginning, ended)},
		{"GStreamer_names_what_it_deletes", pushed(2).call("deleteStream", 0, nil, "live"), "Publish live; takes; " + pushHeader + "; Finish", 4, slices.Concat(beginning, ended)},
		{"closes", pushed(0).call("closeStream", 0, nil), "Publish live; takes; " + pushHeader + "; Finish", 0, slices.Concat(beginning, ended)},
		{"ping", pushed(1).say(2, typeUserControl, 0, 0, []byte{0, 6, 1, 2, 3, 4}), "Publish live; takes; " + pushHeader + "; Reply; takes", 2,
			slices.Concat(beginning, []string{"4@0 000701020304"})},
		{"calls_and_another_stream", pushed(1).call("createStream", 9, nil).call("play", 10, nil, "live").call("publish", 11, nil, "live"),
			"Publish live; takes; " + pushHeader + "; Reply; takes; Reply; takes; Reply; takes", 2, slices.Concat(beginning, []string{
				"_result 9 null 1", status("error", "NetStream.Play.Failed", "the connection has another stream"),
				status("error", "NetStream.Publish.BadName", "the connection has another stream"),
			})},
		{"pictures_come_late", encoder("live_push", "").say(4, typeAudio, 1, 0, aacHeader).say(4, typeAudio, 1, 0, audioFrame(1)).say(4, typeAudio, 1, 400, audioFrame(2)).
			say(6, typeVideo, 1, 410, avcHeader).say(6, typeVideo, 1, 410, videoFrame(true, 3)),
			"Publish live; takes; Header H.264 (avcC High 1.2), AAC-LC 44.1 kHz stereo", 3, beginning},
		{"metadata_storm", pushed(1).say(4, typeData, 1, 50, setFrame(bothMetadata)).say(4, typeData, 1, 50, setFrame(bothMetadata)),
			"Publish live; takes; " + pushHeader, 4, beginning},
		{"broken", pushed(1).say(6, typeAggregate, 1, 0, []byte{9}), "Publish live; takes; " + pushHeader + "; Bad: an aggregate message ends within a tag; closes", 2,
			slices.Concat(beginning, []string{status("error", "NetConnection.Connect.Closed", "an aggregate message ends within a tag")})},
		{"too_long", pushed(1).raw(appendHead(nil, 6, typeVideo, 1, 0, 4<<20+1)),
			"Publish live; takes; " + pushHeader + "; Bad: a message (type 9) of 4194305 bytes is longer than the 4194304 that are allowed; closes", 2,
			slices.Concat(beginning, []string{status("error", "NetConnection.Connect.Closed", "a message (type 9) of 4194305 bytes is longer than the 4194304 that are allowed")})},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wantAnyCut(t, c.in.b, openServer)
			events := slices.DeleteFunc(slices.Clone(h.log), func(l string) bool { return strings.HasPrefix(l, "Packet ") || l == "Reply…" })
			if got := strings.Join(events, "; "); got != c.events || len(h.data) != c.packets {
				t.Errorf("events: %s\nwant:   %s\n%d packets, want %d", got, c.events, len(h.data), c.packets)
			}
			if got := h.told(t); !slices.Equal(got, c.told) {
				t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.told, "\n"))
			}
		})
	}
}

// Bodies reach the engine as they came, those in one chunk where they lie.
func TestPacketsAreWhole(t *testing.T) {
	c := pushed(1)
	big := append(videoFrame(true, 7), bytes.Repeat([]byte("0123456789"), 20_000)...)
	c.say(6, typeVideo, 1, 80, big).say(6, typeVideo, 1, 120, videoFrame(false, 8))
	h := wantAnyCut(t, c.b, openServer)
	if n := len(h.data); n != 4 || !bytes.Equal(h.data[2].Data, big) || h.data[2].Number != 80 || !h.data[2].Numbered {
		t.Errorf("%d packets", n)
	}
	s := openServer()
	s.feed(c.b[:len(c.b)-len(videoFrame(false, 8))-headSize])
	b := c.b[len(c.b)-len(videoFrame(false, 8))-headSize:]
	n, ev := s.sess.Consume(b)
	if n != len(b) || ev.Kind != codec.Packet || &ev.Data[0] != &b[headSize] {
		t.Errorf("took %d: %v", n, ev.Kind)
	}
}

// A packet costs nothing beside what the engine does with it.
func TestPacketIsCheap(t *testing.T) {
	h := openServer()
	h.feed(pushed(1).b)
	b := appendMedia(appendMedia(nil, typeVideo, 40, videoFrame(false, 1)), typeAudio, 40, audioFrame(1))
	if got := testing.AllocsPerRun(100, func() {
		for at := 0; at < len(b); {
			n, ev := h.sess.Consume(b[at:])
			if ev.Kind != codec.Packet {
				t.Fatal(ev.Kind)
			}
			at += n
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// An encoder is told how much came, in good time, and in between two messages.
func TestAcknowledgements(t *testing.T) {
	c := encoder("live", "").say(2, typeWindow, 0, 0, []byte{0, 0, 0x20, 0})
	c.say(6, typeVideo, 1, 0, avcHeader).say(4, typeAudio, 1, 0, aacHeader)
	body := append(videoFrame(true, 0), make([]byte, 5000)...)
	for i := range uint32(60) {
		c.say(6, typeVideo, 1, i*40, body)
	}
	h := wantAnyCut(t, c.b, openServer)
	var acks []string
	for _, l := range h.told(t) {
		if strings.HasPrefix(l, "3@0 ") {
			acks = append(acks, l)
		}
	}
	if len(acks) < 58 || !slices.IsSorted(acks) || len(h.data) != 60 {
		t.Errorf("%d acknowledgements, %d packets", len(acks), len(h.data))
	}
}
