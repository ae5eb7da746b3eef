package attack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"streampump/bench/amf0"
	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
)

// pusher is an attack by an encoder over RTMP: what begin's function appends is sent as fast
// as the pump takes it, so many messages at once. It counts them from 0 on each connection.
func pusher(name, what string, units, each int, begin func() func(b []byte, i int) []byte) Attack {
	return Attack{
		Name: name, What: what, Unit: "messages",
		Own: Bounds{For: 3 * time.Second, Units: units, Connections: 1, Rate: -1},
		run: func(a *assault) error {
			return a.workers(func() error {
				l, err := a.publishRTMP()
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

// opened is how the messages begin of an encoder whose stream is up: behind its headers and
// a key frame.
func opened(b []byte, i int) []byte {
	if i == 0 {
		b = key(opening(b), 0, 0)
	}
	return b
}

// rtmpEncoders are the attacks by encoders that send what they should not.
func rtmpEncoders() []Attack {
	return []Attack{
		tinyTags(), emptyMessages(), tinyChunks(), pusherPings(), pusherAcks(), metadataStorm(), amfBombs(), promises(),
		pusher("rtmp-headers", "pushes another header before each key frame", 1_000_000, 100, changingHeaders),
		pusher("rtmp-aggregates", "pushes messages of 4 MB with 230,000 tags and more each: of sound, of nothing, and of a type that there is not", 1000, 1, thousandsOfTags),
		changingCodecs(), wildTimes(), zeros(), forgedStreams(), partials(),
	}
}

func tinyTags() Attack {
	return pusher("rtmp-tiny", "pushes frames of sound of two bytes behind a header of one, and a picture now and then", 4_000_000, 1000, func() func([]byte, int) []byte {
		m := rtmpclient.Message{Chunk: 4, Type: rtmpclient.TypeAudio, Stream: rtmpStream}
		return func(b []byte, i int) []byte {
			switch {
			case i == 0:
				b = opened(b, i)
				return append(rtmpclient.AppendHead(b, 0, m, 0, len(soundBody)), soundBody...)
			case i%20_000 == 0:
				b = key(b, uint32(i/1000), i/20_000)
			}
			return append(rtmpclient.AppendHead(b, 3, m, 0, 0), soundBody...)
		}
	})
}

func emptyMessages() Attack {
	return pusher("rtmp-empty", "pushes messages of one byte, a header and nothing else, that say nothing", 60_000_000, 10_000, func() func([]byte, int) []byte {
		list := []rtmpclient.Message{{Chunk: 10, Type: rtmpclient.TypeAck}, {Chunk: 11, Type: 99}}
		return func(b []byte, i int) []byte {
			if b = opened(b, i); i < len(list) {
				return rtmpclient.AppendHead(b, 0, list[i], 0, 0)
			}
			return rtmpclient.AppendHead(b, 3, list[i%len(list)], 0, 0)
		}
	})
}

func tinyChunks() Attack {
	body := append([]byte(nil), soundBody...)
	body = append(body, strings.Repeat("x", 998)...)
	return pusher("rtmp-chunks", "pushes in chunks of one byte, and says before each message that they have 2 GB, and that they have one", 400_000, 20, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			b = opened(b, i)
			for _, size := range []uint32{1<<31 - 1, 1} {
				b = rtmpclient.AppendMessage(b, rtmpclient.NumberMessage(rtmpclient.TypeChunkSize, size), rtmpSize)
			}
			b = rtmpclient.AppendMessage(b, rtmpclient.Message{Chunk: 4, Type: rtmpclient.TypeAudio, Stream: rtmpStream, Time: uint32(i), Body: body}, 1)
			return rtmpclient.AppendMessage(b, rtmpclient.NumberMessage(rtmpclient.TypeChunkSize, rtmpSize), 1)
		}
	})
}

func pusherPings() Attack {
	return pusher("rtmp-push-pings", "pushes a stream, pings the pump without a pause, and reads nothing", 4_000_000, 1000, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			return rtmpclient.AppendMessage(opened(b, i), rtmpclient.ControlMessage(rtmpclient.PingRequest, uint32(i)), rtmpSize)
		}
	})
}

func pusherAcks() Attack {
	return pusher("rtmp-push-acks", "pushes a stream, wants each byte of it to be acknowledged, and acknowledges without a pause itself", 8_000_000, 4000, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			if b = opened(b, i); i%2 == 0 {
				return rtmpclient.AppendMessage(b, rtmpclient.NumberMessage(rtmpclient.TypeWindow, 1), rtmpSize)
			}
			return rtmpclient.AppendMessage(b, rtmpclient.NumberMessage(rtmpclient.TypeAck, uint32(i)), rtmpSize)
		}
	})
}

