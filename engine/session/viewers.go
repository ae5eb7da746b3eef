// Package session holds what peers may refer to over several connections: the
// sessions of viewers ([Viewers]) and of encoders ([Ingests]), by opaque keys. Both
// tables are bounded and off the packet path, so one lock each serves all loops.
package session

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync"
)

// Owner is a viewer's connection.
type Owner interface {
	comparable
	// Peer is the address at its other end.
	Peer() netip.AddrPort
}

// Viewers is the table of viewers' sessions: key to owner and deadline. In a full
// table the oldest idle session makes room.
type Viewers[O Owner] struct {
	mu    sync.Mutex
	max   int
	byKey map[uint64]viewer[O]
	queue []expiry // in the order of expiry; lazily corrected
	first int      // index of the queue's first entry
}

type viewer[O Owner] struct {
	owner   O // the connection that streams now; none when idle
	expires int64
	queued  bool // it has its one entry in the queue
}

type expiry struct {
	key uint64
	at  int64
}

// idle reports whether no connection streams the session.
func (v viewer[O]) idle() bool {
	var none O
	return v.owner == none
}

// from is the address of the connection that streams the session.
func (v viewer[O]) from() netip.Addr { return v.owner.Peer().Addr() }

// NewViewers makes a table for at most most sessions.
func NewViewers[O Owner](most int) *Viewers[O] {
	return &Viewers[O]{max: most, byKey: map[uint64]viewer[O]{}}
}

// randomKey is unpredictable, so that a stranger cannot name another's session.
func randomKey() uint64 {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand never fails on Linux
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Open continues the session that a request from an address names, or makes a new
// one. An owner, if given, streams it from now on, and it does not expire until
// Release. A connection that streams it already (old) loses it to an owner at the
// same address: a player that comes back while its old connection hangs. From another
// address the key counts for nothing, because it can be guessed: that request gets a
// new session. replaced says that the request named a session and got another.
func (t *Viewers[O]) Open(key uint64, owner O, from netip.Addr, now, ttl int64) (got uint64, replaced bool, old O) {
	var none O
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.find(key, now); ok && (s.idle() || s.from() == from) {
		if owner != none || s.idle() {
			old, s.owner, s.expires = s.owner, owner, now+ttl
			t.byKey[key] = s
		}
		return key, false, old
	}
	t.makeRoom(now)
	for {
		// 32 bits: a viewer's key must fit the smallest field a protocol gives it.
		got = randomKey() & (1<<32 - 1)
		if _, taken := t.byKey[got]; !taken && got != 0 {
			break
		}
	}
	t.byKey[got] = viewer[O]{owner: owner, expires: now + ttl, queued: true}
	t.queue = append(t.queue, expiry{got, now + ttl})
	return got, key != 0, none
}

// find is the session with the given key. One that is past its time is over, even if
// the queue has not come to it yet.
func (t *Viewers[O]) find(key uint64, now int64) (viewer[O], bool) {
	s, ok := t.byKey[key]
	if !ok || s.idle() && s.expires <= now {
		return viewer[O]{}, false
	}
	return s, true
}

// makeRoom expires what is due and, in a full table, the oldest idle session.
func (t *Viewers[O]) makeRoom(now int64) {
	t.expire(now)
	for len(t.byKey) >= t.max && t.first < len(t.queue) {
		e := t.pop()
		if s, ok := t.byKey[e.key]; !t.requeue(e, s, ok) && ok && s.idle() {
			delete(t.byKey, e.key)
		}
	}
}

// requeue gives a session that was used since its entry e was made a new place in the
// queue, and notes that one in use has no entry.
func (t *Viewers[O]) requeue(e expiry, s viewer[O], ok bool) bool {
	switch {
	case !ok:
	case !s.idle():
		s.queued = false
		t.byKey[e.key] = s
	case s.expires > e.at:
		t.queue = append(t.queue, expiry{e.key, s.expires})
		return true
	}
	return false
}

// Release makes a session idle again: a paused player may come back to it.
func (t *Viewers[O]) Release(key uint64, c O, now, ttl int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byKey[key]
	if !ok || s.owner != c {
		return
	}
	if !s.queued {
		t.queue = append(t.queue, expiry{key, now + ttl})
	}
	t.byKey[key] = viewer[O]{expires: now + ttl, queued: true}
}

// Touch restarts the timer of the session that a request from an address names, and
// returns the connection that streams it, if any. A session in use is known only to
// the address that streams it.
func (t *Viewers[O]) Touch(key uint64, from netip.Addr, now, ttl int64) (owner O, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.find(key, now)
	switch {
	case !ok:
	case s.idle():
		s.expires = now + ttl
		t.byKey[key] = s
	case s.from() != from:
		return owner, false
	}
	return s.owner, ok
}

// expire removes the sessions whose time is over.
func (t *Viewers[O]) expire(now int64) {
	for t.first < len(t.queue) && t.queue[t.first].at <= now {
		e := t.pop()
		s, ok := t.byKey[e.key]
		if !t.requeue(e, s, ok) && ok && s.idle() {
			delete(t.byKey, e.key)
		}
	}
}

// pop takes the queue's first entry, and now and then gives its space back.
func (t *Viewers[O]) pop() expiry {
	e := t.queue[t.first]
	t.first++
	if t.first == len(t.queue) || t.first > 4096 && t.first > len(t.queue)/2 {
		t.queue = append(make([]expiry, 0, len(t.queue)-t.first), t.queue[t.first:]...)
		t.first = 0
	}
	return e
}

// Sweep expires what is due and returns how many sessions are left.
func (t *Viewers[O]) Sweep(now int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	return len(t.byKey)
}

// Count is the number of sessions.
func (t *Viewers[O]) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byKey)
}
