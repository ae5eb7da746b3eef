// Package systemd is how the process is started, limited and stopped under
// systemd: the unit, and the tests that hold it to the program. It knows the
// command line and the defaults of the configuration, and nothing else; no
// package imports it.
//
//	systemd/stream-pump.service   installed by `make install`
package systemd
