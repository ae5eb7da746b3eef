package asf

import (
	"cmp"
	"time"

	"streampump/codec/wire"
)

// appendFileProps appends the File Properties Object [ASF 3.2] of a header that
// has size bytes in all.
func (s *HeaderSpec) appendFileProps(dst []byte, size int) []byte {
	flags, packets := s.ExtraFlags|flagSeekable, s.Packets
	file, play := uint64(size)+s.Packets*uint64(s.PacketSize), uint64(s.Duration/100)
	if s.Live {
		flags, packets = s.ExtraFlags|flagBroadcast, 0xFFFFFFFF
		file, play = uint64(size), 0
	}
	return appendObject(dst, guidFileProps, func(dst []byte) []byte {
		dst = append(dst, s.FileID[:]...)
		dst = wire.AppendU64(dst, file)
		dst = wire.AppendU64(dst, s.Created)
		dst = wire.AppendU64(dst, packets)
		dst = wire.AppendU64(dst, play)
		dst = wire.AppendU64(dst, play)
		dst = wire.AppendU64(dst, uint64(s.Preroll/time.Millisecond))
		dst = wire.AppendU32(dst, flags)
		dst = wire.AppendU32(dst, uint32(s.PacketSize))
		dst = wire.AppendU32(dst, uint32(s.PacketSize))
		return wire.AppendU32(dst, s.bitrate())
	})
}

// appendCodecList appends the Codec List Object [ASF 3.5], the picture first.
func (s *HeaderSpec) appendCodecList(dst []byte) []byte {
	if !s.CodecList {
		return dst
	}
	return appendObject(dst, guidCodecList, func(dst []byte) []byte {
		dst = append(dst, guidReservedCodecList[:]...)
		countAt := len(dst)
		dst = wire.AppendU32(dst, 0)
		var count uint32
		for _, kind := range []StreamKind{Video, Audio} {
			for i := range s.Streams {
				if s.Streams[i].Kind == kind {
					dst = s.Streams[i].appendCodec(dst)
					count++
				}
			}
		}
		wire.PutU32(dst[countAt:], count)
		return dst
	})
}

// appendCodec appends one entry of the codec list.
func (s *StreamSpec) appendCodec(dst []byte) []byte {
	kind, id := uint16(1), []byte(s.FourCC)
	if s.Kind == Audio {
		kind, id = 2, wire.AppendU16(nil, s.FormatTag)
	}
	dst = wire.AppendU16(dst, kind)
	for _, text := range []string{s.CodecName, s.CodecDetail} {
		dst = wire.AppendU16(dst, uint16(textUnits(text)))
		dst = appendText(dst, text)
	}
	dst = wire.AppendU16(dst, uint16(len(id)))
	return append(dst, id...)
}

// appendStreamBitrates appends the Stream Bitrate Properties Object [ASF 3.12].
func (s *HeaderSpec) appendStreamBitrates(dst []byte) []byte {
	if !s.StreamBitrates {
		return dst
	}
	return appendObject(dst, guidStreamBitrates, func(dst []byte) []byte {
		dst = wire.AppendU16(dst, uint16(len(s.Streams)))
		for i := range s.Streams {
			dst = wire.AppendU16(dst, uint16(s.Streams[i].Number))
			dst = wire.AppendU32(dst, s.Streams[i].total())
		}
		return dst
	})
}

// appendExtension appends the Header Extension Object [ASF 3.4].
func (s *HeaderSpec) appendExtension(dst []byte) []byte {
	return appendObject(dst, guidHeaderExtension, func(dst []byte) []byte {
		dst = append(dst, guidReservedExtension[:]...)
		dst = wire.AppendU16(dst, 6)
		sizeAt := len(dst)
		dst = wire.AppendU32(dst, 0)
		dst = s.appendLanguages(dst)
		for i := range s.Streams {
			dst = s.Streams[i].appendExtended(dst)
		}
		if s.Compatibility {
			dst = appendObject(dst, guidCompatibility, func(dst []byte) []byte { return append(dst, 2, 1) })
		}
		dst = s.appendMetadata(dst)
		if s.Padding > 0 {
			dst = appendObject(dst, guidPadding, func(dst []byte) []byte {
				return append(dst, make([]byte, s.Padding-objectHead)...)
			})
		}
		wire.PutU32(dst[sizeAt:], uint32(len(dst)-sizeAt-4))
		return dst
	})
}

// appendLanguages appends the Language List Object [ASF 4.6].
func (s *HeaderSpec) appendLanguages(dst []byte) []byte {
	if len(s.Languages) == 0 {
		return dst
	}
	return appendObject(dst, guidLanguageList, func(dst []byte) []byte {
		dst = wire.AppendU16(dst, uint16(len(s.Languages)))
		for _, l := range s.Languages {
			dst = append(dst, uint8(2*textUnits(l)))
			dst = appendText(dst, l)
		}
		return dst
	})
}

