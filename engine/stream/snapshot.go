package stream

import "time"

// Room is what is used of limits on viewers, and the limits; a limit of 0 is none.
type Room struct {
	Pumps          int    `json:"pumps"`              // of the viewers
	ViewersLimit   int    `json:"viewers_limit"`      // on those that are no pumps
	PumpsLimit     int    `json:"pumps_limit"`        //
	Bandwidth      int64  `json:"bandwidth_reserved"` // bits a second, for viewers and pumps
	BandwidthLimit int64  `json:"bandwidth_limit"`    //
	Refused        uint64 `json:"viewers_refused"`    // found no room, or joined too fast
}

// Snapshot is a stream's state at one moment.
type Snapshot struct {
	Name      string  `json:"name"`
	Path      string  `json:"path"`
	Type      string  `json:"type"`
	State     string  `json:"source"`
	Problem   string  `json:"problem,omitempty"` // why the source is not up
	Media     string  `json:"media,omitempty"`
	Client    string  `json:"client,omitempty"` // of the source, if access rules know it
	UpSeconds float64 `json:"up_seconds"`
	Age       float64 `json:"newest_packet_age_seconds"`
	Viewers   int64   `json:"viewers"`
	Room
	Joins      uint64  `json:"joins"`
	Anywhere   uint64  `json:"joins_without_key_frame"`
	PacketsIn  uint64  `json:"packets_in"`
	BytesIn    uint64  `json:"bytes_in"`
	LeftOut    uint64  `json:"packets_left_out"`
	Rate       float64 `json:"packets_per_second"`
	Bitrate    int64   `json:"bitrate"`              // what the source sends, in bits a second
	Each       int64   `json:"bandwidth_per_viewer"` // what is reserved for each viewer, in bits a second
	Programmes uint64  `json:"programmes"`
	Splices    uint64  `json:"splices"`
	Backlog    int64   `json:"backlog_bytes"` // all that the stream holds, ended programmes included
	BacklogLen uint64  `json:"backlog_packets"`
}

// Snapshot gathers the present state. Any goroutine may call it.
func (st *Stream) Snapshot() Snapshot {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := Snapshot{
		Name: st.Config.Name, Path: st.Config.Path, Type: st.kind(),
		State: st.State().String(), Problem: st.problem,
		Viewers: st.viewers(), Joins: st.stats.joins.Load(), Anywhere: st.stats.anywhere.Load(),
		PacketsIn: st.stats.packetsIn.Load(), BytesIn: st.stats.bytesIn.Load(), LeftOut: st.stats.skippedIn.Load(),
		Programmes: st.stats.programmes.Load(), Splices: st.stats.splices.Load(),
		Backlog: st.memory.Used(),
	}
	if st.holder != nil {
		s.Client = st.holder.Client
	}
	if p := st.cur.Load(); p != nil {
		now := st.env.Clock.Now()
		s.Media = p.Media().String()
		s.Rate, s.Bitrate = p.PacketRate(), p.bitrate.Load()
		s.BacklogLen = p.Ring.Head() - p.Ring.Tail()
		s.UpSeconds = time.Duration(now - st.upSince).Seconds()
		s.Age = time.Duration(now - st.lastAt).Seconds()
	}
	return s
}

// kind is the word for the stream's kind of source.
func (st *Stream) kind() string {
	switch {
	case st.Config.Push:
		return "push"
	case st.Config.Pull != nil:
		return "pull"
	default:
		return "file"
	}
}
