package synth

import "fmt"

// Checker follows the media objects of all streams and checks that each is
// what the encoder made and comes where it should. The zero value is ready.
type Checker struct {
	next [128]struct {
		epoch    uint16
		known    bool
		sequence uint32
	}
}

// Check checks one media object that arrived as part of a stream, with the key
// bit of its payloads. loose says that objects may be missing before it, as at
// a join, a gap, or where the encoder restarted; never may one come again or
// too early. It allocates nothing unless it fails.
func (c *Checker) Check(stream uint8, key, loose bool, b []byte) error {
	m, err := CheckObject(b)
	if err != nil {
		return err
	}
	if m.Stream != stream || m.Key != key {
		return fmt.Errorf("an object made for stream %d with key bit %v came as stream %d with key bit %v",
			m.Stream, m.Key, stream, key)
	}
	n := &c.next[stream&0x7F]
	behind := n.known && (m.Epoch < n.epoch || m.Epoch == n.epoch && m.Sequence < n.sequence)
	jumped := n.known && (m.Epoch != n.epoch || m.Sequence != n.sequence)
	if behind || jumped && !loose {
		return fmt.Errorf("object %d of epoch %d came where object %d of epoch %d should",
			m.Sequence, m.Epoch, n.sequence, n.epoch)
	}
	n.epoch, n.known, n.sequence = m.Epoch, true, m.Sequence+1
	return nil
}