// appendExtended appends the Extended Stream Properties Object [ASF 4.1], with
// the stream's own properties inside if they are hidden.
func (s *StreamSpec) appendExtended(dst []byte) []byte {
	if !s.Extended && !s.Hidden {
		return dst
	}
	var flags uint32
	if s.NoCleanPoints {
		flags = 4
	}
	return appendObject(dst, guidExtStreamProps, func(dst []byte) []byte {
		dst = append(dst, make([]byte, 16)...)
		for range 2 { // the usual and the alternate leaky bucket
			dst = wire.AppendU32(dst, s.Bitrate)
			dst = wire.AppendU32(dst, s.Buffer)
			dst = wire.AppendU32(dst, 0)
		}
		dst = wire.AppendU32(dst, s.ObjectMax)
		dst = wire.AppendU32(dst, flags)
		dst = wire.AppendU16(dst, uint16(s.Number))
		dst = wire.AppendU16(dst, 0)
		dst = wire.AppendU64(dst, uint64(s.FrameTime/100))
		dst = wire.AppendU16(dst, 0)
		dst = wire.AppendU16(dst, uint16(len(s.Extensions)))
		for _, e := range s.Extensions {
			dst = append(dst, e.System[:]...)
			dst = wire.AppendU16(dst, e.Size)
			dst = wire.AppendU32(dst, 0)
		}
		if s.Hidden {
			dst = s.appendProps(dst)
		}
		return dst
	})
}

// appendMetadata appends the Metadata Object [ASF 4.7].
func (s *HeaderSpec) appendMetadata(dst []byte) []byte {
	if len(s.Metadata) == 0 {
		return dst
	}
	return appendObject(dst, guidMetadata, func(dst []byte) []byte {
		dst = wire.AppendU16(dst, uint16(len(s.Metadata)))
		for _, a := range s.Metadata {
			value := a.value()
			dst = wire.AppendU16(dst, 0)
			dst = wire.AppendU16(dst, uint16(a.Stream))
			dst = wire.AppendU16(dst, uint16(2*textUnits(a.Name)))
			dst = wire.AppendU16(dst, a.Type)
			dst = wire.AppendU32(dst, uint32(len(value)))
			dst = appendText(dst, a.Name)
			dst = append(dst, value...)
		}
		return dst
	})
}

// appendContent appends the Extended Content Description Object [ASF 3.11].
func (s *HeaderSpec) appendContent(dst []byte) []byte {
	if len(s.Content) == 0 {
		return dst
	}
	return appendObject(dst, guidExtContent, func(dst []byte) []byte {
		dst = wire.AppendU16(dst, uint16(len(s.Content)))
		for _, a := range s.Content {
			value := a.value()
			dst = wire.AppendU16(dst, uint16(2*textUnits(a.Name)))
			dst = appendText(dst, a.Name)
			dst = wire.AppendU16(dst, a.Type)
			dst = wire.AppendU16(dst, uint16(len(value)))
			dst = append(dst, value...)
		}
		return dst
	})
}

func (a Attribute) value() []byte {
	if a.Bytes != nil {
		return a.Bytes
	}
	return appendText(nil, a.Text)
}

// appendProps appends the Stream Properties Object [ASF 3.3].
func (s *StreamSpec) appendProps(dst []byte) []byte {
	kind, correction := s.kindGUID(), guidNoCorrection
	typeData, corrData := s.typeData(), []byte(nil)
	if s.Kind == Audio {
		correction, corrData = guidAudioSpread, s.spread()
	}
	return appendObject(dst, guidStreamProps, func(dst []byte) []byte {
		dst = append(dst, kind[:]...)
		dst = append(dst, correction[:]...)
		dst = wire.AppendU64(dst, 0)
		dst = wire.AppendU32(dst, uint32(len(typeData)))
		dst = wire.AppendU32(dst, uint32(len(corrData)))
		dst = wire.AppendU16(dst, uint16(s.Number))
		dst = wire.AppendU32(dst, 0)
		dst = append(dst, typeData...)
		return append(dst, corrData...)
	})
}

func (s *StreamSpec) kindGUID() wire.GUID {
	switch s.Kind {
	case Audio:
		return guidAudio
	case Video:
		return guidVideo
	case Command:
		return guidCommand
	}
	return wire.GUID{} // a type that nobody knows
}

// spread is the data of the audio spread error correction that spreads nothing:
// a span of 1, packet and chunk of one block, one byte of silence [ASF 9.1].
func (s *StreamSpec) spread() []byte {
	b := []byte{1}
	b = wire.AppendU16(b, uint16(s.BlockAlign))
	b = wire.AppendU16(b, uint16(s.BlockAlign))
	b = wire.AppendU16(b, 1)
	return append(b, 0)
}

// typeData is the type-specific data [ASF 9.1, 9.2].
func (s *StreamSpec) typeData() (b []byte) {
	switch s.Kind {
	case Audio:
		b = wire.AppendU16(b, s.FormatTag)
		b = wire.AppendU16(b, uint16(s.Channels))
		b = wire.AppendU32(b, uint32(s.SampleRate))
		b = wire.AppendU32(b, s.Bitrate/8)
		b = wire.AppendU16(b, uint16(s.BlockAlign))
		b = wire.AppendU16(b, uint16(cmp.Or(s.SampleBits, 16)))
		b = wire.AppendU16(b, uint16(len(s.CodecData)))
	case Video:
		size := uint32(40 + len(s.CodecData))
		b = wire.AppendU32(b, uint32(s.Width))
		b = wire.AppendU32(b, uint32(s.Height))
		b = append(b, 2)
		b = wire.AppendU16(b, uint16(size))
		b = wire.AppendU32(b, size)
		b = wire.AppendU32(b, uint32(s.Width))
		b = wire.AppendU32(b, uint32(s.Height))
		b = wire.AppendU16(b, 1)
		b = wire.AppendU16(b, 24)
		b = append(b, (s.FourCC + "\x00\x00\x00\x00")[:4]...)
		b = wire.AppendU32(b, uint32(s.Width*s.Height*3)) // of the picture, in bytes
		b = append(b, make([]byte, 16)...)
	}
	return append(b, s.CodecData...)
}
