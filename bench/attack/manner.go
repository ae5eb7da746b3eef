package attack

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"streampump/bench/synth"
)

// minute is how often a source that hardly lives sends a byte. A pump gives it up long
// before the second.
const minute = time.Minute

// Manners are all the ways to be a bad source.
func Manners() []Manner { return slices.Concat(mannersOfMMSH(), mannersOfRTSP(), mannersOfRTMP()) }

func mannersOfMMSH() []Manner {
	return []Manner{
		{Name: "source-silent", What: "takes the pump's connection and says nothing", serve: (*served).hold},
		{Name: "source-endless-head", What: "sends the fields of its answer without an end", serve: func(v *served) {
			if v.say("HTTP/1.0 200 OK\r\n") {
				v.again(strings.Repeat("X-Field: value\r\n", 1000), 0)
			}
		}},
		{Name: "source-endless-line", What: "sends one line of its answer without an end", serve: func(v *served) {
			if v.say("HTTP/1.0 200 ") {
				v.again(strings.Repeat("x", 64<<10), 0)
			}
		}},
		{Name: "source-slow-head", What: "sends its answer byte by byte", serve: func(v *served) {
			if v.say("HTTP/1.0 200 OK\r\n") {
				v.again("X", drip)
			}
		}},
		{Name: "source-interim", What: "sends interim answers without an end", serve: func(v *served) {
			v.again(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), 0)
		}},
		{Name: "source-redirects", What: "sends the pump to itself again and again", serve: func(v *served) {
			v.say(fmt.Sprintf("HTTP/1.0 302 Found\r\nLocation: http://%s/%d\r\nContent-Length: 0\r\n\r\n", v.s.Addr(), v.s.opened.Load()))
		}},
		{Name: "source-huge", What: "sends packets of 65,535 bytes that are no packets, as fast as it can", serve: func(v *served) {
			if v.begun() {
				v.again(string(framed('D', 1, 0, []byte(strings.Repeat("\x82", 65_527)))), 0)
			}
		}},
		{Name: "source-lies", What: "says lengths in its packets that are not theirs", serve: func(v *served) {
			if v.begun() {
				v.again("$D\x78\x05\x01\x00\x00\x00\x00\x00\xff\xff"+strings.Repeat("\xff", 1392), 0)
			}
		}},
		{Name: "source-huge-header", What: "sends pieces of a header without an end", serve: func(v *served) {
			if !v.say(v.head + string(framed('H', 0, 0x04, []byte(strings.Repeat("\x00", 65_000))))) {
				return
			}
			v.again(string(framed('H', 1, 0, []byte(strings.Repeat("\x00", 65_000)))), 0)
		}},
		{Name: "source-minute", What: "sends its header, and then a byte a minute", serve: func(v *served) {
			if v.begun() {
				v.again("$", minute)
			}
		}},
		{Name: "source-metadata", What: "sends its header, and then everything but packets", serve: func(v *served) {
			if v.begun() {
				v.again(string(framed('M', 1, 0x0C, []byte("metadata"))), drip)
			}
		}},
		{Name: "source-changes", What: "sends another header each second, with some packets behind each", serve: func(v *served) { v.changes(time.Second) }},
		{Name: "source-changes-fast", What: "sends another header behind each packet, as fast as it can", serve: func(v *served) { v.changes(0) }},
		{Name: "source-tiny", What: "sends packets of ten bytes as fast as it can", serve: (*served).tiny},
		{Name: "source-cuts", What: "cuts the connection behind its first packets, each time", serve: func(v *served) {
			if v.begun() {
				v.packets(20)
			}
		}},
		{Name: "proxy-slow", What: "answers CONNECT byte by byte", Proxy: true, serve: func(v *served) {
			if v.say("HTTP/1.1 200 ") {
				v.again("x", drip)
			}
		}},
		{Name: "proxy-endless", What: "answers CONNECT with fields without an end", Proxy: true, serve: func(v *served) {
			if v.say("HTTP/1.1 200 OK\r\n") {
				v.again(strings.Repeat("X-Field: value\r\n", 1000), 0)
			}
		}},
	}
}

// begun answers with a good head and a good header; false if that is all that was
// asked for.
func (v *served) begun() bool { return v.say(v.head+string(v.good)) && v.plays() }

// packets sends packets of a good stream.
func (v *served) packets(n int) bool {
	e, err := synth.New(synth.Plain(500_000))
	for i := 0; err == nil && i < n; i++ {
		var p []byte
		if p, _, err = e.Next(); err == nil && !v.say(string(framed('D', uint32(i), byte(i), p))) {
			return false
		}
	}
	return err == nil
}

// tiny sends the smallest packets that carry something.
func (v *served) tiny() {
	if !v.begun() {
		return
	}
	packet := appendTiny(nil, 0)[framing:]
	for number := uint32(0); ; {
		var b []byte
		for range tinyEach {
			b = append(b, framed('D', number, byte(number), packet)...)
			number++
		}
		if !v.say(string(b)) {
			return
		}
	}
}

// changes sends one header after another.
func (v *served) changes(every time.Duration) {
	if !v.begun() {
		return
	}
	for i := 0; v.packets(10) && v.rest(every); i++ {
		s := synth.Plain(400_000 + i%7*1000)
		e, err := synth.New(s)
		if err != nil || !v.say("$C\x04\x00\x00\x00\x00\x00"+string(framed('H', 0, 0x0C, e.Header()))) {
			return
		}
	}
}

// framed is a packet as a server sends it: framing, MMS header and payload.
func framed(id byte, location uint32, flags byte, payload []byte) []byte {
	length := uint16(8 + len(payload))
	b := binary.LittleEndian.AppendUint16([]byte{'$', id}, length)
	b = binary.LittleEndian.AppendUint32(b, location)
	b = append(b, 0, flags)
	b = binary.LittleEndian.AppendUint16(b, length)
	return append(b, payload...)
}
