// Package issuance gets certificates from a CA that speaks ACME (RFC 8555), such as
// Let's Encrypt, and renews them.
//
//	New: the folder ──► the certificates of the last run
//	Run: account ──► order ──► proof ──► certificate ──► the folder, and Keep
//	                             ▲
//	    TLS-ALPN-01: Challenge, in a handshake of the CA (RFC 8737)
//	    HTTP-01:     Page, for a request of the CA        (RFC 8555, 8.3)
//
// # Why the client of golang.org/x/crypto/acme, without autocert or certmagic
//
// autocert, in the same module, gets a certificate during the handshake of the first
// client that wants it, and renews it with a timer whose failures it tells nobody; its
// HTTP proofs come out of its cache, which may be a disk, and so may not be asked on
// an event loop. certmagic does everything in the background, but opens ports 80 and
// 443 by itself if nobody has them at that moment, logs through a library of its own
// (zap), and brings eight further modules. Both are made around the client of RFC 8555
// that is used here; what is ours is when to try, which proof to give and what to say.
//
// # When
//
// A certificate is renewed when a third of its life is left, so that two months of
// failures are bearable with those of 90 days. The CA's own advice (RFC 9773) is not
// asked for. One goroutine does one name after the other. Failures are tried again
// after half an hour, and after twice as long each time up to twelve hours, or later
// if the CA says so: at most two tries, of two proofs each, fall into one hour, and
// Let's Encrypt allows five failures. That holds across restarts, too. If the CA is not
// reached at all, it is a minute and up to an hour.
//
// # What is asked on event loops and in handshakes
//
// [Agent.Page] and [Agent.Challenge] read one pointer each and never wait.
//
// # The folder
//
//	HOST OF THE CA/account.key    the account's private key
//	HOST OF THE CA/NAME.pem       key and chain, one file, replaced as a whole
//	HOST OF THE CA/NAME.failed    when the last tries failed
package issuance