// manyFields is metadata of nearly 64 KiB: numbers, and fields behind them, the last of which
// is a number as well.
func manyFields(more ...amf0.Property) []byte {
	var all amf0.Array
	for i := range 3200 {
		all = append(all, amf0.Property{Name: fmt.Sprintf("field%04d", i), Value: float64(i)})
	}
	return amf0.Append(nil, "onMetaData", append(all, more...))
}

// promised is such metadata of a source with pictures and sound.
func promised() []byte {
	return manyFields(amf0.Property{Name: "videocodecid", Value: 7.0}, amf0.Property{Name: "audiocodecid", Value: 10.0})
}

func metadataStorm() Attack {
	return pusher("rtmp-metadata", "pushes other metadata of 64 KB with each frame", 100_000, 10, func() func([]byte, int) []byte {
		body := manyFields()
		number := len(body) - len("\x00\x00\x09") - 8
		return func(b []byte, i int) []byte {
			binary.BigEndian.PutUint64(body[number:], uint64(i))
			return tone(put(opened(b, i), rtmpclient.TypeData, 0, body), uint32(i), i)
		}
	})
}

// bombs are values that are small and announce much, or nest.
func bombs() []string {
	const name, huge = "\x02\x00\x0AonMetaData", "\xFF\xFF\xFF\xFF"
	deep := func(open string) string { return name + strings.Repeat(open, 60_000/len(open)) }
	return []string{
		deep("\x0A\x00\x00\x00\x01"),           // a list in a list
		deep("\x03\x00\x01a"),                  // an object in an object
		deep("\x08\x00\x00\x00\x01\x00\x01a"),  // an array in an array
		name + "\x0A" + huge,                   // a list of four billions
		name + "\x08" + huge + "\x00\x01a\x05", // such an array
		name + "\x0C" + huge + "text",          // a text of 4 GB
		name + "\x0A" + huge + strings.Repeat("\x05", 60_000),
		name + "\x08" + huge + strings.Repeat("\x00\x00\x05", 20_000),
		strings.Repeat("\x05", 60_000), // no name at all
	}
}

func amfBombs() Attack {
	return pusher("rtmp-amf", "pushes metadata that nest in themselves, and that announce billions of fields or bytes", 200_000, 9, func() func([]byte, int) []byte {
		list := bombs()
		return func(b []byte, i int) []byte {
			typ := rtmpclient.TypeData
			body := list[i%len(list)]
			if i/len(list)%2 == 1 {
				typ, body = rtmpclient.TypeDataAMF3, "\x00"+body
			}
			return tone(put(opened(b, i), typ, 0, []byte(body)), uint32(i), i)
		}
	})
}

func promises() Attack {
	return pusher("rtmp-promises", "announces pictures and sound in metadata of 64 KB, and sends a header of pictures again and again, and no sound", 4_000_000, 4000, func() func([]byte, int) []byte {
		s := flvsynth.Plain()
		header := s.Header(flvsynth.Video, 0)
		m := rtmpclient.Message{Chunk: 6, Type: rtmpclient.TypeVideo, Stream: rtmpStream}
		return func(b []byte, i int) []byte {
			if i == 0 {
				b = put(b, rtmpclient.TypeData, 0, promised())
				return append(rtmpclient.AppendHead(b, 0, m, 0, len(header)), header...)
			}
			return append(rtmpclient.AppendHead(b, 3, m, 0, 0), header...)
		}
	})
}

