// Package supervisor is the talk with the service manager that started the process:
// systemd, or whatever speaks its protocol (sd_notify(3), sd_listen_fds(3)).
//
//	environment ──Open──► Manager ──Ready, Reloading, Stopping, Status──► its socket
//	 descriptors ─────────►  │    ──Watch: WATCHDOG while the service shows life──►
//	                      Sockets: listeners by name, and those that an earlier
//	                      process has stored; Store and Forget change what is stored
//
// It knows neither what is served nor how: texts and signs of life are handed in.
//
// # Never in the way
//
// A manager that reads nothing costs its own news and no time: messages are datagrams
// on a socket that is connected once, early, and never waited for. A status or a sign
// of life that does not fit is lost; what must arrive (that the pump is ready, reloads
// or ends, and descriptors) is kept and tried again, [maxWaiting] messages at most. The
// one wait is [Manager.Forget]'s, at the start, and it has a bound.
//
// # Goroutines
//
// All methods may be called from any goroutine. [Manager.Watch] and [Manager.Report]
// run until their context ends. A Manager without a socket does nothing, so callers
// need not know whether there is one.
package supervisor
