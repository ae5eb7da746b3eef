package climb

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Estimate is what stream-pump doctor --capacity --json says. nil is none.
type Estimate struct {
	Viewers int    `json:"viewers"`
	First   string `json:"gives_out_first"`
	Streams []struct {
		Bitrate float64 `json:"bitrate"`
		Share   float64 `json:"share"`
	} `json:"streams"`
}

// bitrate is that of an average viewer, in bits per second.
func (e *Estimate) bitrate() (bits float64) {
	for _, s := range e.Streams {
		bits += s.Share * s.Bitrate
	}
	return bits
}

// ParseEstimate reads what doctor printed.
func ParseEstimate(text []byte) (*Estimate, error) {
	e := new(Estimate)
	switch err := json.Unmarshal(text, e); {
	case err != nil:
		return nil, errors.New("it is not JSON with these numbers") // Go's words are about Go's types
	case e.Viewers < 0 || e.First == "":
		return nil, errors.New("it does not say how many viewers, and what gives out first")
	}
	return e, nil
}

// Accuracy is an estimate against what was measured.
type Accuracy struct {
	Estimated int     `json:"estimated"`
	Measured  int     `json:"measured"`
	AtLeast   bool    `json:"measured_at_least"`
	Error     float64 `json:"error_per_cent"` // above 0: the estimate is too high
	// Resource is what the estimate says gives out first, and Agrees whether that
	// was seen; nil where nothing of the server gave out.
	Resource string `json:"resource"`
	Agrees   *bool  `json:"resource_agrees,omitempty"`
	// What a viewer gets, in bits per second; 0 where it is not known.
	EstimatedRate float64 `json:"estimated_bits_per_second,omitempty"`
	MeasuredRate  float64 `json:"measured_bits_per_second,omitempty"`
}

// sameRate is by which part two bitrates may differ and still be those of one
// stream: framing and the moment at which it was measured.
const sameRate = 0.05

// Against holds an estimate against a climb; nil if there is nothing to hold.
func (e *Estimate) Against(r *Climb) *Accuracy {
	v := &r.Verdict
	if e == nil || v.Players == 0 {
		return nil
	}
	c := &Accuracy{
		Estimated: e.Viewers, Measured: v.Players, AtLeast: v.AtLeast,
		Error:    100 * (float64(e.Viewers)/float64(v.Players) - 1),
		Resource: e.First, EstimatedRate: e.bitrate(),
	}
	if !v.AtLeast {
		same := agrees(v.Reason, e.First)
		c.Agrees = &same
	}
	if n, m := r.Steps[0].Result.Counts.Held, r.Steps[0].Result.Measured; m != nil && n > 0 {
		c.MeasuredRate = m.BitRate / float64(n)
	}
	return c
}

// otherStream says that the estimate is of a stream that is not the measured one;
// empty if that does not show.
func (c *Accuracy) otherStream() string {
	if c.EstimatedRate == 0 || c.MeasuredRate == 0 || math.Abs(c.MeasuredRate/c.EstimatedRate-1) <= sameRate {
		return ""
	}
	return fmt.Sprintf("; it is for %.3g Mbit/s, and players got %.3g: doctor takes --bitrate with the padding of packets",
		c.EstimatedRate/1e6, c.MeasuredRate/1e6)
}

// agrees reports whether what gave out is what doctor calls so: its processors
// are the event loops' as well.
func agrees(seen Reason, doctor string) bool {
	switch seen {
	case Loops, Kernel:
		return doctor == string(Processors)
	case ServerLimits:
		return strings.HasPrefix(doctor, "limits.")
	}
	return string(seen) == doctor
}

// String is the comparison in a sentence.
func (c *Accuracy) String() string {
	text := fmt.Sprintf("doctor estimates %d viewers, limited by %s", c.Estimated, c.Resource)
	switch {
	case c.AtLeast && c.Error >= 0:
		return text + "; no bound was found to compare it with"
	case c.AtLeast:
		return text + fmt.Sprintf(": %.0f %% below what was carried, and more can be", -c.Error) + c.otherStream()
	}
	word := "above"
	if c.Error < 0 {
		word = "below"
	}
	text += fmt.Sprintf(": %.0f %% %s what was measured", max(c.Error, -c.Error), word)
	if c.Agrees != nil && !*c.Agrees {
		text += ", where something else gave out"
	}
	return text + c.otherStream()
}
