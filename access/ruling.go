package access

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"streampump/codec"
)

// ruling is rules, prepared for questions.
type ruling struct {
	*Rules
	role   Role
	realm  string
	needs  string // the sentence for who brings nothing
	byName map[string][]*Account
	// What an account is for, by kind.
	md5, sha256, basic bool
	// costs are those of the Argon2id passwords, and seed chooses among them.
	costs []cost
	seed  maphash.Seed
}

func newRuling(role Role, r *Rules) *ruling {
	u := &ruling{Rules: r, role: role, realm: DefaultRealm, byName: map[string][]*Account{}, seed: maphash.MakeSeed()}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		u.byName[a.Name] = append(u.byName[a.Name], a)
		switch a.Kind {
		case DigestMD5:
			u.md5, u.realm = true, a.Realm
		case DigestSHA256:
			u.sha256, u.realm = true, a.Realm
		case Argon2id:
			u.basic, u.costs = true, append(u.costs, a.cost)
		}
	}
	switch {
	case len(r.Keys) > 0 && len(r.Accounts) > 0:
		u.needs = fmt.Sprintf("it takes a token in the address, or a name and a password, to %s this stream", role)
	case len(r.Keys) > 0:
		u.needs = fmt.Sprintf("it takes a token in the address to %s this stream", role)
	default:
		u.needs = fmt.Sprintf("it takes a name and a password to %s this stream", role)
	}
	return u
}

// account is a name's account of a kind; nil if there is none.
func (u *ruling) account(name string, kind Kind) *Account {
	for _, a := range u.byName[name] {
		if a.Kind == kind {
			return a
		}
	}
	return nil
}

// nobody is an account that no password fits. To check one takes as long as for one of
// those that there are, and for the same name always as long, so that the time tells
// nobody which names there are. There must be a password of Argon2id.
func (u *ruling) nobody(name string) *Account {
	c := u.costs[maphash.String(u.seed, name)%uint64(len(u.costs))]
	return &Account{Kind: Argon2id, cost: c, salt: make([]byte, 16), sum: NewSecret(string(make([]byte, 32)))}
}

// challenge asks for a password in every way that an account is for.
func (u *ruling) challenge(nonce string) *codec.Challenge {
	return &codec.Challenge{Realm: u.realm, Nonce: nonce, MD5: u.md5, SHA256: u.sha256, Basic: u.basic, Token: len(u.Keys) > 0}
}

// place decides by the peer's address, if that is enough.
func (u *ruling) place(peer netip.Addr) (d Decision, decided bool) {
	switch {
	case within(u.Trusted, peer):
		return Decision{Pump: true}, true
	case len(u.Networks) > 0 && !within(u.Networks, peer), len(u.Networks) == 0 && !u.asks():
		why := fmt.Sprintf("the peer's address is in no network that may %s this stream", u.role)
		return Decision{Outcome: Forbidden, Reason: why, Public: fmt.Sprintf("your address may not %s this stream", u.role)}, true
	case !u.asks():
		return Decision{}, true
	}
	return Decision{}, false
}

// believed is a decision that says whether the peer may be a pump.
func (u *ruling) believed(d Decision) Decision {
	d.Pump = d.Outcome == Allowed && d.Client != "" && slices.Contains(u.Pumps, d.Client)
	return d
}

// token decides on a token.
func (u *ruling) token(now time.Time, r *Request) Decision {
	t, err := VerifyToken(r.Credentials.Token, u.Keys, r.Role, r.Stream, r.Peer, now)
	if err != nil {
		return Decision{Outcome: Forbidden, Reason: err.Error(), Public: "the token is not good here, or not any more"}
	}
	return Decision{Client: t.Client}
}

// tooPlain is the decision on a password in clear text where none is welcome. It is
// final: VLC and MPlayer know nothing else, and would ask again and again.
func (u *ruling) tooPlain() Decision {
	return Decision{
		Outcome: Forbidden,
		Reason:  fmt.Sprintf("the peer sends a password in clear text, and the accounts that may %s this stream are for Digest only", u.role),
		Public:  "a password in clear text is not taken here, only Digest",
	}
}
