package rtsp

import (
	"slices"
	"strings"
	"time"

	"streampump/codec"
	"streampump/codec/sdp"
)

// Splice implements [codec.Programme]. Tracks go on under their SSRC and payload types,
// with the next number, and with times that step by as long as no packet came: players
// take a new SSRC for another stream, or end; numbers that leap cost ffmpeg the
// beginning of the key frame; and VLC is silent for good where times go back.
func (g *programme) Splice(m codec.Media, _ time.Duration) bool {
	n, ok := m.(*media)
	now := g.now.Load()
	if !ok || !equivalent(now, n) {
		return false
	}
	same := n == g.source || n == now
	g.source, g.clocks = n, clocks{}
	g.anew, g.keyless = true, g.at-g.keyAt
	for i := range g.tracks {
		t := &g.tracks[i]
		t.resumes, t.known, t.aside.full = true, false, false
		t.report.forget()
		g.waiting = g.waiting || t.sent && g.lead != none
		switch {
		case !same:
			g.adopt(t, &n.d.Media[i])
		case t.missing == nil:
			t.missing = t.gave // there may have been no memory for the packet that had them
		}
	}
	return true
}

// Miss implements [codec.Programme]. What viewers need of parameter sets, Splice repeats;
// new ones come again with a key frame, as those who join need them to.
func (g *programme) Miss(*codec.Event) {}

// adopt takes the formats of a new source for a track. Who joins from now on gets its
// parameter sets with the description, and who is there gets those of the first format
// with the key frame.
func (g *programme) adopt(t *trackState, theirs *sdp.Media) {
	was := t.formats[0].look
	t.formats = formatsOf(&g.now.Load().d.Media[t.index], theirs)
	if nals, same := newSets(was, t.formats[0].look, &theirs.Formats[0]); !same {
		t.missing = nals
	}
	g.adoptParams(t.index, theirs)
}

// adoptParams takes what may differ in the parameters of equivalent formats from the new
// source.
func (g *programme) adoptParams(track int, theirs *sdp.Media) {
	for i := range theirs.Formats {
		m := g.now.Load()
		f := m.d.Media[track].Formats[i]
		was := f.Params
		for _, name := range variable {
			if value, ok := theirs.Formats[i].Param(name); ok && value != "" {
				f.Params = f.WithParam(name, value)
			}
		}
		if f.Params != was && !sameParams(was, f.Params, nil) {
			g.now.Store(m.withParams(track, i, f.Params))
		}
	}
}

// variable are the parameters of a=fmtp in which sources may differ whose packets the same
// decoder can decode: those that the parameter sets tell as well.
var variable = append(slices.Clone(setParams),
	paramProfile, "profile-space", "profile-id", "tier-flag", "level-id", "profile-compatibility-indicator",
	"interop-constraints", "max-recv-level-id", "sprop-sei")

// equivalent reports whether players that were given description a can go on with the
// packets of b: the same media in the same order, of the same encodings, clocks and
// parameters. Payload types may differ, since they are rewritten.
func equivalent(a, b *media) bool {
	return slices.EqualFunc(a.d.Media, b.d.Media, func(x, y sdp.Media) bool {
		return x.Kind == y.Kind && slices.EqualFunc(x.Formats, y.Formats, func(f, g sdp.Format) bool {
			return sameFormat(&x, &f, &y, &g)
		})
	})
}

func sameFormat(x *sdp.Media, f *sdp.Format, y *sdp.Media, g *sdp.Format) bool {
	fName, fClock := describe(x, f)
	gName, gClock := describe(y, g)
	return fName == gName && fClock == gClock && max(f.Channels, 1) == max(g.Channels, 1) &&
		(fName != "" || f.Type == g.Type) && sameParams(f.Params, g.Params, variable)
}

// sameParams reports whether parameters are the same, in whatever order and spelling,
// but for some.
func sameParams(a, b string, but []string) bool {
	return within(a, b, but) && within(b, a, but)
}

// maxParams is how many parameters are compared: each is looked for among all others.
// Real formats have some ten.
const maxParams = 64

// within reports whether all parameters of a, but for some, are in b.
func within(a, b string, but []string) bool {
	f := sdp.Format{Params: b}
	if strings.Count(a, ";") > maxParams {
		return false
	}
	for one := range strings.SplitSeq(a, ";") {
		name, value, _ := strings.Cut(one, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || slices.Contains(but, name) {
			continue
		}
		if other, ok := f.Param(name); !ok || other != strings.TrimSpace(value) {
			return false
		}
	}
	return true
}
