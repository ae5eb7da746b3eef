package attack

import (
	"fmt"

	"streampump/bench/amf0"
	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
)

// mannersOfRTMP are the ways to be a bad server of RTMP.
func mannersOfRTMP() []Manner {
	list := []Manner{
		{Name: "server-silent", What: "takes the pump's connection and says nothing", serve: (*served).hold},
		{Name: "server-slow-hello", What: "shakes hands byte by byte", serve: func(v *served) { v.again("\x03", drip) }},
		{Name: "server-never-begins", What: "accepts all, and never sends a picture", serve: func(v *served) {
			if v.meets() {
				v.hold()
			}
		}},
		{Name: "server-metadata", What: "sends metadata, and never a picture", serve: func(v *served) {
			v.sends("", put(nil, rtmpclient.TypeData, 0, (&flvsynth.Spec{}).Metadata()), true)
		}},
		{Name: "server-pings", What: "plays, and pings the pump without a pause, reading no answer", serve: func(v *served) {
			var b []byte
			for i := range 1000 {
				b = rtmpclient.AppendMessage(b, rtmpclient.ControlMessage(rtmpclient.PingRequest, uint32(i)), rtmpSize)
			}
			v.sends(goodTags(20), b, false)
		}},
		{Name: "server-statuses", What: "accepts all, and tells of a status without a pause", serve: func(v *served) {
			var b []byte
			for range 300 {
				b = rtmpclient.AppendMessage(b, rtmpclient.Told("status", "NetStream.Data.Start"), rtmpSize)
			}
			v.sends("", b, false)
		}},
		{Name: "server-redirects", What: "sends the pump to itself again and again", serve: func(v *served) {
			to := amf0.Object{{Name: "code", Value: 302.0}, {Name: "redirect", Value: fmt.Sprintf("rtmp://%s/live/%d", v.s.Addr(), v.s.opened.Load())}}
			info := amf0.Object{{Name: "level", Value: "error"}, {Name: "code", Value: "NetConnection.Connect.Rejected"}, {Name: "ex", Value: to}}
			v.sends(string(rtmpclient.AppendMessage(nil, rtmpclient.ValuesMessage(rtmpclient.TypeCommand, 3, 0, 0, "onStatus", 0.0, nil, info), rtmpSize)), nil, false)
		}},
		{Name: "server-empty", What: "sends messages of one byte, a header and nothing else, that say nothing", serve: func(v *served) {
			m := rtmpclient.Message{Chunk: 10, Type: rtmpclient.TypeAck}
			var b []byte
			for len(b) < batch {
				b = rtmpclient.AppendHead(b, 3, m, 0, 0)
			}
			v.sends(string(rtmpclient.AppendHead(nil, 0, m, 0, 0)), b, false)
		}},
		{Name: "server-partial", What: "sends the beginnings of messages, and never the end of one", serve: func(v *served) {
			if !v.meets() {
				return
			}
			for k := uint32(10); v.say(string(part(nil, k, longest, longest/rtmpSize-1))); k++ {
			}
		}},
		{Name: "server-headers", What: "plays, and sends another header before each key frame, as fast as it can", serve: func(v *served) {
			v.makes(changingHeaders, 100)
		}},
		{Name: "server-aggregates", What: "plays messages of 4 MB with 250,000 tags each", serve: func(v *served) {
			v.makes(thousandsOfTags, 1)
		}},
		{Name: "server-zeros", What: "sends messages of 4 MB of zeros", serve: func(v *served) {
			v.sends("", put(nil, rtmpclient.TypeVideo, 0, make([]byte, longest)), false)
		}},
	}
	for i := range list {
		list[i].RTMP = true
	}
	return list
}

// meets answers as a server does, up to a play that it accepts. It reports false when the
// connection is over. Behind it chunks have 64 KiB.
func (v *served) meets() bool {
	p := rtmpclient.Peer{Conn: rtmpclient.NewConn(v.c, rtmpPatience)}
	w, err := p.Meet(v.s.ctx)
	return err == nil && w.Call == "play"
}

// sends answers up to play, sends something, and then something else again and again: every
// now and then, or as fast as the pump takes it. Nothing of that is the end.
func (v *served) sends(first string, then []byte, slowly bool) {
	if !v.meets() || !v.say(first) || then == nil {
		return
	}
	every := drip
	if !slowly {
		every = 0
	}
	v.again(string(then), every)
}

// makes answers up to play, and sends what an encoder of an attack would.
func (v *served) makes(begin func() func([]byte, int) []byte, each int) {
	if !v.meets() {
		return
	}
	more, b := begin(), []byte(nil)
	for i := 0; ; {
		b = b[:0]
		for range each {
			b = more(b, i)
			i++
		}
		if !v.say(string(b)) {
			return
		}
	}
}

// goodTags are the first tags of a good source.
func goodTags(n int) string {
	src, b := flvsynth.New(flvsynth.Plain()), []byte(nil)
	for _, t := range src.Preamble() {
		b = put(b, t.Type, t.Time, t.Body)
	}
	for range n {
		t := src.Next()
		b = put(b, t.Type, t.Time, t.Body)
	}
	return string(b)
}
