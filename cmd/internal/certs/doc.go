// Package certs holds the certificates of the listeners over TLS: it reads them from
// files, gives each handshake the one that its client asks for, reads them anew when
// the files change, and warns before they end.
//
//	files ──Open──► Store ──TLSConfig──► handshakes: the certificate for a name
//	        Run ──►   │                  (exact, then with *, then the first)
//	  CA ──Put──►     └──Snapshot──► status, check, doctor
//
// # Changes
//
// Not the files are watched but their folders, and those of every symbolic link on
// the way: a new certificate comes as a rename over the old one, as a link that
// points elsewhere (certbot), or as a link to a whole folder that is replaced
// (Kubernetes). A certificate and its key change one after the other, so files that
// do not fit together, or are half written, are given time before anything is said.
// If they stay so, they are refused with the reason, in the log once and in the
// status, and the old certificate stays. Every five minutes the files are looked at in any
// case, for file systems that report nothing.
//
// # Sessions
//
// Session tickets are Go's own: all listeners share one [tls.Config], and with it one
// key, which is new each day; tickets are good for a week. The keys never leave the
// process, so after a restart clients make full handshakes again.
//
// # Goroutines
//
// [Store.Run] is the only one. Handshakes never wait: they load one pointer. All
// methods may be called from any goroutine.
package certs
