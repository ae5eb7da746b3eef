package config

import (
	"bytes"
	"errors"
	"io"

	"streampump/engine/trust"
)

// Pull is where a pulled stream comes from.
type Pull struct {
	Host string // a name or an IP address, without brackets
	Port int
	Path string // as it stands in the request: escaped, with its query, and beginning with "/"
	// User and Password are what the source is told if it asks who we are; both are empty
	// if it is not to be told. Only streams of [TypeRTSPPull] have them. Whoever logs or
	// shows a Pull leaves them out.
	User, Password string
	// TLS is nil for a source without TLS, and otherwise says how the source is judged.
	// Its Host is the one above.
	TLS *trust.Options
}

// source reads a stream's type and its source_options.
func (w *walker) source(o object, s *Stream) {
	typ, ok := o.get("type")
	if !ok {
		w.fail(o.node, `this stream has no "type" (%s)`, either(typeNames(types)))
	} else if i, ok := w.choice(typ, typeNames(types)...); ok {
		s.Type = types[i]
	}
	n, given := o.get("source_options")
	switch {
	case given:
	case s.Type.Pulled() || s.Type == TypeFile:
		w.fail(o.node, `a stream of type %s needs "source_options"`, s.Type)
		return
	default:
		return
	}
	switch {
	case s.Type.Pulled():
		w.pull(n, s)
	case s.Type == TypeFile:
		w.play(n, s)
	case s.Type.Pushed():
		w.push(n, s.Type)
	default: // the type is unknown, the keys need not be
		w.object(n, sourceTable(types...))
	}
}

// push checks the source_options of a pushed stream: none.
func (w *walker) push(n node, t Type) {
	o, ok := w.object(n, sourceTable(types...))
	if ok && len(o.keys) > 0 {
		w.fail(n, "a stream of type %s has no source_options: its encoder connects to us", t)
	}
}

// play reads the file of a file stream.
func (w *walker) play(n node, s *Stream) {
	o, ok := w.object(n, sourceTable(TypeFile))
	if !ok {
		return
	}
	v, ok := o.get("file")
	if !ok {
		w.fail(n, `a stream of type %s needs a "file"`, TypeFile)
		return
	}
	if s.File, ok = w.file(v); !ok || !s.Enabled {
		return
	}
	if err := checkASF(s.File); err != nil {
		w.streamf(v.at, v.ptr, "the file %s %v", quote(s.File), err)
	}
}

// asfHeader is the GUID that every ASF file begins with ([ASF] 10.1,
// ASF_Header_Object), as it lies in the file.
const asfHeader = "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"

// checkASF says why a file cannot be played: not there, not readable, not ASF. The
// rest is left to those who know ASF.
func checkASF(path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	first := make([]byte, len(asfHeader))
	_, err = io.ReadFull(f, first)
	switch {
	case err == nil && bytes.Equal(first, []byte(asfHeader)):
		return nil
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is not an ASF file (.asf, .wmv or .wma)")
	}
	return plain("cannot be read", err)
}
