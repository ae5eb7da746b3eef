package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// replays remembers the answers of Digest that were right, so that none is good
// twice: whoever has listened to one cannot use it. An answer covers its nonce, the
// peer's own nonce and count, the method and the address, so an honest peer's next
// one differs, even if it never counts.
//
// The table has a fixed size. When it is full, the oldest nonces are given up: what
// was made before floor is stale from then on, which costs its peers one more round.
// Only right answers are entered, so strangers cannot fill it.
type replays struct {
	mu    sync.Mutex
	most  int
	seen  map[[16]byte]struct{}
	queue []replay // in the order of entry
	floor time.Time
}

type replay struct {
	key  [16]byte
	made time.Time // of its nonce
}

func newReplays(most int) *replays { return &replays{most: most, seen: map[[16]byte]struct{}{}} }

// first notes an answer to a nonce that was made at the given time, and reports
// whether it is the first of its kind. One that comes ahead is not noted.
func (r *replays) first(nonce, answer string, made time.Time, ahead bool) bool {
	sum := sha256.Sum256([]byte(nonce + "\x00" + answer))
	key := [16]byte(sum[:16])
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.seen[key]; again || !made.After(r.floor) {
		return false
	}
	if ahead {
		return true
	}
	if len(r.queue) >= r.most {
		r.forget()
	}
	r.seen[key] = struct{}{}
	r.queue = append(r.queue, replay{key, made})
	return true
}

// forget gives up the older half of the table, and every nonce as old as one of it.
func (r *replays) forget() {
	half := len(r.queue) / 2
	for _, e := range r.queue[:half] {
		delete(r.seen, e.key)
		if e.made.After(r.floor) {
			r.floor = e.made
		}
	}
	r.queue = append(make([]replay, 0, r.most), r.queue[half:]...)
}
