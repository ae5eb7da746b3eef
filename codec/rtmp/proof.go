package rtmp

import (
	"strings"

	"streampump/codec"
	"streampump/codec/amf"
)

// An encoder that has a name and a password and no place for them in its address proves that
// it knows them, in a way that is named after Adobe and takes three connections:
//
//	connect app                                          ► _error, needsProof
//	connect app?authmod=adobe&user=U                     ► _error, ?reason=needauth&user=U&salt=S&challenge=C&opaque=O
//	connect app?authmod=adobe&user=U&challenge=D&response=R&opaque=O ► _result, or _error, ?reason=authfailed
//
// R is base64(md5(base64(md5(U S password)) O D)). The salt is the realm of the account between
// colons, so that the hash in it is the one that is stored for Digest; O is its nonce, which
// proves itself, so that nothing is kept from one connection to the next.
//
// Encoders only take it as the answer to connect, when many have not yet said which stream
// they bring. So the question goes to the engine ahead of publish, and only of who says that
// it is an encoder.

// What encoders look for in the description of a connect that is rejected: each of them for
// one part or another, gortmplib for the first as a whole, GStreamer for the others as a whole.
const (
	needsProof  = "code=403 need auth; authmod=adobe"
	askedFor    = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth"
	wrongProof  = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed"
	proofScheme = "adobe"
)

const (
	// encoderType is the type that encoders have in connect, and players have not.
	encoderType = "nonprivate"
	// maxProofName is the longest user, and maxProofRealm the longest realm: ffmpeg takes 300
	// characters of a challenge.
	maxProofName  = 64
	maxProofRealm = 64
)

// proof is what an app says of the scheme. The strings are those of the app.
type proof struct {
	asks                              bool // the scheme is the peer's own choice
	user, challenge, response, opaque string
}

// parseProof reads the query of an app. librtmp, when it is asked again, adds its new answer
// behind the old one: the last of each counts. Nothing in it is encoded.
func parseProof(query string) (p proof) {
	for pair := range strings.SplitSeq(strings.ReplaceAll(query, "?", "&"), "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "authmod":
			p.asks = value == proofScheme
		case queryUser:
			p.user = value
		case "challenge":
			p.challenge = value
		case "response":
			p.response = value
		case "opaque":
			p.opaque = value
		}
	}
	return p
}

// digest is the proof as the engine's rules look at it; nil if there is none yet.
func (p *proof) digest() *codec.Digest {
	if !p.asks || p.response == "" {
		return nil
	}
	return &codec.Digest{User: p.user, Nonce: p.opaque, ClientNonce: p.challenge, Response: p.response, Salted: true}
}

// lookAhead asks whether an encoder that connects may publish, if it does not say that with
// publish only: who has a token in its app has nothing to prove.
func (s *server) lookAhead(q *request, object amf.Value) {
	path, query, _ := strings.Cut(s.app.path, "?")
	q.proof = parseProof(query)
	if !q.proof.asks && field(object, "type") != encoderType {
		return
	}
	t := parseTarget(s.app.path, "", true)
	if !q.proof.asks && t.credentials != nil {
		return
	}
	if strings.EqualFold(strings.Trim(path, "/"), streamsPrefix) {
		t.name = "" // it is in publish
	}
	q.event = codec.Event{Kind: codec.Lookup, Ahead: true, Path: t.name, Credentials: t.credentials}
}

// answerConnect lets a peer in, or has it prove who it is.
func (s *server) answerConnect(dst []byte, q *request, v *codec.Verdict) ([]byte, codec.Next) {
	if text := q.proof.refusal(v); text != "" {
		return appendRejected(dst, q.id, text), codec.Close
	}
	return s.p.appendConnected(dst, q.id, q.enhanced), codec.Keep
}

// refusal is what a connect is refused with; empty if the peer may go on. What it has not
// begun with a proof may end with one of another kind: a name and a password in clear text, or
// a token, come with publish, and so it is refused there, if it is.
func (p *proof) refusal(v *codec.Verdict) string {
	c := v.Challenge
	switch {
	case v.Code == codec.OK:
		return ""
	case v.Code != codec.Unproven || !provable(c):
		if p.asks {
			return v.Text()
		}
		return ""
	case !p.asks && (c.Basic || c.Token):
		return ""
	case p.user == "" || !p.asks:
		return needsProof
	case p.response != "" && !c.Stale || len(p.user) > maxProofName:
		return wrongProof
	}
	return askedFor + "&user=" + p.user + "&salt=:" + c.Realm + ":&challenge=" + c.Nonce + "&opaque=" + c.Nonce
}

// provable reports whether an account can be proven in this scheme: it has a hash of MD5, and
// a realm that encoders read as it is.
func provable(c *codec.Challenge) bool {
	return c.MD5 && len(c.Realm) <= maxProofRealm && !strings.ContainsAny(c.Realm, "&=%+#?")
}
