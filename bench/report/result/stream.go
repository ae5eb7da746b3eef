package result

import "fmt"

// Stream is what the servers got that were started for the run.
type Stream struct {
	Bitrate    int     `json:"bitrate"`
	PacketSize int     `json:"packet_size"`
	FPS        float64 `json:"fps"`
	GOP        int     `json:"gop"`
}

// String is the stream in a few words.
func (s *Stream) String() string {
	return fmt.Sprintf("%.3g Mbit/s in packets of %d bytes", float64(s.Bitrate)/1e6, s.PacketSize)
}
