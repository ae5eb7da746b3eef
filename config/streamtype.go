package config

import (
	"strings"

	"github.com/tailscale/hujson"
)

// Type is where a stream's packets come from, and by which protocol.
type Type string

// The types of stream, as the file spells them.
const (
	TypeMMSHPull Type = "mmsh_pull" // fetched from an MMSH server
	TypeMMSHPush Type = "mmsh_push" // sent by an encoder over MMSH
	TypeRTSPPull Type = "rtsp_pull" // fetched from an RTSP server, a camera for instance
	TypeRTSPPush Type = "rtsp_push" // sent by an encoder over RTSP
	TypeRTMPPull Type = "rtmp_pull" // fetched from an RTMP server
	TypeRTMPPush Type = "rtmp_push" // sent by an encoder over RTMP, OBS for instance
	TypeFile     Type = "file"      // played from an ASF file, again and again
)

// types are all of them, in the order in which a sentence names them.
var types = []Type{TypeMMSHPull, TypeMMSHPush, TypeRTSPPull, TypeRTSPPush, TypeRTMPPull, TypeRTMPPush, TypeFile}

// The protocols, as [codec.Protocol.Name] has them.
const (
	MMSH = "mmsh"
	RTSP = "rtsp"
	RTMP = "rtmp"
)

// Protocol is the name of the one protocol by which a stream of this type is viewed, and
// pushed if it is pushed: nothing is converted. It is empty for an unknown type.
func (t Type) Protocol() string {
	switch t {
	case TypeMMSHPull, TypeMMSHPush, TypeFile:
		return MMSH
	case TypeRTSPPull, TypeRTSPPush:
		return RTSP
	case TypeRTMPPull, TypeRTMPPush:
		return RTMP
	}
	return ""
}

// Pulled reports whether the pump fetches the stream from a server.
func (t Type) Pulled() bool {
	return t == TypeMMSHPull || t == TypeRTSPPull || t == TypeRTMPPull
}

// Pushed reports whether an encoder sends the stream to the pump.
func (t Type) Pushed() bool {
	return t == TypeMMSHPush || t == TypeRTSPPush || t == TypeRTMPPush
}

// typesOver are the types of stream that come by a protocol.
func typesOver(protocol string) (of []Type) {
	for _, t := range types {
		if t.Protocol() == protocol {
			of = append(of, t)
		}
	}
	return of
}

// typeNames are the types as texts.
func typeNames(of []Type) (names []string) {
	for _, t := range of {
		names = append(names, string(t))
	}
	return names
}

// either is a list of words of which one is meant: "a, b or c".
func either(words []string) string { return joined(words, " or ") }

// joined is a list of words with another word before the last.
func joined(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	end := len(words) - 1
	return strings.Join(words[:end], ", ") + last + words[end]
}

// anyOver reports whether the file has a stream that comes by a protocol, and whether one
// of these is enabled. It is asked before the streams are read, for where to listen, and
// leaves their mistakes to those who read them.
func anyOver(root object, protocol string) (configured, enabled bool) {
	n, _ := root.get("streams")
	list, ok := n.value.(*hujson.Array)
	if !ok {
		return false, false
	}
	for _, e := range list.Elements {
		stream, ok := e.Value.(*hujson.Object)
		if !ok || Type(peek(stream, "type")).Protocol() != protocol {
			continue
		}
		configured = true
		enabled = enabled || !strings.EqualFold(peek(stream, "enabled"), "false")
	}
	return configured, enabled
}

// peek is the text, number or truth value of a key as it is written; empty if there is
// none.
func peek(o *hujson.Object, key string) string {
	for i := range o.Members {
		if name, ok := o.Members[i].Name.Value.(hujson.Literal); ok && name.String() == key {
			return literal(node{value: o.Members[i].Value.Value})
		}
	}
	return ""
}
