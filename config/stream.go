package config

import (
	"fmt"
	"strings"

	"streampump/access"
	"streampump/engine"
)

// Stream is one stream of the configuration.
type Stream struct {
	Name    string // for people; the path where the file gives none
	Path    string // for URLs, as written; paths are compared without case
	Enabled bool
	Type    Type
	Pull    Pull   // only of types that are [Type.Pulled]
	File    string // TypeFile only: an ASF file, relative to the process's folder or absolute
	// Limits bound the stream's viewers, besides those of the pump.
	Limits engine.Room
	// FullTo is the web address where viewers are sent for whom there is no room; empty
	// if there is none.
	FullTo string
	// Access are its own rules in place of the default's; they are in [Config.Access] too.
	Access access.StreamRules
}

const (
	// maxPath leaves room for a host and a prefix: old players take URLs of
	// 256 characters at most ([MS-WMSP] 3.2.5.4).
	maxPath = 128
	// pushSuffix is what an encoder adds to the path of a push stream.
	pushSuffix = "_push"
)

// streams reads all streams and what they must not have in common.
func (w *walker) streams(root object, c *Config) {
	n, ok := root.get("streams")
	if !ok {
		w.warn(root.node, `there are no "streams": every request will be answered 404`)
		return
	}
	elements, ok := w.list(n)
	if !ok {
		return
	}
	p := paths{walker: w, taken: map[string]taken{}}
	enabled := 0
	var places []node
	for _, e := range elements {
		s, at := w.stream(e, c)
		c.Streams, places = append(c.Streams, s), append(places, at)
		c.enterAccess(s)
		if s.Enabled {
			enabled++
		}
		p.claim(s, at)
	}
	w.circles(c, places)
	if enabled == 0 {
		w.warn(n, "no stream is enabled: every request will be answered 404")
	}
	if total := c.Engine.Backlog.Total; total > 0 && total < int64(enabled)*minBacklog {
		w.fail(n, `%d streams cannot share the backlog's "total" of %s: each needs %s`, enabled, sizeText(total), sizeText(minBacklog))
	}
}

// stream reads one stream. at is its path's place in the file.
func (w *walker) stream(n node, c *Config) (s Stream, at node) {
	s.Enabled = true
	o, ok := w.object(n, streamTable())
	if !ok {
		return s, n
	}
	if v, ok := o.get("enabled"); ok {
		if b, ok := w.boolean(v); ok {
			s.Enabled = b
		}
	}
	at = n
	if v, ok := o.get("path"); ok {
		at, s.Path = v, w.path(v)
	} else {
		w.fail(n, `this stream has no "path"`)
	}
	s.Name = s.Path
	if v, ok := o.get("name"); ok {
		s.Name, _ = w.text(v)
	}
	w.source(o, &s)
	if v, ok := o.get("limits"); ok {
		w.room(v, &s.Limits)
	}
	w.fullTo(o, &s, c)
	w.streamAccess(o, &s)
	return s, at
}

// path reads a stream's path.
func (w *walker) path(n node) string {
	s, ok := w.filled(n)
	switch bad := strings.IndexFunc(s, notInPath); {
	case !ok:
		return ""
	case bad >= 0:
		w.fail(n, "a path may contain only letters (a to z), digits, _ and -, not %q", []rune(s[bad:])[0])
		return ""
	case len(s) > maxPath:
		w.fail(n, "a path may have at most %d characters; this one has %d", maxPath, len(s))
		return ""
	}
	return s
}

func notInPath(r rune) bool { return r == '.' || notInName(r) }

// paths finds streams that would answer to the same URL.
type paths struct {
	*walker
	taken map[string]taken // by path in lower case
}

// taken is who has a path, and for what.
type taken struct {
	stream Stream
	line   int
	push   bool // taken as the place where the stream's encoder sends
}

// claim takes the paths of a stream. at is what to blame.
func (p *paths) claim(s Stream, at node) {
	if s.Path == "" {
		return
	}
	if p.take(s, at, false) && s.Type.Pushed() {
		p.take(s, at, true)
	}
}

// take reports whether the path was free.
func (p *paths) take(s Stream, at node, push bool) bool {
	key := strings.ToLower(s.Path)
	if push {
		key += pushSuffix
	}
	first, clash := p.taken[key]
	if !clash {
		line, _ := p.lines.place(at.at)
		p.taken[key] = taken{s, line, push}
		return true
	}
	text := first.clash(s, push)
	if first.stream.Enabled && s.Enabled {
		p.fail(at, "%s", text)
		return false
	}
	p.warn(at, "%s; they cannot both be enabled", text)
	if s.Enabled {
		line, _ := p.lines.place(at.at)
		p.taken[key] = taken{s, line, push}
	}
	return false
}

// clash is the sentence on a path that is taken twice.
func (t taken) clash(s Stream, push bool) string {
	switch {
	case t.push && !push:
		return fmt.Sprintf("the path %q is where the encoder of stream %q (line %d) sends", s.Path, t.stream.Path, t.line)
	case push && !t.push:
		return fmt.Sprintf("the encoder of stream %q would send to %q, which is the path of the stream in line %d", s.Path, t.stream.Path, t.line)
	}
	return fmt.Sprintf("the path %q is also that of the stream in line %d (case makes no difference)", s.Path, t.line)
}
