package tuning

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// Qdisc is the queueing discipline of an interface.
type Qdisc struct {
	Root string // its kind
	// Handle is 0 where the kernel attached it by itself.
	Handle uint32
	// Queues are the kinds below the root, of one that only deals packets out to
	// the transmit queues (mq); nil of any other.
	Queues []string
}

// dumps is how often the kernel is asked again if its answer was interrupted.
const dumps = 5

// ReadQdisc asks the kernel for the discipline of the named interface. It needs no
// privilege.
func ReadQdisc(name string) (q Qdisc, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return Qdisc{}, err
	}
	for range dumps {
		var all []netlink.Qdisc
		if all, err = netlink.QdiscList(link); err == nil {
			return rootOf(all)
		}
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return Qdisc{}, err
}

// rootOf is the discipline at the root of an interface's.
func rootOf(all []netlink.Qdisc) (q Qdisc, err error) {
	at := slices.IndexFunc(all, func(q netlink.Qdisc) bool { return q.Attrs().Parent == netlink.HANDLE_ROOT })
	if at < 0 {
		return Qdisc{}, errors.New("the kernel tells of none")
	}
	q = Qdisc{Root: all[at].Type(), Handle: all[at].Attrs().Handle}
	if q.Root != "mq" && q.Root != "mqprio" {
		return q, nil
	}
	for _, below := range all {
		if parent := below.Attrs().Parent; parent != netlink.HANDLE_ROOT && parent>>16 == q.Handle>>16 {
			q.Queues = append(q.Queues, below.Type())
		}
	}
	return q, nil
}

// lookQdisc looks at the discipline by which packets leave each interface.
func lookQdisc(r *Row, b *Box) (found []Finding) {
	for _, i := range b.Machine.Interfaces {
		f := Finding{}
		if q, err := b.Qdisc(i.Name); err != nil {
			f = unread(wantedQdisc(r.Value, i), err)
		} else {
			f = lookQdiscOf(r.Value, i, q)
		}
		f.Where = i.Name
		found = append(found, f)
	}
	return found
}

// wantedQdisc is what an interface should have: one at the root would be one lock
// for all transmit queues.
func wantedQdisc(kind string, i Interface) string {
	if i.TX > 1 {
		return "mq, with " + kind + " for each queue"
	}
	return kind
}

func lookQdiscOf(kind string, i Interface, q Qdisc) Finding {
	f := Finding{State: OK, Is: q.text(), Want: wantedQdisc(kind, i)}
	if i.TX <= 1 {
		if q.Root != kind {
			f.State, f.Fix = Change, []string{"tc qdisc replace dev " + i.Name + " root " + kind + untilDefault}
		}
		return f
	}
	if len(q.Queues) > 0 && !slices.ContainsFunc(q.Queues, func(is string) bool { return is != kind }) {
		return f
	}
	// The kernel gives each queue the default when it recreates mq. It takes "replace"
	// for a change of nothing where there is an mq that somebody made.
	again := "tc qdisc replace dev " + i.Name + " root mq"
	if q.Root == "mq" && q.Handle != 0 {
		again = "tc qdisc del dev " + i.Name + " root"
	}
	f.State, f.Fix = Change, []string{setSysctl("net.core.default_qdisc", kind), again + untilDefault}
	return f
}

// untilDefault is behind a command whose effect the kernel's default takes over.
const untilDefault = "    # until the next start; net.core.default_qdisc does it from then on"

// text is what an interface has, in words.
func (q Qdisc) text() string {
	if len(q.Queues) == 0 {
		return q.Root
	}
	var parts []string
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(q.Queues))) {
		n := 0
		for _, k := range q.Queues {
			if k == kind {
				n++
			}
		}
		parts = append(parts, fmt.Sprintf("%s for %s", kind, count(n, "queue")))
	}
	return q.Root + ", with " + strings.Join(parts, " and ")
}
