package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// passed remembers for a while which passwords were right for what is stored of them,
// so that a player's second request, and its next song's, need no second look. It
// holds keyed hashes only, and a bounded number of them.
type passed struct {
	key  [32]byte
	most int
	life time.Duration

	mu    sync.Mutex
	until map[[32]byte]time.Time
}

func newPassed(most int, life time.Duration) *passed {
	p := &passed{most: most, life: life, until: map[[32]byte]time.Time{}}
	_, _ = rand.Read(p.key[:]) // never fails (crypto/rand)
	return p
}

func (p *passed) sum(stored Secret, password string) [32]byte {
	h := hmac.New(sha256.New, p.key[:])
	h.Write([]byte(stored.Reveal()))
	h.Write([]byte{0})
	h.Write([]byte(password))
	return [32]byte(h.Sum(nil))
}

// has reports whether the password was right not long ago.
func (p *passed) has(stored Secret, password string, now time.Time) bool {
	key := p.sum(stored, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.until[key]
	return ok && now.Before(until)
}

// note remembers a right password.
func (p *passed) note(stored Secret, password string, now time.Time) {
	key := p.sum(stored, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.until) >= p.most {
		for k, until := range p.until {
			if !now.Before(until) {
				delete(p.until, k)
			}
		}
		for k := range p.until {
			if len(p.until) < p.most {
				break
			}
			delete(p.until, k)
		}
	}
	p.until[key] = now.Add(p.life)
}
