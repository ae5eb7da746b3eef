package asf

import "streampump/codec/wire"

// The GUIDs of objects, stream types and error correction types that are read
// or built [ASF 10].
var (
	guidHeader          = mustGUID("75B22630-668E-11CF-A6D9-00AA0062CE6C")
	guidData            = mustGUID("75B22636-668E-11CF-A6D9-00AA0062CE6C")
	guidFileProps       = mustGUID("8CABDCA1-A947-11CF-8EE4-00C00C205365")
	guidStreamProps     = mustGUID("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
	guidHeaderExtension = mustGUID("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
	guidExtStreamProps  = mustGUID("14E6A5CB-C672-4332-8399-A96952065B5A")
	guidCodecList       = mustGUID("86D15240-311D-11D0-A3A4-00A0C90348F6")
	guidStreamBitrates  = mustGUID("7BF875CE-468D-11D1-8D82-006097C9A2B2")
	guidPadding         = mustGUID("1806D474-CADF-4509-A4BA-9AABCB96AAE8")
	guidLanguageList    = mustGUID("7C4346A9-EFE0-4BFC-B229-393EDE415C85")
	guidCompatibility   = mustGUID("26F18B5D-4584-47EC-9F5F-0E651F0452C9")
	guidMetadata        = mustGUID("C5F8CBEA-5BAF-4877-8467-AA8C44FA4CCA")
	guidExtContent      = mustGUID("D2D0A440-E307-11D2-97F0-00A0C95EA850")
	guidContent         = mustGUID("75B22633-668E-11CF-A6D9-00AA0062CE6C")
	guidMutualExclusion = mustGUID("D6E229DC-35DA-11D1-9034-00A0C90349BE")

	guidAudio   = mustGUID("F8699E40-5B4D-11CF-A8FD-00805F5C442B")
	guidVideo   = mustGUID("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B")
	guidCommand = mustGUID("59DACFC0-59E6-11D0-A3AC-00A0C90348F6")

	guidNoCorrection = mustGUID("20FB5700-5B55-11CF-A8FD-00805F5C442B")
	guidAudioSpread  = mustGUID("BFC3CD50-618F-11CF-8BB2-00AA00B4E220")

	// Fixed values of reserved fields [ASF 3.4, 3.5].
	guidReservedExtension = mustGUID("ABD3D211-A9BA-11CF-8EE6-00C00C205365")
	guidReservedCodecList = mustGUID("86D15241-311D-11D0-A3A4-00A0C90348F6")

	// Payload extension systems that Expression Encoder 4 declares for video.
	guidPixelAspectRatio = mustGUID("1B1EE554-F9EA-4BC8-821A-376B74E4C4B8")
	guidSampleDuration   = mustGUID("C6BD9450-867F-4907-83A3-C77921B733AD")
)

// mustGUID serves the table above only: a bad literal cannot get past the
// first test that is run.
func mustGUID(s string) wire.GUID {
	g, ok := wire.ParseGUID(s)
	if !ok {
		panic("bad GUID literal " + s)
	}
	return g
}

// objectName is an object's name in a dump; unknown objects go by their GUID.
func objectName(g wire.GUID) string {
	switch g {
	case guidHeader:
		return "header"
	case guidData:
		return "data"
	case guidFileProps:
		return "file properties"
	case guidStreamProps:
		return "stream properties"
	case guidHeaderExtension:
		return "header extension"
	case guidExtStreamProps:
		return "extended stream properties"
	case guidCodecList:
		return "codec list"
	case guidStreamBitrates:
		return "stream bitrate properties"
	case guidPadding:
		return "padding"
	case guidLanguageList:
		return "language list"
	case guidCompatibility:
		return "compatibility"
	case guidMetadata:
		return "metadata"
	case guidContent:
		return "content description"
	case guidExtContent:
		return "extended content description"
	case guidMutualExclusion:
		return "bitrate mutual exclusion"
	}
	return g.String()
}
