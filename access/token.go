package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A token is a text of seven fields with "~" between them:
//
//	ROLE~STREAM~KEY~EXPIRES~CLIENT~NETWORK~SIGNATURE
//
//	ROLE       view or publish
//	STREAM     the stream's path, in lower case
//	KEY        the id of the key that it is signed with
//	EXPIRES    when it ceases to be good, in seconds since 1970 (UTC)
//	CLIENT     an id of the one it was made for; may be empty
//	NETWORK    where it may be used, an address or ADDRESS_BITS; may be empty
//	SIGNATURE  HMAC-SHA-256, with the key's secret, of everything before its "~",
//	           as base64url without padding ([RFC 4648] section 5)
//
// All of these characters may stand in a URL as they are. The fields are signed as
// they are spelled, so whoever makes a token needs no rule but the order.
//
// [RFC 4648]: https://www.rfc-editor.org/rfc/rfc4648

// Token is what a token says.
type Token struct {
	Role    Role
	Stream  string // in lower case
	Key     string // the id of its key
	Expires time.Time
	Client  string       // external client id; may be empty
	Network netip.Prefix // where it may be used; not valid: anywhere
}

// Key is a secret that tokens are signed with.
type Key struct {
	ID     string
	Secret Secret
}

const (
	// MaxToken is the longest token that is read, in bytes. Players take addresses of
	// 256 characters at most ([MS-WMSP] 3.2.5.4), but not all of them.
	MaxToken = 512
	// MaxClient is the longest client id, in bytes: it is in log lines.
	MaxClient = 64
	// MaxKeyID is the longest id of a key, in bytes.
	MaxKeyID = 32
	// MinSecret is the least bytes of a key's secret.
	MinSecret = 16
	// ShortSecret is up to where one that people make up is rather short.
	ShortSecret = 32
)

const tokenFields = 7

// Text signs the token with a secret and returns it as it stands in a URL.
func (t Token) Text(secret Secret) string {
	signed := t.signed()
	return signed + "~" + sign(signed, secret)
}

// signed is the part of a token that its signature is about.
func (t Token) signed() string {
	network := ""
	if t.Network.IsValid() {
		network = strings.Replace(t.Network.String(), "/", "_", 1)
	}
	return strings.Join([]string{
		t.Role.String(), strings.ToLower(t.Stream), t.Key, strconv.FormatInt(t.Expires.Unix(), 10), t.Client, network,
	}, "~")
}

// sign is the signature of a text.
func sign(text string, secret Secret) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ParseToken reads a token without asking who signed it. An error is an operator's
// sentence and shows nothing of the token's signature.
func ParseToken(text string) (Token, error) {
	if len(text) > MaxToken {
		return Token{}, fmt.Errorf("the token is longer than %d bytes", MaxToken)
	}
	f := strings.Split(text, "~")
	if len(f) != tokenFields {
		return Token{}, fmt.Errorf("this is no token: it should have %d fields with ~ between them, and has %d", tokenFields, len(f))
	}
	t := Token{Stream: f[1], Key: f[2], Client: f[4]}
	switch f[0] {
	case View.String():
		t.Role = View
	case Publish.String():
		t.Role = Publish
	default:
		return Token{}, fmt.Errorf("the token begins with %q, and not with view or publish", clip(f[0]))
	}
	expires, err := strconv.ParseUint(f[3], 10, 63)
	switch {
	case !isWord(t.Stream):
		return Token{}, fmt.Errorf("the token's stream is %q, which is no stream's path", clip(t.Stream))
	case CheckKeyID(t.Key) != nil:
		return Token{}, fmt.Errorf("the token's key is %q, which is no key's id", clip(t.Key))
	case err != nil:
		return Token{}, fmt.Errorf("the token expires at %q, which is no number of seconds since 1970", clip(f[3]))
	case CheckClient(t.Client) != nil:
		return Token{}, fmt.Errorf("the token's client id is bad: %w", CheckClient(t.Client))
	}
	t.Expires = time.Unix(int64(expires), 0).UTC()
	if f[5] != "" {
		if t.Network, err = ParseNetwork(strings.Replace(f[5], "_", "/", 1)); err != nil {
			return Token{}, fmt.Errorf("the token's network is bad: %w", err)
		}
	}
	return t, nil
}

// CheckKeyID says what is wrong with a key's id.
func CheckKeyID(id string) error {
	if !isWord(id) || len(id) > MaxKeyID {
		return fmt.Errorf("an id has 1 to %d letters, digits, _ and -", MaxKeyID)
	}
	return nil
}

// CheckClient says what is wrong with a client id; an empty one is good.
func CheckClient(id string) error {
	if id != "" && !isWord(strings.ReplaceAll(id, ".", "")) || len(id) > MaxClient {
		return fmt.Errorf("a client id has at most %d letters, digits, dots, _ and -", MaxClient)
	}
	return nil
}

// isWord reports whether s has only letters, digits, _ and -, and at least one.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// ErrForged is what is wrong with a token whose signature does not fit.
var ErrForged = errors.New("the token is forged or damaged: its signature does not fit")

// VerifyToken reads a token and checks that a peer at an address may do with the
// stream what the token is for. An error is an operator's sentence: what is wrong
// with the token, and nothing of its signature. Only a token that is authentic is
// said to have expired or to be for somebody else.
func VerifyToken(text string, keys []Key, role Role, stream string, peer netip.Addr, now time.Time) (Token, error) {
	t, err := ParseToken(text)
	if err != nil {
		return Token{}, err
	}
	i := strings.LastIndexByte(text, '~')
	known, signed := false, false
	for _, k := range keys {
		if k.ID == t.Key {
			known = true
			signed = signed || same(sign(text[:i], k.Secret), text[i+1:])
		}
	}
	switch {
	case !known:
		return t, fmt.Errorf("the token is signed with the key %q, which is not known here", t.Key)
	case !signed:
		return t, fmt.Errorf("%w the key %q", ErrForged, t.Key)
	case t.Role != role:
		return t, fmt.Errorf("the token is to %s, and not to %s", t.Role, role)
	case !strings.EqualFold(t.Stream, stream):
		return t, fmt.Errorf("the token is for another stream, %q", t.Stream)
	case t.Network.IsValid() && !within([]netip.Prefix{t.Network}, peer):
		return t, fmt.Errorf("the token is for another network, %s", t.Network)
	case !now.Before(t.Expires):
		return t, fmt.Errorf("the token expired at %s", t.Expires.Format(time.RFC3339))
	}
	return t, nil
}
