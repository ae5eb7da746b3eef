package attack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// Channels of an encoder whose description has pictures first, and its payload types
// (rtpsynth).
const (
	pictures, picturesReports = 0, 1
	sound, soundReports       = 2, 3
	pictureType, soundType    = 96, 97
)

// rtpHead is a packet's numbers.
type rtpHead struct {
	typ    byte
	marker bool
	seq    uint16
	ts     uint32
	ssrc   uint32
}

// appendRTP appends a packet in a frame.
func appendRTP(b []byte, channel byte, h rtpHead, payload ...byte) []byte {
	size := rtpsynth.HeaderSize + len(payload)
	b = append(b, '$', channel, byte(size>>8), byte(size), 0x80, h.typ)
	if h.marker {
		b[len(b)-1] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, h.seq)
	b = binary.BigEndian.AppendUint32(b, h.ts)
	b = binary.BigEndian.AppendUint32(b, h.ssrc)
	return append(b, payload...)
}

// What payloads of H.264 begin with (RFC 6184, 5.2).
const (
	nalSlice = 0x41
	nalKey   = 0x65
	nalInfo  = 0x06
	nalSPS   = 0x67
	nalPPS   = 0x68
)

// recorder is an attack by an encoder over RTSP: what begin's function appends is sent at
// the rate, below 0 as fast as the pump takes it, on each connection.
func recorder(name, what string, units int, rate float64, begin func() func(b []byte, i int) []byte) Attack {
	const each = 1000
	return Attack{
		Name: name, What: what, Unit: "packets",
		Own: Bounds{For: 3 * time.Second, Units: units, Connections: 1, Rate: rate},
		run: func(a *assault) error {
			return a.workers(func() error {
				l, err := a.record(rtpsynth.Plain())
				if err != nil {
					return err
				}
				defer l.Close()
				more, b := begin(), []byte(nil)
				for sent := 0; a.next(each); {
					b = b[:0]
					for range each {
						b = more(b, sent)
						sent++
					}
					if _, err := l.Write(b); err != nil {
						return err
					}
				}
				<-a.ctx.Done()
				return nil
			})
		},
	}
}

func tinyFrames() Attack {
	return recorder("rtsp-tiny", "pushes packets of sound of 12 bytes, a header and nothing else, and a picture now and then", 4_000_000, -1, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			if n := i / 20_000; i%20_000 == 0 {
				b = appendRTP(b, pictures, rtpHead{typ: pictureType, marker: true, seq: uint16(n), ts: uint32(n) * 3600, ssrc: 1}, nalKey, 0x88)
			}
			return appendRTP(b, sound, rtpHead{typ: soundType, seq: uint16(i), ts: uint32(i / 1000), ssrc: 1})
		}
	})
}

func wildFrames() Attack {
	large := strings.Repeat("x", 65_535)
	return recorder("rtsp-frames", "pushes frames of no byte, of a few that are no packet, and of 65,535, on channels that it has and that it has not", 200_000, -1, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			switch i % 500 {
			case 0:
				return append(append(b, '$', sound, 0xFF, 0xFF, 0x80, soundType, byte(i>>8), byte(i)), large[4:]...)
			case 1:
				return append(append(b, '$', sound, 0xFF, 0xFF), large...)
			case 2:
				return append(append(b, '$', 9, 0xFF, 0xFF), large...)
			}
			return append(b, '$', byte(i), 0, 0, '$', sound, 0, 4, 0x80, 200, 0, 9)
		}
	})
}

func jumps() Attack {
	return recorder("rtsp-jumps", "pushes packets of which each has another sender, number and time than the one before", 400_000, -1, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			n := uint32(i) * 2_654_435_761
			h := rtpHead{typ: pictureType, marker: true, seq: uint16(n >> 7), ts: n, ssrc: 1 + uint32(i/2%3)}
			b = appendRTP(b, pictures, h, nalKey, 0x88, byte(i))
			h.typ, h.ssrc = soundType, 1
			return appendRTP(b, sound, h, 0, 16, 0, 8, byte(i))
		}
	})
}

func changingSets() Attack {
	return recorder("rtsp-sets", "pushes other parameter sets with each picture, and two pictures in turn", 200_000, -1, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			h := rtpHead{typ: pictureType, seq: uint16(3 * i), ts: uint32(i) * 3600, ssrc: 1}
			set := append([]byte{nalSPS, 0x4D, 0x40, byte(i), byte(i >> 8)}, strings.Repeat("s", 1200)...)
			b = appendRTP(b, pictures, h, set...)
			h.seq++
			b = appendRTP(b, pictures, h, append([]byte{nalPPS, 0x80 | byte(i), byte(i >> 8)}, strings.Repeat("p", 200)...)...)
			h.seq, h.marker = h.seq+1, true
			return appendRTP(b, pictures, h, nalKey, 0x88, byte(i))
		}
	})
}

