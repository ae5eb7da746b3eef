package conform

import (
	"strings"

	"streampump/bench/synth"
)

// rolloverRows are about players that try another protocol on the port first.
func rolloverRows() []row {
	return []row{
		{65, "RolloverMMST", "MMST is answered with a half-close: no byte, no reset, and what comes is read to its end", "VLC, MPlayer", steady, rolloverMMST},
		{66, "RolloverRTSP", "RTSP is refused at once, and not with a status that stops the search", "Windows Media Player 9 and later", steady, rolloverRTSP},
	}
}

func rolloverMMST(k *kit) {
	const first = "\x01\x00\x00\x00\xCE\xFA\x0B\xB0"
	for _, message := range []string{
		first + "\x90\x00\x00\x00MMS " + strings.Repeat("\x00", 132),
		"\x00" + first[1:] + strings.Repeat("M", 264),
	} {
		for _, cut := range []int{len(message), 1, 4, 5} {
			c := k.dial()
			_, err := c.Write([]byte(message[:cut]))
			k.check(err)
			_, err = c.Write([]byte(message[cut:]))
			k.check(err)
			k.want(k.rest(c) == "", "MMST is answered with bytes")
			// The player still talks when it sees our end: that must not be reset.
			_, err = c.Write([]byte(strings.Repeat(message, 4)))
			k.check(err)
			k.check(c.Close())
		}
	}
	k.streams(k.push(synth.Plain(rate)), k.get(vlc, plays)) // and goes on with HTTP
}

func rolloverRTSP(k *kit) {
	h, body := k.final("DESCRIBE rtsp://pump.example:8086" + k.url() + " RTSP/1.0\r\nUser-Agent: WMPlayer/12.0\r\nCSeq: 17\r\n\r\n")
	k.want(h.Proto == "RTSP/1.0" && h.Status == 415 && h.Get("CSeq") == "17" && body != "", "the answer is %v with %v", h, h.Fields)
	h = k.status(404, "DESCRIBE rtsp://pump.example:8086"+k.url()+" RTSP/1.0\r\nCSeq: 3\r\n\r\n") // other players
	k.want(h.Proto == "RTSP/1.0" && h.Get("CSeq") == "3", "the answer is %v with %v", h, h.Fields)
}
