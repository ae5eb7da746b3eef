package player

import "streampump/bench/synth"

// Pattern is an [Options.Object] that checks each media object by the pattern
// of bench/synth: its bytes, its stream and key bit, and its place in the row.
// It belongs to one verifier.
func Pattern() func(*Object) error {
	var c synth.Checker
	return func(o *Object) error { return c.Check(o.Stream, o.Key, o.Loose, o.Data) }
}
