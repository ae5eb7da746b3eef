// Package session is the table of what peers may refer to over several
// connections: opaque key to owner and deadline.
package session

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"streampump/engine/stream"
)

// ingestBit marks the keys of ingest sessions, so that a viewer's key can
// never name one. What a key looks like on the wire is the protocol's affair.
const ingestBit = 1 << 63

// Table is the table of what peers may refer to over several connections:
// opaque key to owner and deadline. It is fixed in size (the oldest idle
// viewer session makes room) and off the packet path, so one lock serves all
// loops.
type Table[O comparable] struct {
	mu      sync.Mutex
	max     int
	viewers map[uint64]viewer[O]
	ingests map[uint64]*stream.Ingest
	queue   []expiry // viewer sessions in the order they may expire; lazily corrected
	first   int      // index of the queue's first entry
}

type viewer[O comparable] struct {
	owner   O // the connection that streams now; none when idle
	expires int64
	queued  bool // it has its one entry in the queue
}

type expiry struct {
	key uint64
	at  int64
}

// idle reports that no connection streams the session.
func (v viewer[O]) idle() bool {
	var none O
	return v.owner == none
}

// New makes a table for so many sessions of viewers, and as many of encoders.
func New[O comparable](most int) *Table[O] {
	return &Table[O]{max: most, viewers: map[uint64]viewer[O]{}, ingests: map[uint64]*stream.Ingest{}}
}

// randomKey is unpredictable, so that a stranger can not name another's session.
func randomKey() uint64 {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand never fails on Linux
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Open continues the viewer session that a request names, or makes a new one.
// An owner, if given, streams it from now on: it does not expire until release.
// busy says that the named session is streaming on another connection.
func (t *Table[O]) Open(key uint64, owner O, now, ttl int64) (got uint64, replaced, busy bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.find(key, now); ok {
		if !s.idle() {
			return key, false, true
		}
		s.owner, s.expires = owner, now+ttl
		t.viewers[key] = s
		return key, false, false
	}
	t.makeRoom(now)
	for {
		// 32 bits: a viewer's key must fit the smallest field a protocol gives it.
		got = randomKey() & (1<<32 - 1)
		if _, taken := t.viewers[got]; !taken && got != 0 {
			break
		}
	}
	t.viewers[got] = viewer[O]{owner: owner, expires: now + ttl, queued: true}
	t.queue = append(t.queue, expiry{got, now + ttl})
	return got, key != 0, false
}

// find is the viewer session with the given key. The queue may be late with one
// that was used since it was entered; it is over all the same.
func (t *Table[O]) find(key uint64, now int64) (viewer[O], bool) {
	s, ok := t.viewers[key]
	if !ok || s.idle() && s.expires <= now {
		return viewer[O]{}, false
	}
	return s, true
}

// makeRoom expires what is due and, in a full table, the oldest idle session.
func (t *Table[O]) makeRoom(now int64) {
	t.expire(now)
	for len(t.viewers) >= t.max && t.first < len(t.queue) {
		e := t.pop()
		if s, ok := t.viewers[e.key]; !t.requeue(e, s, ok) && ok && s.idle() {
			delete(t.viewers, e.key)
		}
	}
}

// requeue puts a session that was used since its entry e was made back at its
// new place, and notes that one in use has no entry.
func (t *Table[O]) requeue(e expiry, s viewer[O], ok bool) bool {
	switch {
	case !ok:
	case !s.idle():
		s.queued = false
		t.viewers[e.key] = s
	case s.expires > e.at:
		t.queue = append(t.queue, expiry{e.key, s.expires})
		return true
	}
	return false
}

// Release makes a viewer session idle again: a paused player comes back to it.
func (t *Table[O]) Release(key uint64, c O, now, ttl int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.viewers[key]
	if !ok || s.owner != c {
		return
	}
	if !s.queued {
		t.queue = append(t.queue, expiry{key, now + ttl})
	}
	t.viewers[key] = viewer[O]{expires: now + ttl, queued: true}
}

// Touch restarts the timer of a viewer session and returns the connection that
// streams it, if any.
func (t *Table[O]) Touch(key uint64, now, ttl int64) (owner O, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.find(key, now)
	if ok && s.idle() {
		s.expires = now + ttl
		t.viewers[key] = s
	}
	return s.owner, ok
}

// expire removes the viewer sessions whose time is over.
func (t *Table[O]) expire(now int64) {
	for t.first < len(t.queue) && t.queue[t.first].at <= now {
		e := t.pop()
		s, ok := t.viewers[e.key]
		if !t.requeue(e, s, ok) && ok && s.idle() {
			delete(t.viewers, e.key)
		}
	}
}

// pop takes the queue's first entry and gives the space back now and then.
func (t *Table[O]) pop() expiry {
	e := t.queue[t.first]
	t.first++
	if t.first == len(t.queue) || t.first > 4096 && t.first > len(t.queue)/2 {
		t.queue = append(make([]expiry, 0, len(t.queue)-t.first), t.queue[t.first:]...)
		t.first = 0
	}
	return e
}

// Sweep expires what is due and reports how many viewer sessions are left.
func (t *Table[O]) Sweep(now int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	return len(t.viewers)
}

// AddIngest enters an ingest and gives it its key; false if the table is full.
func (t *Table[O]) AddIngest(in *stream.Ingest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ingests) >= t.max {
		return false
	}
	for in.Key = randomKey() | ingestBit; t.ingests[in.Key] != nil; {
		in.Key = randomKey() | ingestBit
	}
	t.ingests[in.Key] = in
	return true
}

// Ingest finds an ingest session by its key and keeps it until the given time:
// one that is found here is not given out as expired any more.
func (t *Table[O]) Ingest(key uint64, until int64) *stream.Ingest {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.ingests[key]
	if in != nil && !in.Attached() {
		in.Expires.Store(until)
	}
	return in
}

// DropIngest forgets an ingest session.
func (t *Table[O]) DropIngest(in *stream.Ingest) {
	t.mu.Lock()
	delete(t.ingests, in.Key)
	t.mu.Unlock()
}

// IdleIngests returns the ingest sessions whose deadline has passed, and
// forgets them.
func (t *Table[O]) IdleIngests(now int64) (gone []*stream.Ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, in := range t.ingests {
		if in.Expires.Load() <= now {
			delete(t.ingests, key)
			gone = append(gone, in)
		}
	}
	return gone
}

// Count is the number of sessions of both kinds.
func (t *Table[O]) Count() (viewers, ingests int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.viewers), len(t.ingests)
}
