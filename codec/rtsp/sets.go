package rtsp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"streampump/codec/rtp"
	"streampump/codec/sdp"
)

// Names of the parameters of a=fmtp that hold parameter sets in base64 (RFC 6184 8.1,
// RFC 7798 7.1).
const (
	paramH264Sets = "sprop-parameter-sets"
	paramH265VPS  = "sprop-vps"
	paramH265SPS  = "sprop-sps"
	paramH265PPS  = "sprop-pps"
	paramProfile  = "profile-level-id"
)

// setParams are all of them.
var setParams = []string{paramH264Sets, paramH265VPS, paramH265SPS, paramH265PPS}

// addSets makes the parameter sets of a description known to the format, so that those
// in packets are compared with them. Cameras leave them out, or half of them, or put
// another encoding's there.
func addSets(look rtp.Format, f *sdp.Format) {
	sets := rtp.SetsOf(look)
	if sets == nil {
		return
	}
	for _, name := range setParams {
		list, _ := f.Param(name)
		for one := range strings.SplitSeq(list, ",") {
			nal, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(one), "="))
			if err == nil {
				sets.Add(nal)
			}
		}
	}
	sets.Changed()
}

// refresh makes the description anew if packets have brought other parameter sets than it
// holds. It is called between access units, where they are whole. A description that they
// would make longer than one may be stays as it is, and viewers meet them in the stream.
func (g *programme) refresh(f *formatState, track int) {
	sets := rtp.SetsOf(f.look)
	if sets == nil {
		return
	}
	f.stale = sets.Changed() || f.stale
	if !f.stale || g.wasRefreshed && g.at-g.refreshed < refreshInterval {
		return
	}
	f.stale, g.wasRefreshed, g.refreshed = false, true, g.at
	m := g.now.Load()
	i := slices.IndexFunc(m.d.Media[track].Formats, func(o sdp.Format) bool { return o.Type == f.ours })
	if i < 0 {
		return
	}
	was := m.d.Media[track].Formats[i].Params
	params := withSets(&m.d.Media[track].Formats[i], sets)
	if params != was && (len(params) <= len(was) || m.size()+len(params)-len(was) <= sdp.MaxSize) {
		g.now.Store(m.withParams(track, i, params))
	}
}

// withSets are the parameters of a format with other parameter sets.
func withSets(f *sdp.Format, sets *rtp.ParameterSets) string {
	out := *f
	var pps []byte
	for i := 0; sets.PPS(i) != nil; i++ {
		if i > 0 {
			pps = append(pps, ',')
		}
		pps = base64.StdEncoding.AppendEncode(pps, sets.PPS(i))
	}
	sps := base64.StdEncoding.EncodeToString(sets.SPS())
	if vps := sets.VPS(); vps != nil {
		out.Params = out.WithParam(paramH265VPS, base64.StdEncoding.EncodeToString(vps))
		out.Params = out.WithParam(paramH265SPS, sps)
		return out.WithParam(paramH265PPS, string(pps))
	}
	if len(sets.SPS()) > 3 { // profile, constraints and level follow the header
		out.Params = out.WithParam(paramProfile, fmt.Sprintf("%X", sets.SPS()[1:4]))
	}
	return out.WithParam(paramH264Sets, sps+","+string(pps))
}

// size is how many bytes the description has, without addresses.
func (m *media) size() int { return len(m.appendSDP(nil, "", "")) }

// withParams is the description with other parameters of one format: the same session,
// described anew.
func (m *media) withParams(track, format int, params string) *media {
	d, out := *m.d, *m
	d.Media = slices.Clone(d.Media)
	d.Media[track].Formats = slices.Clone(d.Media[track].Formats)
	d.Media[track].Formats[format].Params = params
	out.d, out.version = &d, m.version+1
	return &out
}

// newSets are the parameter sets that a new source's description gives, if they are
// whole; same says that the source before had the same. Its packets may bring them too,
// which does no harm; those of ffmpeg do not.
func newSets(was, is rtp.Format, f *sdp.Format) (nals [][]byte, same bool) {
	old, sets := rtp.SetsOf(was), rtp.SetsOf(is)
	switch don, _ := f.Param("sprop-max-don-diff"); {
	case old == nil || sets == nil:
		return nil, true
	case !sets.Complete():
		return nil, false
	case sameSets(old, sets):
		return nil, true
	case don != "" && don != "0":
		return nil, false // a decoding order number would have to be made up
	}
	if vps := sets.VPS(); vps != nil {
		nals = append(nals, bytes.Clone(vps))
	}
	nals = append(nals, bytes.Clone(sets.SPS()))
	for i := 0; sets.PPS(i) != nil; i++ {
		nals = append(nals, bytes.Clone(sets.PPS(i)))
	}
	return nals, false
}

func sameSets(a, b *rtp.ParameterSets) bool {
	same := bytes.Equal(a.VPS(), b.VPS()) && bytes.Equal(a.SPS(), b.SPS())
	for i := 0; same && (a.PPS(i) != nil || b.PPS(i) != nil); i++ {
		same = bytes.Equal(a.PPS(i), b.PPS(i))
	}
	return same
}
