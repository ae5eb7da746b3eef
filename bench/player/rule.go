package player

import "fmt"

// Rule is something that a stream towards a viewer must keep.
type Rule uint8

// The rules, in the order in which a stream meets them.
const (
	RuleFraming   Rule = iota // a packet begins with '$' and is long enough for its kind
	RuleBurst                 // no B flag
	RuleKind                  // no $M, $P, $T, $F nor anything unknown
	RuleOrder                 // each kind in its place
	RuleReason                // $E ends or changes, $C goes on; nothing behind the reason
	RuleConfirm               // PacketSize repeats PacketLength
	RulePieces                // LocationIds and AFFlags of $H
	RuleHeader                // the header is one, of a live stream
	RuleSize                  // a data packet is not longer than the header says
	RuleLocation              // LocationIds rise
	RuleAFFlags               // AFFlags of $D are all 0, or count
	RulePacket                // a data packet parses
	RuleSelfSized             // a short packet tells its length itself
	RuleSendTime              // send times do not go back
	RuleKeyStart              // after a join or a gap, video starts with a key frame
	RuleTail                  // and nothing stands there of what began before
	RuleObject                // media objects are whole and follow each other
	RuleBytes                 // their bytes are what the encoder sent
	RuleTorn                  // the stream does not end inside a packet
)

var ruleTexts = [...]struct{ name, section, sentence string }{
	RuleFraming:   {"framing", "[MS-WMSP] 2.2.3.1.1", "an MMS packet begins with '$' and is long enough for its kind"},
	RuleBurst:     {"burst", "[MS-WMSP] 2.2.3.1.1", "the B flag kills ffmpeg, VLC and libmms"},
	RuleKind:      {"kind", "[MS-WMSP] 2.2.3.1.1", "only $H, $D, $E and $C may reach a viewer"},
	RuleOrder:     {"order", "[MS-WMSP] 3.1.5", "the kind of packet is not expected here"},
	RuleReason:    {"reason", "[MS-WMSP] 2.2.3.2, 2.2.3.4", "$E has reason 0 or 1, $C has reason 0, and both are four bytes long"},
	RuleConfirm:   {"confirm", "[MS-WMSP] 2.2.3.1.2", "PacketSize repeats PacketLength; MPlayer stops where it does not"},
	RulePieces:    {"pieces", "[MS-WMSP] 2.2.3.1.2", "a header is one $H with AFFlags 0C, and in pieces only if it is too long for VLC"},
	RuleHeader:    {"header", "[ASF] 3", "the header is that of a live stream with the Data Object's first 50 bytes"},
	RuleSize:      {"size", "[MS-WMSP] 2.2.3.3", "a data packet has at least one byte and at most the header's packet size"},
	RuleLocation:  {"location", "[MS-WMSP] 2.2.3.1.2", "LocationIds of data packets rise"},
	RuleAFFlags:   {"afflags", "[MS-WMSP] 2.2.3.1.2", "AFFlags of data packets are all 0, or count from 0"},
	RulePacket:    {"packet", "[ASF] 5.2", "a data packet parses, and its streams are in the header"},
	RuleSelfSized: {"self-sized", "[ASF] 5.2.2", "a short packet with one payload has an explicit packet length"},
	RuleSendTime:  {"send-time", "[ASF] 5.2.2", "send times do not go back"},
	RuleKeyStart:  {"key-start", "[MS-WMSP] 3.2.5.7", "where a viewer joins or is skipped forward, the first video payload begins a key frame"},
	RuleTail:      {"tail", "[MS-WMSP] 3.2.5.7", "where a viewer joins or is skipped forward, no payload continues an object that began earlier"},
	RuleObject:    {"object", "[ASF] 5.2.3", "media objects are whole and follow each other"},
	RuleBytes:     {"bytes", "[ASF] 5.2.3", "a media object has the encoder's bytes"},
	RuleTorn:      {"torn", "[MS-WMSP] 2.2.3.1.1", "the stream does not end inside a packet"},
}

// String is the rule's short name.
func (r Rule) String() string {
	if int(r) < len(ruleTexts) {
		return ruleTexts[r].name
	}
	return "unknown"
}

// Section is where the rule is written.
func (r Rule) Section() string {
	if int(r) < len(ruleTexts) {
		return ruleTexts[r].section
	}
	return ""
}

// Sentence says what the rule asks.
func (r Rule) Sentence() string {
	if int(r) < len(ruleTexts) {
		return ruleTexts[r].sentence
	}
	return ""
}

// Fault is a broken rule.
type Fault struct {
	Rule   Rule
	At     int64  // where the packet begins in the body, in bytes
	Packet int64  // how many data packets came before
	What   string // what was found
}

// Error is what was found, where, and the rule it breaks.
func (f *Fault) Error() string {
	return fmt.Sprintf("byte %d, after %d data packets: %s (rule %s, %s: %s)",
		f.At, f.Packet, f.What, f.Rule, f.Rule.Section(), f.Rule.Sentence())
}
