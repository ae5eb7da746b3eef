package codec

// Credentials are what a request brings to prove who it is from, as the protocol found
// it. The texts may be of any content, and are secrets: no log may have them.
type Credentials struct {
	// Token is a text in the address; empty if there is none.
	Token string
	// User and Password are what the peer says in clear text; HasPassword says that it
	// does.
	User, Password string
	HasPassword    bool
	// Digest is the peer's proof that it knows a password; nil if it has none.
	Digest *Digest
	// Odd is why what the peer brought besides cannot be looked at; nil if it can. The
	// text is the operator's sentence and holds no secret.
	Odd error
}

// Digest is the proof of Digest access authentication, which HTTP and RTSP share (RFC
// 2617, RFC 7616), or of what RTMP has in its place. The texts are without their quotes.
type Digest struct {
	User        string
	Realm       string
	Nonce       string
	ClientNonce string
	Count       string // of requests with this nonce, as spelled; empty without Auth
	Response    string
	URI         string // as the peer spelled it; the protocol has seen that it is the request's
	Method      string
	SHA256      bool // the hash is SHA-256 and not MD5
	Session     bool // the algorithm is one of those that end in -sess
	Auth        bool // qop=auth; without it the older computation holds (RFC 2069)
	// Salted says that the proof is that of RTMP's encoders, which is another computation
	// with the same hash of MD5: of User, Nonce, ClientNonce and Response, the last in base64.
	Salted bool
}

// Challenge is what a peer needs to know to prove who it is. One may be offered in
// several ways; the protocol says so in the order from the best to the worst, or as
// its peers need it.
type Challenge struct {
	Realm string // ASCII without quote and backslash
	Nonce string // for Digest; the same
	// Stale says that the proof was right, but for a nonce that is too old: the peer
	// need not ask its user again.
	Stale       bool
	MD5, SHA256 bool // Digest with these hashes is welcome
	Basic       bool // so is a password in clear text
	Token       bool // so is a token
}
