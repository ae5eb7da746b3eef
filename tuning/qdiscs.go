package tuning

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// Qdiscs asks the kernel for the queueing disciplines by which packets leave
// each interface: one, or one for each transmit queue. It needs no right.
func Qdiscs() (map[string][]string, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("the kernel does not list interfaces: %w", err)
	}
	all, err := netlink.QdiscList(nil)
	if err != nil {
		return nil, fmt.Errorf("the kernel does not list queueing disciplines: %w", err)
	}
	named := map[string][]string{}
	for _, l := range links {
		var mine []netlink.Qdisc
		for _, q := range all {
			if q.Attrs().LinkIndex == l.Attrs().Index {
				mine = append(mine, q)
			}
		}
		if kinds := leaves(mine); len(kinds) > 0 {
			named[l.Attrs().Name] = kinds
		}
	}
	return named, nil
}

// leaves are the kinds of an interface's disciplines that packets wait in: that
// at the root, or those of the queues that it only deals them out to.
func leaves(all []netlink.Qdisc) (kinds []string) {
	for _, q := range all {
		if q.Attrs().Parent != netlink.HANDLE_ROOT {
			continue
		}
		if q.Type() != "mq" && q.Type() != "mqprio" {
			return []string{q.Type()}
		}
		for _, below := range all {
			if parent := below.Attrs().Parent; parent != netlink.HANDLE_ROOT && parent>>16 == q.Attrs().Handle>>16 {
				kinds = append(kinds, below.Type())
			}
		}
	}
	return kinds
}

// lookQdisc looks at what packets leave each interface by.
func lookQdisc(r *Row, b *Box) (found []Finding) {
	for _, i := range b.Machine.Interfaces {
		found = append(found, r.lookQdiscOf(i, b.Qdiscs[i.Name]))
	}
	return found
}

func (r *Row) lookQdiscOf(i Interface, kinds []string) Finding {
	if len(kinds) == 0 {
		f := unread(r.Value, fmt.Errorf("the kernel does not tell it; tc qdisc show dev %s does, perhaps", i.Name))
		f.Where = i.Name
		return f
	}
	f := Finding{Where: i.Name, State: OK, Is: kindsText(kinds), Want: r.Value}
	if slices.ContainsFunc(kinds, func(kind string) bool { return kind != r.Value }) {
		f.State = Change
		f.Fix = []string{"tc qdisc replace dev " + i.Name + " root " + r.Value}
		if i.TX > 1 {
			// Each queue of mq gets the default.
			f.Fix = []string{setSysctl("net.core.default_qdisc", r.Value), "tc qdisc replace dev " + i.Name + " root mq"}
		}
	}
	return f
}

// kindsText is what an interface has, in words.
func kindsText(kinds []string) string {
	if len(kinds) == 1 {
		return kinds[0]
	}
	var parts []string
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		n := 0
		for _, k := range kinds {
			if k == kind {
				n++
			}
		}
		parts = append(parts, kind+" on "+count(n, "queue"))
	}
	return strings.Join(parts, ", ")
}
