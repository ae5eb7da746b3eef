package main

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"streampump/config"
)

// adminKey is where the admin listener's address is set.
const adminKey = `"listen" in "admin"`

// firstFreePort is where ports begin that anybody may listen on, by default.
const firstFreePort = 1024

// portKey is where the pump's own addresses are set.
func (s service) portKey() string {
	if s.foreground {
		return `--port, as in "stream-pump demo --port 9000" or make run ARGS="--port 9000"`
	}
	keys := `"port"`
	if len(s.TLS.Listen) > 0 {
		keys += `, "ssl_port"`
	}
	if s.carries(config.RTSP) {
		keys += `, "rtsp_port"`
	}
	if s.carries(config.RTMP) {
		keys += `, "rtmp_port"`
		if len(s.TLS.Listen) > 0 {
			keys += `, "rtmps_port"`
		}
	}
	return keys + ` or "listen"`
}

// carries reports whether an enabled stream comes by a protocol.
func (s service) carries(protocol string) bool {
	return slices.ContainsFunc(s.Streams, func(st config.Stream) bool { return st.Enabled && st.Type.Protocol() == protocol })
}

// advised is the error of a listener with what can be done about it: key is where
// its address is set.
func advised(err error, key string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program has it (a second pump, perhaps); set another with %s", err, key)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: ports below %d are for root, or for programs with CAP_NET_BIND_SERVICE (under systemd use stream-pump.socket, or the example low-ports.conf; otherwise setcap cap_net_bind_service=+ep on the program); or set another with %s",
			err, firstFreePort, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: this machine does not have the address; set another with %s", err, key)
	}
	return err
}
