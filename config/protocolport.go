package config

import "slices"

// A protocolPort is where players and encoders of a protocol look for it. A listener there
// takes no more than the others, each of which takes every protocol.
type protocolPort struct {
	key      string // in the file
	protocol string
	name     string // the protocol's in a sentence
	port     int64  // if the file gives none; 0: it is closed then
	secure   bool   // over TLS
}

// protocolPorts are all of them. Their order matters where two are the same.
var protocolPorts = []protocolPort{
	{key: "rtsp_port", protocol: RTSP, name: "RTSP", port: defaultRTSPPort},
	{key: "rtmp_port", protocol: RTMP, name: "RTMP", port: defaultRTMPPort},
	{key: "rtmps_port", protocol: RTMP, name: "RTMP", secure: true},
}

// protocolPort opens the port of a protocol, if there is a stream to be found there. One
// without TLS is among those that "listen" stands in place of; one with TLS is beside them,
// as ssl_port is.
func (w *walker) protocolPort(root object, p protocolPort, c *Config) {
	port := p.port
	at, given := root.get(p.key)
	if given {
		n, ok := w.integer(at, 1, maxPort)
		if !ok {
			return
		}
		port = n
	} else {
		at = root.node
	}
	a := everywhere(uint16(port))
	same, others := c.Listen, c.TLS.Listen
	if p.secure {
		same, others = others, same
	}
	configured, enabled := anyOver(root, p.protocol)
	_, listed := root.get("listen")
	listed = listed && !p.secure
	switch {
	case listed && given:
		w.fail(at, `give either "%s" or "listen", not both: every address in "listen" takes %s too`, p.key, p.name)
	case given && !configured:
		w.unusedOver(at, p.protocol)
	case listed || !enabled || port == 0 || slices.Contains(same, a):
	case slices.Contains(others, a) && p.secure:
		w.fail(at, `"%s" cannot be %d, where the pump listens without TLS`, p.key, port)
	case slices.Contains(others, a):
		w.fail(at, `"%s" and "ssl_port" cannot both be %d: one is without TLS, and the other with it, which takes %s too`, p.key, port, p.name)
	default:
		w.open(at, a, p.secure, c)
	}
}

// unusedOver warns of a key for streams by a protocol, where there are none.
func (w *walker) unusedOver(n node, protocol string) {
	w.warn(n, "nothing uses this: no stream is of type %s", either(typeNames(typesOver(protocol))))
}