// changingHeaders are key frames with another header before each.
func changingHeaders() func([]byte, int) []byte {
	s := flvsynth.Plain()
	return func(b []byte, i int) []byte {
		header := binary.BigEndian.AppendUint32(s.Header(flvsynth.Video, 0), uint32(i))
		return key(put(opened(b, i), rtmpclient.TypeVideo, uint32(i)*40, header), uint32(i)*40, i)
	}
}

func changingCodecs() Attack {
	return pusher("rtmp-codecs", "pushes pictures of H.264 and of HEVC in turn", 1_000_000, 100, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			if b = opened(b, i); i%2 == 0 {
				return put(b, rtmpclient.TypeVideo, uint32(i), append([]byte("\x91hvc1\x00\x00\x00\x00\x00\x00\x02\x26"), byte(i)))
			}
			return key(b, uint32(i), i)
		}
	})
}

func wildTimes() Attack {
	return pusher("rtmp-jumps", "pushes messages of which each has another time than the one before, and some metadata with such", 1_000_000, 1000, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			n := uint32(i) * 2_654_435_761
			b = tone(key(opened(b, i), n, i), n>>3, i)
			return put(b, rtmpclient.TypeData, ^n, amf0.Append(nil, "onCuePoint", float64(i)))
		}
	})
}

// flvTag appends a tag as it is in an aggregate.
func flvTag(b []byte, typ byte, time uint32, body []byte) []byte {
	b = append(b, typ, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)), byte(time>>16), byte(time>>8), byte(time), byte(time>>24), 0, 0, 0)
	return binary.BigEndian.AppendUint32(append(b, body...), uint32(11+len(body)))
}

// longest is the longest message that a pump takes.
const longest = 4 << 20

// thousandsOfTags are messages with as many tags as there is room for: of sound, of the end of
// a sequence, which means nothing to viewers, and of a type that there is not.
func thousandsOfTags() func([]byte, int) []byte {
	var list [3][]byte
	for k, tag := range [][]byte{flvTag(nil, rtmpclient.TypeAudio, 0, soundBody), flvTag(nil, rtmpclient.TypeVideo, 0, []byte{0x17, 2, 0, 0, 0}), flvTag(nil, 1, 0, nil)} {
		list[k] = bytes.Repeat(tag, longest/len(tag))
	}
	return func(b []byte, i int) []byte {
		return put(opened(b, i), rtmpclient.TypeAggregate, uint32(i)*40, list[i%len(list)])
	}
}

func zeros() Attack {
	return pusher("rtmp-zeros", "pushes messages of 4 MB of zeros, some of which say that they are key frames", 2000, 1, func() func([]byte, int) []byte {
		body := make([]byte, longest)
		return func(b []byte, i int) []byte {
			if body[0], body[1] = 0, 0; i%2 == 1 {
				body[0], body[1] = 0x17, 1
			}
			return put(opened(b, i), rtmpclient.TypeVideo, uint32(i)*40, body)
		}
	})
}

func forgedStreams() Attack {
	return pusher("rtmp-forged", "pushes on message streams and on chunk streams that it was not given, another with each message", 1_000_000, 100, func() func([]byte, int) []byte {
		return func(b []byte, i int) []byte {
			b = opened(b, i)
			// The sixty-second chunk stream and those behind it are too many; before that
			// it pushes for a while.
			m := rtmpclient.Message{Chunk: 10 + uint32(i/1000)*1000%65_000, Type: rtmpclient.TypeAudio, Stream: uint32(i) * 2_654_435_761, Time: uint32(i), Body: append(soundBody[:2:2], byte(i))}
			b = rtmpclient.AppendMessage(b, m, rtmpSize)
			m.Type, m.Body = rtmpclient.TypeCommand, amf0.Append(nil, "play", 0.0, nil, "film")
			return rtmpclient.AppendMessage(b, m, rtmpSize)
		}
	})
}

