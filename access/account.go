package access

import (
	"crypto/md5" //nolint:gosec // Digest needs it: most encoders and players know no other
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"
)

// An account's password is stored in one of three ways, none of which is the password:
//
//	NAME:REALM:32 hex digits   for Digest with MD5, as htdigest writes it (RFC 2617)
//	NAME:REALM:64 hex digits   for Digest with SHA-256 (RFC 7616)
//	NAME:$argon2id$…           for Basic
//
// What is stored for Digest is as good as the password to whoever reads it, and is
// kept from Basic: an account is checked only in the way that it was made for.

// Kind is how an account's password is stored, and so what it can be used with.
type Kind uint8

// The kinds.
const (
	DigestMD5    Kind = iota
	DigestSHA256      // RFC 7616
	Argon2id          // Basic
)

var kindNames = [...]string{"Digest with MD5", "Digest with SHA-256", "Basic (argon2id)"}

// String is the kind in a sentence.
func (k Kind) String() string { return kindNames[k] }

// Account is one name, with its password stored in one way.
type Account struct {
	Name  string
	Kind  Kind
	Realm string // of Digest; part of what is hashed
	hash  Secret // hexadecimal, or the argon2id text after the name
	cost  cost   // Argon2id only
	salt  []byte
	sum   Secret
}

// DefaultRealm is what peers are shown beside the question for a password.
const DefaultRealm = "Stream Pump"

// MaxName is the longest name of an account, in bytes.
const MaxName = 64

// CheckName says what is wrong with an account's name.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("an account needs a name")
	case len(name) > MaxName:
		return fmt.Errorf("an account's name has at most %d bytes", MaxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r == ':' || r == '"' || r == '\\' || unicode.IsControl(r) }):
		return fmt.Errorf("an account's name may have no colon, quote, backslash or control character")
	}
	return nil
}

// CheckRealm says what is wrong with a realm.
func CheckRealm(realm string) error {
	if realm == "" || strings.ContainsFunc(realm, func(r rune) bool { return r < ' ' || r >= 0x7F || r == ':' || r == '"' || r == '\\' }) {
		return fmt.Errorf("a realm is a text of ASCII characters without colon, quote and backslash")
	}
	return nil
}

// ParseAccount reads a line of an account. An error is an operator's sentence and
// shows nothing of what is stored.
func ParseAccount(line string) (Account, error) {
	name, rest, ok := strings.Cut(line, ":")
	if err := CheckName(name); ok && err != nil {
		return Account{}, err
	}
	switch {
	case !ok:
		// What it has may be a password.
		return Account{}, errors.New("there is no colon in this account: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it")
	case strings.HasPrefix(rest, argonPrefix):
		return parseArgon(name, rest)
	case strings.HasPrefix(rest, "$"):
		return Account{}, fmt.Errorf("the password of the account %q is hashed in a way that is not known here; stream-pump passwd makes argon2id", clip(name))
	}
	realm, digits, ok := strings.Cut(rest, ":")
	digits = strings.ToLower(digits)
	if _, err := hex.DecodeString(digits); !ok || err != nil || len(digits) != 32 && len(digits) != 64 {
		return Account{}, fmt.Errorf("the password of the account %q is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it", clip(name))
	}
	if err := CheckRealm(realm); err != nil {
		return Account{}, fmt.Errorf("the account %q: %w", clip(name), err)
	}
	a := Account{Name: name, Kind: DigestMD5, Realm: realm, hash: NewSecret(digits)}
	if len(digits) == 64 {
		a.Kind = DigestSHA256
	}
	return a, nil
}

// NewDigest is the line of an account for Digest.
func NewDigest(kind Kind, name, realm, password string) string {
	return name + ":" + realm + ":" + digestOf(kind, name+":"+realm+":"+password)
}

// digestOf is the hexadecimal hash that Digest of a kind works with.
func digestOf(kind Kind, text string) string {
	var h hash.Hash
	if kind == DigestSHA256 {
		h = sha256.New()
	} else {
		h = md5.New() //nolint:gosec // see the import
	}
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// argonPrefix is what the text of an argon2id password begins with.
const argonPrefix = "$argon2id$"

// cost is what an argon2id hash takes.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// usual is what OWASP's Password Storage Cheat Sheet asks for at least.
var usual = cost{memory: 19 << 10, time: 2, threads: 1}

// Bounds of what a stored password may cost: each check takes it.
const (
	maxArgonMemory = 256 << 10 // KiB
	maxArgonTime   = 16
	minArgonSalt   = 8
	minArgonSum    = 16
	maxArgonBytes  = 64
)

// NewArgon2id is the line of an account for Basic.
func NewArgon2id(name, password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	return name + ":" + argonText(usual, salt, argonSum(usual, salt, password, 32))
}

func argonSum(c cost, salt []byte, password string, n int) []byte {
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, uint32(n))
}

// argonText is the form that other programs write and read too.
func argonText(c cost, salt, sum []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argonPrefix, argon2.Version, c.memory, c.time, c.threads,
		e.EncodeToString(salt), e.EncodeToString(sum))
}

// parseArgon reads the argon2id text of an account.
func parseArgon(name, text string) (Account, error) {
	bad := func(what string) (Account, error) {
		return Account{}, fmt.Errorf("the argon2id password of the account %q %s", clip(name), what)
	}
	f := strings.Split(text, "$")
	if len(f) != 6 {
		return bad("does not have the form $argon2id$v=…$m=…,t=…,p=…$SALT$HASH")
	}
	if f[2] != "v="+strconv.Itoa(argon2.Version) {
		return bad(fmt.Sprintf("is not of version %d", argon2.Version))
	}
	a := Account{Name: name, Kind: Argon2id, hash: NewSecret(text)}
	var err error
	if a.cost, err = parseCost(f[3]); err != nil {
		return bad(err.Error())
	}
	a.salt, err = base64.RawStdEncoding.Strict().DecodeString(f[4])
	if err != nil || len(a.salt) < minArgonSalt || len(a.salt) > maxArgonBytes {
		return bad(fmt.Sprintf("has no salt of %d to %d bytes in base64", minArgonSalt, maxArgonBytes))
	}
	sum, err := base64.RawStdEncoding.Strict().DecodeString(f[5])
	a.sum = NewSecret(string(sum))
	if err != nil || len(sum) < minArgonSum || len(sum) > maxArgonBytes {
		return bad(fmt.Sprintf("has no hash of %d to %d bytes in base64", minArgonSum, maxArgonBytes))
	}
	return a, nil
}

// parseCost reads "m=19456,t=2,p=1".
func parseCost(s string) (c cost, err error) {
	var rest string
	n, _ := fmt.Sscanf(s, "m=%d,t=%d,p=%d%s", &c.memory, &c.time, &c.threads, &rest)
	switch {
	case n != 3:
		return c, fmt.Errorf("does not say what it costs as m=…,t=…,p=…")
	case c.time < 1 || c.time > maxArgonTime || c.threads < 1 || c.memory < 8*uint32(c.threads) || c.memory > maxArgonMemory:
		return c, fmt.Errorf("costs too much or too little: at most m=%d and t=%d", maxArgonMemory, maxArgonTime)
	}
	return c, nil
}

// holds reports whether a password is the account's; it takes a while. Argon2id only.
func (a *Account) holds(password string) bool {
	sum := a.sum.Reveal()
	return same(string(argonSum(a.cost, a.salt, password, len(sum))), sum)
}
