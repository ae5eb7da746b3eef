// Package access decides who may publish a stream, and who may view one.
//
//	Request{role, stream, address, credentials} ──Guard.Ask──► Decision
//	                                                │ what takes time
//	                                                └──► Pool ──► done(Decision)
//
// It knows neither sockets nor protocols: a codec finds the credentials in what its
// peer sent and puts the decision into its protocol's words, and the engine asks. Time
// is an argument. Nothing here writes a log; a decision brings its reason, as the
// operator's sentence.
//
// # Rules
//
// A [Rules] says who may do one thing, and a [Config] has rules for each stream and
// role. A peer is first held against the networks. From a trusted network it needs
// nothing further. Otherwise what it brings is looked at in this order: a token, a
// user name with a password or a digest, and then a backend is asked, if there is one
// (package callback). Rules that ask for nothing let everybody in.
//
// A stream that does not exist is judged by rules as well, so that strangers cannot
// tell it from one that they may not see ([Guard.Ask]).
//
// # What strangers can make us hold
//
// Wrong passwords are counted by address and by account, in tables of a fixed size
// (limiter). A password that is stored as argon2id takes a core for a while, and is
// checked on a few goroutines with a bounded queue, of which one address has a part,
// and whose threads come last when processors are short ([Pool]). The nonces of Digest
// are signed instead of remembered (nonces), and only answers that were right are
// remembered, up to a bound, so that none is good twice (replays). Encoders of RTMP prove who
// they are by the same hashes and nonces (salted). What has been found right is kept for a
// few minutes (passed).
//
// # Secrets
//
// Passwords, keys and tokens are of type [Secret], which no formatting verb, log or
// JSON encoder shows. They are compared in constant time.
package access