// longUnit is how many packets a picture has that hardly ends.
const longUnit = 150_000

func longUnits() Attack {
	return recorder("rtsp-long-units", "pushes pictures of 150,000 packets each, of 14 bytes", 2_000_000, 500_000, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			h := rtpHead{typ: pictureType, seq: uint16(i), ts: uint32(i/longUnit) * 3600, ssrc: 1}
			if i%longUnit == 0 {
				return appendRTP(b, pictures, h, nalKey, 0x88)
			}
			return appendRTP(b, pictures, h, nalKey, 0x08)
		}
	})
}

func leads() Attack {
	return recorder("rtsp-leads", "pushes what comes before a picture, and never the picture", 1_000_000, -1, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			return appendRTP(b, pictures, rtpHead{typ: pictureType, seq: uint16(i), ts: uint32(i/20) * 3600, ssrc: 1}, nalInfo, 5, 1, 0x80)
		}
	})
}

func reports() Attack {
	return recorder("rtsp-reports", "pushes a report with each packet, on both channels: by the sender and by others, goodbyes and reports that are none", 600_000, -1, func() func([]byte, int) []byte {
		report := func(b []byte, channel byte, text ...byte) []byte {
			return append(append(b, '$', channel, 0, byte(len(text))), text...)
		}
		return func(b []byte, i int) []byte {
			b = appendRTP(b, sound, rtpHead{typ: soundType, seq: uint16(i), ts: uint32(i), ssrc: 1}, 0, 16, 0, 8, 1)
			now := []byte{byte(i), byte(i >> 8), byte(i >> 16), 1, 2, 3, 4, 5}
			sr := append([]byte{0x80, 200, 0, 6, 0, 0, 0, 1}, now...)
			sr = append(append(sr, byte(i>>8), byte(i), 0, 0), 0, 0, 0, 1, 0, 0, 0, 1)
			b = report(b, soundReports, sr...)
			b = report(b, sound, 0x81, 203, 0, 1, 0, 0, 0, byte(2+i%100))
			return report(b, picturesReports, append(sr[:len(sr):len(sr)], 0x9F, 202, 0xFF, 0xFF, 0x81, 203, 0, 1)...)
		}
	})
}

// rtspTakeovers are encoders that take a stream from each other: each describes itself as
// one of three, so that some can follow and some begin a programme.
func rtspTakeovers() Attack {
	return Attack{
		Name: "rtsp-takeovers", What: "has encoders take one stream over from each other as fast as they can, some of which describe themselves in another way",
		Unit: "takeovers",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 6, Rate: -1},
		run: func(a *assault) error {
			return a.numbered(func(worker int) error {
				for a.next(1) {
					s := rtpsynth.Plain()
					if s.Run = uint32(worker); worker == 0 {
						s = s.Other()
					}
					l, err := a.record(s)
					if err != nil {
						return err
					}
					src, b := rtpsynth.New(s), []byte(nil)
					for range 100 {
						p := src.Next()
						b = rtspclient.AppendFrame(b, byte(2*p.Index), p.Bytes)
					}
					_, err = l.Write(b)
					if err == nil {
						a.wait(comeBack)
					}
					_ = l.Close()
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// largestDescription is as much as a pump reads: 16 media with 16 formats each, and lines
// that are passed on to viewers.
func largestDescription() string {
	var b strings.Builder
	b.WriteString("v=0\r\n")
	for i := range 16 {
		b.WriteString("m=audio 0 RTP/AVP")
		for t := range 16 {
			fmt.Fprintf(&b, " %d", 96+t)
		}
		fmt.Fprintf(&b, "\r\na=control:%d\r\n", i)
		for t := range 16 {
			fmt.Fprintf(&b, "a=rtpmap:%d L16/8000\r\na=fmtp:%d a=1\r\n", 96+t, 96+t)
		}
		for range 20 {
			b.WriteString("a=ptime:20\r\n")
		}
	}
	return b.String()
}

func announces() Attack {
	return Attack{
		Name: "rtsp-announces", What: "announces streams with descriptions of 15 KB from many addresses, keeps the connections, and never sends a packet",
		Unit: "announcements",
		Own:  Bounds{For: 3 * time.Second, Units: 100_000, Connections: 1000, Rate: 500},
		run: func(a *assault) error {
			body := largestDescription()
			text := fmt.Sprintf("ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", a.rtsp(a.t.Push), len(body), body)
			return a.numbered(func(worker int) error {
				c, err := a.dialFrom(sourceOf(worker), nil)
				if err != nil {
					return err
				}
				l := a.watch(c)
				defer l.Close()
				for a.next(1) {
					if _, err := l.Write([]byte(text)); err != nil {
						return err
					}
					select {
					case <-l.gone:
						return errors.New("the pump has closed the connection")
					default:
					}
				}
				<-a.ctx.Done()
				return nil
			})
		},
	}
}
