package result

import "fmt"

// Stream is what the servers got that were started for the run.
type Stream struct {
	Bitrate    int     `json:"bitrate"`
	PacketSize int     `json:"packet_size,omitempty"` // 0: packets are as large as what is in them
	FPS        float64 `json:"fps"`
	GOP        int     `json:"gop"`
}

// String is the stream in a few words.
func (s *Stream) String() string {
	text := fmt.Sprintf("%.3g Mbit/s", float64(s.Bitrate)/1e6)
	if s.PacketSize > 0 {
		text += fmt.Sprintf(" in packets of %d bytes", s.PacketSize)
	}
	return text
}
