package mmsh

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What came in place of MMSH, or ASF, is named to the operator by its first bytes: in
// most cases the address is wrong, or an option.

// beginning is how many of its first bytes tell what a body is.
const beginning = 4

// bodyKind is what a body may be.
type bodyKind uint8

const (
	unknown bodyKind = iota
	plainASF
	packetsMMSH
	playlistText
	webPage
	otherMedia
)

// contentOf judges a body by its first bytes, of which there are beginning, and
// its media type.
func contentOf(b []byte, media string) bodyKind {
	first := strings.ToLower(string(b[:beginning]))
	switch {
	case string(b[:beginning]) == "\x30\x26\xB2\x75":
		return plainASF
	case b[0]&^bFlag == frameByte:
		return packetsMMSH
	}
	switch first {
	case "<asx", "[ref", "[pla", "#ext", "http", "mms:", "mmsh", "rtsp", "<?wp":
		return playlistText
	case "<htm", "<!do":
		return webPage
	case "flv\x01", "oggs", "\x1ae\xdf\xa3", "riff", "id3\x03", "id3\x04":
		return otherMedia
	}
	// A blank, a comment or a mark of the encoding may come first.
	switch media, _, _ = strings.Cut(strings.ToLower(media), ";"); {
	case b[0] == 0x47: // of an MPEG transport stream
		return otherMedia
	case media == "text/html":
		return webPage
	case isPlaylistType(media) && isText(b):
		return playlistText
	default:
		return unknown
	}
}

// isText reports whether a text can begin like this: with a mark of its encoding, or
// with no control byte.
func isText(b []byte) bool {
	mark := b[0] == 0xEF && b[1] == 0xBB || b[0] == 0xFF && b[1] == 0xFE || b[0] == 0xFE && b[1] == 0xFF
	return mark || bytes.IndexFunc(b, func(r rune) bool {
		return r < ' ' && r != '\r' && r != '\n' && r != '\t' || r == utf8.RuneError
	}) < 0
}

// isPlaylistType reports whether a media type is one of playlists. Those of ASF
// itself are among them: servers of this kind use them for both.
func isPlaylistType(media string) bool {
	switch strings.TrimSpace(media) {
	case playlistType, "video/x-ms-wvx", "audio/x-ms-wax", "video/x-ms-asx", "video/x-ms-wmx",
		"application/vnd.ms-asf", "application/asx", "audio/x-mpegurl", "audio/x-scpls", "application/xspf+xml":
		return true
	}
	return false
}

// notPulled is the error for a source's answer that is not MMSH.
func notPulled(b []byte, media string) error {
	switch contentOf(b, media) {
	case plainASF:
		return errors.New("the source sends plain ASF, as a file or a download, not MMSH, and only MMSH can be pulled")
	case playlistText:
		return errors.New("the source answers with a playlist, not a stream: the address to pull is in it")
	case webPage:
		return errors.New("the source answers with a web page, not a stream")
	default:
		return fmt.Errorf("the source answers with %q, which is not MMSH", media)
	}
}
