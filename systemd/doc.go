// Package systemd is how the process is started, limited and stopped under
// systemd: the unit, and the tests that hold it to the program. It knows the
// command line, the defaults of the configuration and the table of settings,
// and nothing else; no package imports it.
//
//	systemd/stream-pump.service   installed by `make install`
//	systemd/90-stream-pump.conf   by `make install-sysctl`; made from the table in package tuning
package systemd
