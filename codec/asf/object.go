package asf

import "streampump/codec/wire"

// Sizes of an object's own head [ASF 2.1] and of the fixed parts that other
// objects lie behind.
const (
	objectHead    = 24 // GUID and 64-bit size, which includes both
	headerHead    = 30 // of the Header Object, up to its first child
	dataHead      = 50 // of the Data Object, up to its first packet
	extensionHead = 22 // of the Header Extension Object's body
)

// object is one object of a header. The body is what follows its 24 bytes and
// is part of the bytes it was found in.
type object struct {
	id   wire.GUID
	at   int // offset of the object in the header
	body []byte
}

// size is the object's whole size.
func (o object) size() int { return objectHead + len(o.body) }

// nextObject finds the object at the front of b, which stands at offset at of
// the header.
func nextObject(b []byte, at int) (object, error) {
	r := wire.NewReader(b)
	id, size := r.GUID(), r.U64()
	if !r.OK() {
		return object{}, headerError(at, "%d bytes are left over, too few for an object", len(b))
	}
	if size < objectHead || size > uint64(len(b)) {
		return object{}, headerError(at+wire.GUIDSize, "the %s object claims %d bytes where %d are left",
			objectName(id), size, len(b))
	}
	return object{id: id, at: at, body: b[objectHead:int(size):int(size)]}, nil
}

// eachObject calls f for each of the objects that b, at offset at of the header,
// consists of. left is the spare bytes behind the last one.
func eachObject(b []byte, at int, f func(object) error) (left int, err error) {
	for !spare(b) {
		o, err := nextObject(b, at)
		if err != nil {
			return 0, err
		}
		if err := f(o); err != nil {
			return 0, err
		}
		b, at = b[o.size():], at+o.size()
	}
	return len(b), nil
}

// extensionObjects is the part of a Header Extension Object that holds objects,
// and its offset in the header [ASF 3.4]. Its own size counts no further than
// the object's.
func extensionObjects(o object) (b []byte, at int, err error) {
	r := wire.NewReader(o.body)
	r.Skip(extensionHead - 4)
	size := r.U32()
	if !r.OK() {
		return nil, 0, headerError(o.at+objectHead, "the header extension is cut short")
	}
	return r.Bytes(int(min(uint64(size), uint64(r.Left())))), o.at + objectHead + extensionHead, nil
}
