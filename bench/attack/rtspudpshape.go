package attack

import "strings"

// udpShapes are ways to ask for packets by UDP.
func udpShapes() (list []Shape) {
	add := func(name, transport, want, says, hides string) {
		list = append(list, Shape{Name: name, Want: want + " 400", Says: says, Hides: hides,
			Send: "SETUP rtsp://{host}{view}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: " + transport + "\r\n\r\n\x01"})
	}
	for _, pair := range []string{"0-1", "1-2", "53-54", "1022-1023", "1023-1024", "65535", "65535-65536", "99999-100000", "-1", "-", "5000-", "5000-x", "5000-53", "5000-5000", "4294972296-4294972297", ""} {
		add("ports "+pair, "RTP/AVP;unicast;client_port="+pair, "461", "", "server_port")
	}
	for name, transport := range map[string]string{
		"no ports":              "RTP/AVP;unicast",
		"ports without a name":  "RTP/AVP;unicast;5000-5001",
		"multicast":             "RTP/AVP;multicast;destination=224.2.0.1;client_port=5000-5001",
		"multicast and unicast": "RTP/AVP;unicast;multicast;client_port=5000-5001",
		"keys":                  "RTP/SAVP;unicast;client_port=5000-5001",
		"feedback":              "RTP/AVPF;unicast;client_port=5000-5001",
		"raw":                   "RAW/RAW/UDP;unicast;client_port=5000-5001",
		"to record":             "RTP/AVP;unicast;client_port=5000-5001;mode=record",
		"many":                  strings.Repeat("RTP/AVP;unicast;client_port=1-2,", 200),
	} {
		add(name, transport, "461", "", "server_port")
	}
	for name, transport := range map[string]string{
		"another's address":       "RTP/AVP;unicast;destination=192.0.2.1;client_port=5000-5001",
		"the pump's address":      "RTP/AVP;unicast;destination=127.0.0.1;client_port=5000-5001",
		"another's source":        "RTP/AVP;unicast;source=192.0.2.1;client_port=5000-5001",
		"the pump's port":         "RTP/AVP;unicast;server_port=22-23;client_port=5000-5001",
		"a quoted address":        "RTP/AVP;unicast;destination=\"192.0.2.1,RTP/AVP;client_port=1-2\";client_port=5000-5001",
		"ports twice":             "RTP/AVP;unicast;client_port=1-2;client_port=5000-5001",
		"a line in it":            "RTP/AVP;unicast;x=\"%0d%0aX-Injected: 1\";client_port=5000-5001",
		"one that can be had":     "RTP/SAVP;unicast;client_port=5000-5001,RTP/AVP;unicast;client_port=5000-5001",
		"one port":                "RTP/AVP;unicast;client_port=5000",
		"ports that go backwards": "RTP/AVP/UDP;unicast;client_port=5001-5000",
	} {
		add(name, transport, "200", "client_port=500", "192.0.2.1")
	}
	return list
}
