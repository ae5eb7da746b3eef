package config

import "streampump/tuning"

// Whom viewers, encoders and servers that are pulled may be to have UDP, all over RTSP, as the
// configuration spells it.
const (
	udpPrivate = "private"
	udpOn      = "on"
	udpOff     = "off"
)

const (
	// defaultUDPPort is where RTP over UDP has been looked for since QuickTime.
	defaultUDPPort = 6970
	// maxUDPPort leaves room for two ports of each loop that there may be.
	maxUDPPort = maxPort + 1 - 2*tuning.MaxLoops
)

// datagrams reads who may have packets over UDP, and from which ports they come. Nobody
// has them where no stream is viewed over RTSP.
func (w *walker) datagrams(root object, c *Config) {
	configured, enabled := anyOver(root, RTSP)
	first, who := int64(defaultUDPPort), udpPrivate
	if v, ok := root.get("rtsp_udp"); ok {
		words := []string{udpPrivate, udpOn, udpOff}
		if i, ok := w.choice(v, words...); ok {
			who = words[i]
		}
		if !configured {
			w.unusedOver(v, RTSP)
		}
	}
	if v, ok := root.get("rtsp_udp_ports"); ok {
		if p, ok := w.integer(v, 1, maxUDPPort); ok {
			first = p
		}
		if first%2 != 0 {
			w.fail(v, "%d is odd: packets are sent from even ports, and the reports about them from the next ones", first)
		}
		if !configured {
			w.unusedOver(v, RTSP)
		}
	}
	if !enabled || who == udpOff {
		return
	}
	c.Engine.Datagrams.First, c.Engine.Datagrams.Anyone = uint16(first), who == udpOn
}
