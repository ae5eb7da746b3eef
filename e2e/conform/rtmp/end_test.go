package rtmp

import (
	"fmt"
	"time"

	"streampump/e2e/rig"
)

// endRows are about how streams end, and who may have them.
func endRows() []row {
	return []row{
		{71, "EncoderEnds", "an encoder that ends its stream ends its viewers in the way that all players understand", "ffmpeg, VLC, librtmp, GStreamer", steady, encoderEnds},
		{72, "EncoderLost", "viewers of one that is cut off are held, and are told nothing", "GStreamer", steady, encoderLost},
		{73, "Shutdown", "a pump that is stopped ends its viewers in the same way, and its encoder with a reason", "operators", steady, shutdown},
		{74, "Takeover", "a second encoder takes the stream over with its first messages; the first is told so and closed, and viewers go on", "encoders over radio", steady, takeover},
		{75, "PublishAlone", "one that publishes and sends nothing takes nothing over", "what one peer cannot do to others", steady, publishAlone},
		{76, "IdleEncoder", "an encoder that sends nothing is closed, and its viewers are held", "operators", idle, idleEncoder},
		{0, "NeverBack", "viewers of an encoder that does not come back are ended", "push_hold", brief, neverBack},
		{0, "CloseStream", "closeStream ends the push as well", "Flash", steady, closeStream},
		{0, "Unpublish", "and so does FCUnpublish alone, at once", "FMLE", steady, unpublish},
		{0, "EncoderComesBack", "an encoder that has ended its stream may push again, on another connection", "encoders", steady, encoderComesBack},
	}
}

func encoderEnds(k *kit) {
	e := k.push(plain())
	v, w := k.view(), k.view()
	e.send(few)
	e.finish()
	for _, v := range []*viewer{v, w} {
		v.follow()
		v.ends()
	}
	e.status("NetStream.Unpublish.Success", "status")
	e.gone()
	k.source("down")
}

func closeStream(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.call(1, "closeStream", 0, nil)
	v.ends()
	k.source("down")
}

func unpublish(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.call(0, "FCUnpublish", 6, nil, k.path)
	v.ends()
	k.source("down")
}

func encoderComesBack(k *kit) {
	for range 3 {
		k.story = story{}
		e := k.push(plain())
		v := k.view()
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
}

func encoderLost(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.lose()
	k.source("held")
	v.silent()
	<-time.After(pause)
	v.silent()
	k.viewers(1)
	e = k.publisher(e.film.again())
	e.begin()
	v.follow()
}

func shutdown(k *kit) {
	p := rig.Start(k.T, rig.Options{TLS: k.all.identity, Config: fmt.Sprintf(`"streams": [{"type": "rtmp_push", "path": %q}]`, k.path)})
	k.pump, k.addr = p, k.all.address(p)
	e := k.push(plain())
	v := k.view()
	e.send(few)
	v.follow()
	bare, asked := k.link(), k.link()
	asked.connect("streams")
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- p.Terminate() }()
	v.ends()
	k.want(e.anyStatus("error") != "", "the encoder is told nothing")
	e.gone()
	bare.thrown()
	asked.thrown()
	k.check(<-done)
	const within = 5 * time.Second
	k.want(time.Since(began) < within, "it took %v", time.Since(began))
}

func takeover(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	second := k.publisher(e.film.again())
	e.send(few) // the second has sent nothing yet
	v.follow()
	second.begin()
	k.want(e.anyStatus("error") != "", "the first is told nothing")
	e.gone()
	second.send(few)
	v.follow()
	k.logged(k.tag(), "taken over")
	k.view().follow()
}

func publishAlone(k *kit) {
	e := k.push(plain())
	v := k.view()
	for range 3 {
		second := k.publisher(plain())
		e.send(few)
		v.follow()
		second.sync()
		e.send(few)
		k.check(second.Close())
		e.send(few)
		v.follow()
	}
	k.want(k.stream().State == "up", "the stream is %s", k.stream().State)
}

func idleEncoder(k *kit) {
	e := k.publisher(plain())
	e.first()
	e.put(e.film.take(few)...)
	v := k.view()
	v.follow()
	k.want(e.anyStatus("error") != "", "it is told nothing")
	e.gone()
	k.logged(k.tag(), "no packet")
	k.source("held")
	v.silent()
}

func neverBack(k *kit) {
	e := k.push(plain())
	v := k.view()
	v.follow()
	e.lose()
	v.ends()
	k.source("down")
}
