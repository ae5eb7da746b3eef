package tuning

import "fmt"

// What the program sets for itself. The table names the same values, so that
// documents and checks cannot say anything else.
const (
	// DescriptorLimit is how many files and sockets a pump may have open: one for
	// each session that is remembered (131,072), as many again for those that
	// come and go, and some for listeners, sources and files.
	DescriptorLimit = 1 << 18

	// ReservedDescriptors are left over for everything but viewers.
	ReservedDescriptors = 128

	// NotSentLowat is TCP_NOTSENT_LOWAT of a viewer's socket in bytes: a second
	// of a 1 Mbit/s stream, which lets the pump be late without the connection
	// running dry, and bounds what the kernel holds for one that has stalled.
	NotSentLowat = 128 << 10

	// ReadBuffer is the size of a loop's buffer for incoming bytes: several packets of
	// an encoder, the largest of which has 64 KiB; viewers send less than a kilobyte.
	ReadBuffer = 64 << 10
)

// GCPercent is the percentage by which the heap may grow between two collections.
const GCPercent = 25

// memoryShare is the part of the usable memory that Go is held to. What sockets hold
// is the kernel's and not counted by Go, but counts to the control group: a quarter
// of the memory is theirs.
const memoryShare = 0.75

// SoftLimit is the soft limit of Go's memory in bytes for a machine, and why; 0 if
// the memory is not known. Without a limit the collector lets the heap grow to twice
// what is live, whether or not there is that much memory.
func SoftLimit(m Machine) (bytes int64, why string) {
	usable, of := m.Usable(), "the machine's memory"
	if m.MemoryLimit > 0 {
		of = "the control group's limit"
	}
	if usable == 0 {
		return 0, "how much memory there is could not be read"
	}
	return int64(memoryShare * float64(usable)), fmt.Sprintf("%.0f %% of %s (%s), the rest being for sockets", 100*memoryShare, of, SizeText(usable))
}

// SizeText is a number of bytes for people, to three digits.
func SizeText(bytes int64) string {
	f, unit := float64(bytes), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if f >= 100 {
		return fmt.Sprintf("%.0f %s", f, unit)
	}
	return fmt.Sprintf("%.3g %s", f, unit)
}
