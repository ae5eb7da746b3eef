package rtsp

import (
	"strings"
	"time"

	"streampump/bench/rtpsynth"
)

// restartRows are about sources that come back, or are others.
func restartRows() []row {
	return []row{
		{54, "Restart", "an encoder that is lost and comes back goes on for its viewers: same SSRC, no hole in the numbers, and times that step over the pause", "players", steady, restart},
		{55, "RestartRenumbered", "so does one whose SSRCs, numbers and times are all others", "GStreamer, VLC, ffmpeg", steady, restartRenumbered},
		{56, "OtherStream", "one that describes another stream ends them, each track and then the connection", "players", steady, otherStream},
		{57, "ClockSetBack", "a source whose clock is set back in mid-stream goes on", "cameras", steady, clockSetBack},
		{60, "Takeover", "a second encoder takes the stream over at its first packet, and the first one is closed", "operators", steady, takeover},
		{63, "NewSets", "parameter sets that change in mid-stream are in later descriptions", "cameras", steady, newSets},
		{0, "NeverBack", "an encoder that is lost and does not come back: its viewers get the end of each track", "push_hold", brief, neverBack},
	}
}

// pause is how long encoders are away.
const pause = 300 * time.Millisecond

// comesBack has an encoder be lost, and another go on for its viewers, which are judged.
func (k *kit) comesBack(s, again rtpsynth.Spec) {
	k.Helper()
	e := k.push(s)
	v := k.view(s, again)
	e.send(many)
	v.whole(e)
	gone := time.Now()
	k.check(e.Close())
	k.source("held")
	<-time.After(pause)
	e = k.encoder(again)
	e.begin()
	e.send(many)
	v.whole(e)
	away := time.Since(gone)
	c := v.Counts()
	k.want(c.Splices == [2]int{1, 1}, "%+v", c)
	for _, t := range s.Tracks {
		k.want(c.Steps[t] >= pause-rtpsynth.Picture && c.Steps[t] <= away+5*rtpsynth.Picture, "the times of track %d step by %v, and the encoder was away for at least %v and at most %v", t, c.Steps[t], pause, away)
	}
	apart := (c.Shifts[rtpsynth.Video] - c.Shifts[rtpsynth.Audio]).Abs()
	k.want(apart <= time.Millisecond, "the tracks are %v apart now", apart)
	k.view(again).packets(1)
	k.logged("source continues", k.tag())
}

func restart(k *kit) {
	s := rtpsynth.Plain()
	again := s
	again.Run++ // and everything else begins as it began before
	k.comesBack(s, again)
}

func restartRenumbered(k *kit) { k.comesBack(rtpsynth.Plain(), rtpsynth.Plain().Again()) }

func otherStream(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(few)
	v.whole(e)
	k.check(e.Close())
	k.source("held")
	e = k.encoder(s.Other())
	e.begin()
	v.over()
	k.view(s.Other()).whole(e)
}

func clockSetBack(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	e.send(e.PicturesTo())
	back := s.Back(4*time.Hour, [2]int{e.Sent(rtpsynth.Video), e.Sent(rtpsynth.Audio)})
	v := k.view(s, back)
	v.whole(e)
	e.Source = rtpsynth.New(back)
	e.send(many)
	c := v.whole(e)
	k.want(c.Splices == [2]int{1, 1}, "%+v", c)
	apart := (c.Shifts[rtpsynth.Video] - c.Shifts[rtpsynth.Audio]).Abs()
	k.want(apart <= rtpsynth.Picture, "the tracks are %v apart now", apart)
}

func takeover(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s, s.Again())
	e.send(few)
	v.whole(e)
	second := k.encoder(s.Again())
	k.check(second.Publish(k.ctx))
	e.send(few) // it has sent nothing yet, and takes nothing over
	v.whole(e)
	k.check(second.Reports(k.ctx))
	second.send(many)
	k.told(e.Conn)
	v.whole(second)
	k.logged(k.tag(), "taken over")
}

func newSets(k *kit) {
	s := rtpsynth.Plain()
	s.NewSets = s.GOP
	e := k.push(s)
	v := k.view(s)
	for _, later := range []bool{false, true} {
		w := k.viewer()
		k.check(w.Describe(k.ctx))
		k.want(strings.Contains(w.Description, rtpsynth.ParameterSets(later)), "of the new sets: %v:\n%s", later, w.Description)
		e.send(e.PicturesTo() + many)
		v.whole(e)
	}
}

func neverBack(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(few)
	v.whole(e)
	k.check(e.Close())
	v.over()
	k.source("down")
}
