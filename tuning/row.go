package tuning

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// Row is one setting of the machine or the program: what it should be, why, and how
// that is known. The rows are the only place where this is said: `stream-pump
// doctor`, the file for sysctl.d and the documents are made from them.
type Row struct {
	// Name is the setting's name where it is set: that of a sysctl has dots.
	Name string
	// Value is what it should be. Where that depends on the machine, it is a
	// sentence in lower case.
	Value string
	Unit  string // of Value; empty for words
	// Reason is why, in one or two sentences.
	Reason string
	// Source is how this is known: from the kernel's documents, a manual page, an RFC,
	// or our own measurement.
	Source string
	// When says where the row applies.
	When string
	// Cost is what happens if the setting differs.
	Cost string
	// File is what the file for sysctl.d does with it.
	File Place

	// want is the value for a box; nil stands for Value.
	want func(*Box) string
	// holds compares a reading with what is wanted; the zero value with equality.
	holds comparison
	// away says why the row does not apply to a box, or nothing; nil applies always.
	away func(*Box) string
	// look reads and compares; nil reads the sysctl of that name.
	look func(*Row, *Box) []Finding
}

// Place is what the file for sysctl.d does with a row.
type Place int

const (
	Elsewhere Place = iota // it is not a sysctl
	Written                // it is set
	Offered                // it is there as a comment, since it applies to some machines only
	Left                   // it is left out: what is there may be higher, and would be lowered
)

// Box is a machine and what it is used for, as [Check] takes it.
type Box struct {
	Root    fs.FS  // its files; see [Root]
	Process string // the process looked at: a number, or [Self]
	Machine Machine
	Use     Use
	// Qdisc returns an interface's discipline: [ReadQdisc]. Only Check calls it.
	Qdisc func(name string) (Qdisc, error)
}

// Use is what a box is used for, as far as it is known.
type Use struct {
	Viewers      int  // at once; 0: not known
	Pulls        int  // streams that are fetched
	Loops        int  // event loops; 0: as many as suit the machine
	Reserved     int  // descriptors for everything but connections; 0: ReservedDescriptors
	NotSentLowat int  // in bytes; 0: the default
	Datagrams    bool // players over RTSP may have their packets over UDP
	Hears        bool // encoders over RTSP, and servers that are pulled, may send over UDP
	Generator    bool // it makes load with pump-bench too
}

// State is what a look at a setting found.
type State string

const (
	OK     State = "ok"     // it is as it should be
	Change State = "change" // it is worth changing
	Unread State = "unread" // it could not be read
	Away   State = "away"   // it does not apply here
)

// Finding is what one setting is on a box: in one place, where it is set for
// each interface or processor.
type Finding struct {
	Row   *Row
	Where string // the interface or the like; empty for the whole box
	State State
	Is    string   // empty if it was not read
	Want  string   // empty if it does not apply
	Note  string   // why it was not read or does not apply, or what else to know
	Fix   []string // commands, or lines of a file with a # behind them that says of which
}

// Check looks at every setting of the table. It changes nothing.
func Check(b *Box) []Finding {
	var all []Finding
	rows := Rows()
	for i := range rows {
		all = append(all, rows[i].check(b)...)
	}
	return all
}

// Rows is the table, in the order of documents.
func Rows() []Row {
	return slices.Concat(descriptorRows(), acceptRows(), tcpRows(), cardRows(), cpuRows(), processRows())
}

func (r *Row) check(b *Box) []Finding {
	if r.away != nil {
		if why := r.away(b); why != "" {
			return []Finding{{Row: r, State: Away, Note: why}}
		}
	}
	look := r.look
	if look == nil {
		look = lookSysctl
	}
	found := look(r, b)
	for i := range found {
		found[i].Row = r
	}
	return found
}

// wanted is the value for a box.
func (r *Row) wanted(b *Box) string {
	if r.want != nil {
		return r.want(b)
	}
	return r.Value
}

// sysctlFile is where the kernel keeps the setting of a name.
func sysctlFile(name string) string { return "proc/sys/" + strings.ReplaceAll(name, ".", "/") }

// lookSysctl reads the kernel's setting of the row's name.
func lookSysctl(r *Row, b *Box) []Finding {
	want := r.wanted(b)
	is, err := readWords(b.Root, sysctlFile(r.Name))
	if err != nil {
		return []Finding{unread(r.holds.words+want, err)}
	}
	return []Finding{r.fixSysctl(b, r.judge(is, want), want)}
}

// judge compares what is with what should be.
func (r *Row) judge(is, want string, fix ...string) Finding {
	f := Finding{State: OK, Is: is, Want: r.holds.words + want}
	if !r.holds.compare(is, want) {
		f.State, f.Fix = Change, fix
	}
	return f
}

// unread is a finding for what cannot be read. The files of a network
// namespace of one's own, as containers have it, are fewer.
func unread(want string, err error) Finding {
	note := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		note = "the system does not show it (an older kernel, or a container, where the host decides)"
	}
	return Finding{State: Unread, Want: want, Note: note}
}

// readWords reads a file as words with one blank between them. An error says
// what is wrong without the file's name.
func readWords(root fs.FS, name string) (string, error) {
	text, err := fs.ReadFile(root, name)
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		return "", pe.Err
	case err != nil:
		return "", err
	}
	return strings.Join(strings.Fields(string(text)), " "), nil
}