// part appends the first chunks of a message of pictures that does not end, behind which
// others may go on.
func part(b []byte, chunk uint32, length, chunks int) []byte {
	m := rtmpclient.Message{Chunk: chunk, Type: rtmpclient.TypeVideo, Stream: rtmpStream}
	b = rtmpclient.AppendHead(b, 0, m, 0, length)
	for i := range chunks {
		if i > 0 {
			b = rtmpclient.AppendHead(b, 3, m, 0, 0)
		}
		b = append(b, make([]byte, rtmpSize)...)
	}
	return b
}

// partials are as much of messages without an end as a pump holds, and what would be more
// than that. The parts of different messages come in turn.
func partials() Attack {
	return pusher("rtmp-partial", "pushes the beginnings of messages on 60 chunk streams, in turn, and never the end of one", 6000, 1, func() func([]byte, int) []byte {
		const streams = 60
		return func(b []byte, i int) []byte {
			b = opened(b, i)
			m := rtmpclient.Message{Chunk: 10 + uint32(i%streams), Type: rtmpclient.TypeVideo, Stream: rtmpStream}
			if i < streams {
				b = rtmpclient.AppendHead(b, 0, m, 0, longest)
			} else {
				b = rtmpclient.AppendHead(b, 3, m, 0, 0)
			}
			return append(b, make([]byte, rtmpSize)...)
		}
	})
}

// unfinished are encoders that never get as far as a stream.
func unfinished() Attack {
	return Attack{
		Name: "rtmp-unfinished", What: "publishes on many connections, and sends 16 MB of messages that never end on each, or as much as a pump takes",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 1000, Connections: 60, Rate: 200},
		run: func(a *assault) error {
			return a.numbered(func(worker int) error {
				if !a.next(1) {
					return nil
				}
				l, err := a.publishRTMP()
				if err != nil {
					return err
				}
				defer l.Close()
				// Frames that are held until it is clear which tracks there are, and parts.
				b := put(nil, rtmpclient.TypeVideo, 0, append(keyBody[:len(keyBody):len(keyBody)], make([]byte, 900_000)...))
				if worker%2 == 0 {
					b = part(b, 10, 2<<20, 31)
				} else {
					for k := range 60 {
						b = part(b, 10+uint32(k), 270_000, 4)
					}
				}
				if _, err := l.Write(b); err != nil {
					return err
				}
				select {
				case <-l.gone:
					return errors.New("the pump has closed the connection")
				case <-a.ctx.Done():
					return nil
				}
			})
		},
	}
}

// rtmpTakeovers are encoders that take a stream from each other.
func rtmpTakeovers() Attack {
	return Attack{
		Name: "rtmp-takeovers", What: "has encoders take one stream over from each other as fast as they can, some of which have other headers",
		Unit: "takeovers",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 6, Rate: -1},
		run: func(a *assault) error {
			return a.numbered(func(worker int) error {
				s := flvsynth.Plain()
				if s.Run = uint32(worker); worker == 0 {
					s = s.Other()
				}
				for a.next(1) {
					l, err := a.publishRTMP()
					if err != nil {
						return err
					}
					src, b := flvsynth.New(s), []byte(nil)
					for _, t := range src.Preamble() {
						b = put(b, t.Type, t.Time, t.Body)
					}
					for range 50 {
						t := src.Next()
						b = put(b, t.Type, t.Time, t.Body)
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

// silentPublishes are encoders that publish and send nothing, or next to it.
func silentPublishes() Attack {
	return Attack{
		Name: "rtmp-silent-publish", What: "publishes one stream on many connections, and sends nothing of it, or the header of a message byte by byte",
		Unit: "connections",
		Own:  Bounds{For: 3 * time.Second, Units: 1000, Connections: 40, Rate: -1},
		run: func(a *assault) error {
			return a.numbered(func(worker int) error {
				for a.next(1) {
					l, err := a.publishRTMP()
					if err != nil {
						return err
					}
					a.drip(l, []string{"", "\x06\x00\x00\x00\x00\x00\x10\x09\x01\x00\x00\x00\x17"}[worker%2])
					_ = l.Close()
				}
				return nil
			})
		},
	}
}
