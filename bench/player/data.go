package player

// data judges one data packet.
func (v *Verifier) data(location uint32, b []byte) {
	p := &v.packet
	if len(b) == 0 || len(b) > v.facts.packetSize {
		v.broken(RuleSize, "a data packet has %d bytes, the header says %d", len(b), v.facts.packetSize)
		return
	}
	if err := p.parse(b, v.facts.packetSize); err != nil {
		v.broken(RulePacket, "a data packet does not parse: %v", err)
		return
	}
	for i := range p.payloads {
		if !v.facts.named[p.payloads[i].stream] {
			v.broken(RulePacket, "a payload is of stream %d, which the header does not name", p.payloads[i].stream)
			return
		}
	}
	if p.unsafe {
		v.broken(RuleSelfSized, "a packet of %d bytes, short of %d, has one payload and no length", len(b), v.facts.packetSize)
		return
	}
	if v.joined && p.sendTime < v.c.SendTime {
		v.broken(RuleSendTime, "send time %d ms follows %d ms", p.sendTime, v.c.SendTime)
		return
	}
	key := v.startsKey()
	if key {
		v.c.KeyStarts++
	}
	start := v.continuity(location, key)
	v.objects(p)
	if v.fault != nil {
		return
	}
	v.began(p)
	v.remember(location, start, b)
	if v.c.Packets == 0 {
		v.c.First = location
	}
	v.joined, v.location = true, location
	v.c.Last, v.c.SendTime = location, p.sendTime
	v.c.Packets++
}

func (v *Verifier) startsKey() bool {
	for i := range v.packet.payloads {
		if v.facts.starts(&v.packet.payloads[i]) {
			return true
		}
	}
	return false
}

// continuity judges how the packet follows the one before, and reports whether
// the viewer starts here: it joined, or packets are missing.
func (v *Verifier) continuity(location uint32, key bool) (start bool) {
	switch ahead := location - v.location; {
	case !v.joined:
		start = true
	case ahead == 0 || ahead > 1<<31:
		v.broken(RuleLocation, "LocationId %d follows %d", location, v.location)
		return false
	case ahead > 1:
		start = true
		v.c.Gaps++
		v.c.Missing += int64(ahead - 1)
	default:
		start = v.follows(key)
	}
	if start {
		v.loseAll()
		if v.joined || !v.o.AnyStart {
			v.startRule()
		}
	}
	return start
}

// follows tries the packet on copies of the tracks where no packet is missing
// by number. If its media objects do not follow, that is a gap for a plain
// viewer, who has no numbers; for a framed one it is a splice or a fault.
func (v *Verifier) follows(key bool) (gap bool) {
	what, t := v.try()
	switch {
	case t == nil:
	case v.beginsRound(key, t):
		v.c.Rounds++
		v.loseAll()
	case v.o.Plain:
		v.c.Gaps++
		return true
	case v.o.Splices >= 0 && v.c.Splices >= v.o.Splices:
		v.broken(RuleObject, "no packet is missing, but %s", what)
	case (key || !v.facts.hasVideo) && !v.open():
		v.c.Splices++
		v.loseAll()
	case t.after != uint64(v.c.KeyStarts) && !t.open:
		// A stream that has sent nothing since the key frame that a splice
		// began with is seen to be spliced only now.
		v.c.Splices++
		t.lose()
	default:
		v.broken(RuleObject, "no packet is missing, but %s", what)
	}
	return false
}

// beginsRound reports whether the packet, in which t does not follow, is where a file
// begins again.
func (v *Verifier) beginsRound(key bool, t *track) bool {
	if v.o.Rounds == nil || !v.o.Rounds() || v.open() {
		return false
	}
	if !key && v.facts.hasVideo {
		return t.after != uint64(v.c.KeyStarts)
	}
	v.scratch = appendContent(v.scratch[:0], v.packet.payloads)
	first := shortHash(v.scratch)
	if v.c.Rounds == 0 {
		v.round = first
	}
	return v.round == first
}

// open reports whether a media object of any stream is not whole yet.
func (v *Verifier) open() bool {
	for i := range v.tracks {
		if v.tracks[i].open {
			return true
		}
	}
	return false
}

// try walks the packet's payloads over copies of their streams' places. It
// returns the first track that a payload does not follow, and why.
func (v *Verifier) try() (what string, t *track) {
	for i := range v.packet.payloads {
		t := &v.tracks[v.packet.payloads[i].stream]
		t.trial = t.place
	}
	for i := range v.packet.payloads {
		p := &v.packet.payloads[i]
		t := &v.tracks[p.stream]
		if s, what := t.trial.take(p); s == stepBreak {
			return what, t
		}
	}
	return "", nil
}

// startRule judges the packet as the first after a join or a gap.
func (v *Verifier) startRule() {
	if !v.facts.hasVideo {
		return
	}
	var begun, video [128]bool
	found := false
	for i := range v.packet.payloads {
		p := &v.packet.payloads[i]
		if v.facts.video[p.stream] && !video[p.stream] {
			video[p.stream], found = true, true
			if !v.facts.starts(p) {
				v.broken(RuleKeyStart, "the first payload of video stream %d has key bit %v and offset %d", p.stream, p.key, p.offset)
				return
			}
		}
		if p.begins() {
			begun[p.stream] = true
		} else if !begun[p.stream] {
			v.broken(RuleTail, "a payload of stream %d goes on with an object at byte %d", p.stream, p.offset)
			return
		}
	}
	if !found {
		v.broken(RuleKeyStart, "the packet has no video payload")
	}
}

// loseAll gives up all objects under way.
func (v *Verifier) loseAll() {
	for i := range v.tracks {
		if v.tracks[i].lose() {
			v.c.Cut++
		}
	}
}

// objects takes the packet's payloads in and has whole objects checked.
func (v *Verifier) objects(p *dataPacket) {
	for i := range p.payloads {
		if v.fault != nil {
			return
		}
		t := &v.tracks[p.payloads[i].stream]
		s, what, err := t.take(&p.payloads[i], v.deliver)
		t.after = uint64(v.c.KeyStarts)
		switch {
		case err != nil:
			v.broken(RuleBytes, "object %d of stream %d: %v", t.object.Number, t.object.Stream, err)
		case s == stepBreak:
			v.broken(RuleObject, "stream %d: %s", p.payloads[i].stream, what)
		case s == stepTail:
			v.c.Tails++
		}
	}
}

// began tells of the last media object that the packet begins.
func (v *Verifier) began(p *dataPacket) {
	if v.o.Began == nil {
		return
	}
	for i := len(p.payloads) - 1; i >= 0; i-- {
		if b := &p.payloads[i]; !b.compressed && b.begins() {
			v.o.Began(b.stream, b.data)
			return
		}
	}
}

// deliverObject counts a whole object and has it checked.
func (v *Verifier) deliverObject(o *Object) error {
	v.c.Objects++
	if v.o.Object == nil {
		return nil
	}
	return v.o.Object(o)
}

// remember keeps the packet's record, while there is room for it.
func (v *Verifier) remember(location uint32, start bool, b []byte) {
	if len(v.records) >= v.o.Records {
		return
	}
	v.scratch = appendContent(v.scratch[:0], v.packet.payloads)
	v.records = append(v.records, Record{
		Location: location,
		Header:   uint32(v.c.Headers),
		Start:    start,
		Hash:     shortHash(b),
		Content:  shortHash(v.scratch),
	})
}
