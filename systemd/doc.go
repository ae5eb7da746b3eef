// Package systemd is how the process is started, limited and stopped under
// systemd: the units, and the tests that hold them to the program. It knows the
// command line, the defaults of the configuration and the table of settings,
// and nothing else; no package imports it.
//
//	stream-pump.service     the pump
//	stream-pump.socket      its listener, for who wants it
//	stream-pump-generator   adds what only newer versions of systemd know
//	sysusers.conf           the user; installed as sysusers.d/stream-pump.conf
//	examples/               drop-ins and units to copy, which docs/systemd.md shows
//	90-stream-pump.conf     the kernel's settings; made from the table in package tuning
//	try, try-inside         all of it under a real systemd, in a container
//
// `make install` installs all but the last two lines, and `make install-sysctl` the
// kernel's settings. There is nothing for tmpfiles.d(5): the only folder that the pump
// writes to is the unit's StateDirectory=, which systemd makes and gives to the user.
package systemd
