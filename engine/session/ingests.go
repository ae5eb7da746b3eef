package session

import (
	"container/list"
	"net/netip"
	"sync"

	"streampump/engine/stream"
)

// ingestBit marks the keys of ingest sessions, so that a viewer's key can never name
// one. How a key looks on the wire is up to the protocol.
const ingestBit = 1 << 63

// maxIngests bounds encoders' sessions: it is many more than a pump has streams.
const maxIngests = 1 << 12

// maxSetups is how many sessions of one address may wait to be published: enough for
// all the encoders of a site that start at once. One more takes the place of the
// oldest.
const maxSetups = 64

// Ingests is the table of encoders' sessions. Anybody can open one, so sessions that
// were never published make room first. Any goroutine may use it.
type Ingests struct {
	mu        sync.Mutex
	max       int
	byKey     map[uint64]*ingest
	setups    list.List                 // of *ingest: never published, the oldest first
	published list.List                 // of *ingest, the oldest first, or those that were in use when room was sought
	addresses map[netip.Addr]*list.List // their setups, the oldest first
}

// ingest is one session's entry.
type ingest struct {
	*stream.Ingest
	from  netip.Addr
	setup bool          // it is in setups
	place *list.Element // in its list
	own   *list.Element // in that of its address, while it is a setup
}

// NewIngests makes a table for at most most sessions, but no more than are useful.
func NewIngests(most int) *Ingests {
	return &Ingests{max: min(most, maxIngests), byKey: map[uint64]*ingest{}, addresses: map[netip.Addr]*list.List{}}
}

// Add enters a session that an encoder at an address sets up, and gives it its key.
// In a full table another makes way; false if all are in use. One that made way and
// had been published is returned: its stream may have to be told.
func (t *Ingests) Add(in *stream.Ingest, from netip.Addr) (gone *stream.Ingest, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own := t.addresses[from]; own != nil && own.Len() >= maxSetups {
		t.removeLocked(own.Front().Value.(*ingest))
	}
	if len(t.byKey) >= t.max {
		if gone, ok = t.makeRoomLocked(); !ok {
			return nil, false
		}
	}
	for in.Key = randomKey() | ingestBit; t.byKey[in.Key] != nil; {
		in.Key = randomKey() | ingestBit
	}
	e := &ingest{Ingest: in, from: from, setup: true}
	e.place = t.setups.PushBack(e)
	own := t.addresses[from]
	if own == nil {
		own = list.New()
		t.addresses[from] = own
	}
	e.own = own.PushBack(e)
	t.byKey[in.Key] = e
	return gone, true
}

// roomLooks bounds how many published sessions are looked at for one that is idle.
const roomLooks = 64

// makeRoomLocked forgets the oldest setup, or else an idle session.
func (t *Ingests) makeRoomLocked() (gone *stream.Ingest, ok bool) {
	if p := t.setups.Front(); p != nil {
		t.removeLocked(p.Value.(*ingest))
		return nil, true
	}
	for range min(roomLooks, t.published.Len()) {
		e := t.published.Front().Value.(*ingest)
		if !e.Attached() {
			t.removeLocked(e)
			return e.Ingest, true
		}
		t.published.MoveToBack(e.place) // the next one who asks begins behind it
	}
	return nil, false
}

// removeLocked takes an entry out.
func (t *Ingests) removeLocked(e *ingest) {
	delete(t.byKey, e.Key)
	if !e.setup {
		t.published.Remove(e.place)
		return
	}
	t.setups.Remove(e.place)
	own := t.addresses[e.from]
	if own.Remove(e.own); own.Len() == 0 {
		delete(t.addresses, e.from)
	}
}

// Publish notes that the session has brought a header or a packet: from now on it makes
// way after those that never brought anything.
func (t *Ingests) Publish(in *stream.Ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[in.Key]
	if e == nil || !e.setup {
		return
	}
	t.removeLocked(e)
	e.setup = false
	e.place = t.published.PushBack(e)
	t.byKey[in.Key] = e
}

// Find finds a session by its key and keeps it until the given time: one found here
// does not expire before.
func (t *Ingests) Find(key uint64, until int64) *stream.Ingest {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[key]
	if e == nil {
		return nil
	}
	if !e.Attached() {
		e.Expires.Store(until)
	}
	return e.Ingest
}

// Drop forgets a session.
func (t *Ingests) Drop(in *stream.Ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byKey[in.Key]; e != nil && e.Ingest == in {
		t.removeLocked(e)
	}
}

// DropSetup forgets a session if it was never published.
func (t *Ingests) DropSetup(in *stream.Ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byKey[in.Key]; e != nil && e.Ingest == in && e.setup {
		t.removeLocked(e)
	}
}

// Expired returns the sessions whose deadline has passed, and forgets them.
func (t *Ingests) Expired(now int64) (gone []*stream.Ingest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.byKey {
		if e.Expires.Load() <= now {
			t.removeLocked(e)
			gone = append(gone, e.Ingest)
		}
	}
	return gone
}

// Count is the number of sessions.
func (t *Ingests) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byKey)
}
