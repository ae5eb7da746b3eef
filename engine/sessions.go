package engine

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// ingestBit marks the keys of ingest sessions, so that a viewer's key can
// never name one. What a key looks like on the wire is the protocol's affair.
const ingestBit = 1 << 63

// never is the deadline of what does not expire by itself.
const never = int64(1<<63 - 1)

// sessions is the table of what peers may refer to over several connections:
// opaque key to owner and deadline. It is fixed in size (the oldest idle
// viewer session makes room) and off the packet path, so one lock serves all
// loops.
type sessions struct {
	mu      sync.Mutex
	max     int
	viewers map[uint64]viewerSession
	ingests map[uint64]*ingest
	queue   []expiry // viewer sessions in the order they may expire; lazily corrected
	first   int      // index of the queue's first entry
}

type viewerSession struct {
	owner   *conn // the connection that streams now; nil when idle
	expires int64
	queued  bool // it has its one entry in the queue
}

type expiry struct {
	key uint64
	at  int64
}

func newSessions(most int) *sessions {
	return &sessions{max: most, viewers: map[uint64]viewerSession{}, ingests: map[uint64]*ingest{}}
}

// randomKey is unpredictable, so that a stranger can not name another's session.
func randomKey() uint64 {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand never fails on Linux
	}
	return binary.LittleEndian.Uint64(b[:])
}

// open continues the viewer session that a request names, or makes a new one.
// An owner, if given, streams it from now on: it does not expire until release.
// busy says that the named session is streaming on another connection.
func (t *sessions) open(key uint64, owner *conn, now, ttl int64) (got uint64, replaced, busy bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.find(key, now); ok {
		if s.owner != nil {
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
	t.viewers[got] = viewerSession{owner: owner, expires: now + ttl, queued: true}
	t.queue = append(t.queue, expiry{got, now + ttl})
	return got, key != 0, false
}

// find is the viewer session with the given key. The queue may be late with one
// that was used since it was entered; it is over all the same.
func (t *sessions) find(key uint64, now int64) (viewerSession, bool) {
	s, ok := t.viewers[key]
	if !ok || s.owner == nil && s.expires <= now {
		return viewerSession{}, false
	}
	return s, true
}

// makeRoom expires what is due and, in a full table, the oldest idle session.
func (t *sessions) makeRoom(now int64) {
	t.expire(now)
	for len(t.viewers) >= t.max && t.first < len(t.queue) {
		e := t.pop()
		if s, ok := t.viewers[e.key]; !t.requeue(e, s, ok) && ok && s.owner == nil {
			delete(t.viewers, e.key)
		}
	}
}

// requeue puts a session that was used since its entry e was made back at its
// new place, and notes that one in use has no entry.
func (t *sessions) requeue(e expiry, s viewerSession, ok bool) bool {
	switch {
	case !ok:
	case s.owner != nil:
		s.queued = false
		t.viewers[e.key] = s
	case s.expires > e.at:
		t.queue = append(t.queue, expiry{e.key, s.expires})
		return true
	}
	return false
}

// release makes a viewer session idle again: a paused player comes back to it.
func (t *sessions) release(key uint64, c *conn, now, ttl int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.viewers[key]
	if !ok || s.owner != c {
		return
	}
	if !s.queued {
		t.queue = append(t.queue, expiry{key, now + ttl})
	}
	t.viewers[key] = viewerSession{expires: now + ttl, queued: true}
}

// touch restarts the timer of a viewer session and returns the connection that
// streams it, if any.
func (t *sessions) touch(key uint64, now, ttl int64) (owner *conn, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.find(key, now)
	if ok && s.owner == nil {
		s.expires = now + ttl
		t.viewers[key] = s
	}
	return s.owner, ok
}

// expire removes the viewer sessions whose time is over.
func (t *sessions) expire(now int64) {
	for t.first < len(t.queue) && t.queue[t.first].at <= now {
		e := t.pop()
		s, ok := t.viewers[e.key]
		if !t.requeue(e, s, ok) && ok && s.owner == nil {
			delete(t.viewers, e.key)
		}
	}
}

// pop takes the queue's first entry and gives the space back now and then.
func (t *sessions) pop() expiry {
	e := t.queue[t.first]
	t.first++
	if t.first == len(t.queue) || t.first > 4096 && t.first > len(t.queue)/2 {
		t.queue = append(make([]expiry, 0, len(t.queue)-t.first), t.queue[t.first:]...)
		t.first = 0
	}
	return e
}

// sweep expires what is due and reports how many viewer sessions are left.
func (t *sessions) sweep(now int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	return len(t.viewers)
}

// addIngest enters an ingest and gives it its key; false if the table is full.
func (t *sessions) addIngest(in *ingest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ingests) >= t.max {
		return false
	}
	for in.key = randomKey() | ingestBit; t.ingests[in.key] != nil; {
		in.key = randomKey() | ingestBit
	}
	t.ingests[in.key] = in
	return true
}

// ingest finds an ingest session by its key and keeps it until the given time:
// one that is found here is not given out as expired any more.
func (t *sessions) ingest(key uint64, until int64) *ingest {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.ingests[key]
	if in != nil && in.conn.Load() == nil {
		in.expires.Store(until)
	}
	return in
}

// dropIngest forgets an ingest session.
func (t *sessions) dropIngest(in *ingest) {
	t.mu.Lock()
	delete(t.ingests, in.key)
	t.mu.Unlock()
}

// idleIngests returns the ingest sessions whose deadline has passed, and
// forgets them.
func (t *sessions) idleIngests(now int64) (gone []*ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, in := range t.ingests {
		if in.expires.Load() <= now {
			delete(t.ingests, key)
			gone = append(gone, in)
		}
	}
	return gone
}

// count is the number of sessions of both kinds.
func (t *sessions) count() (viewers, ingests int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.viewers), len(t.ingests)
}
