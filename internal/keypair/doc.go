// Package keypair reads what CAs and their tools leave in PEM files: a certificate
// with the private key that belongs to it, and the certificates of CAs to be trusted.
// It says in a sentence, which names the file, what is wrong with them.
//
// A certificate's file holds the server's own certificate first and the intermediate
// ones behind it; other blocks, such as a key, are passed over, so both may be one
// file. Reading does not look at dates: whether an expired certificate is used is its
// holder's decision; [EndsSoon] says when that is due.
//
// The package keeps nothing and may be called from any goroutine.
package keypair
