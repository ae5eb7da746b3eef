package tuning

import (
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// discipline is one of a kind, with its handle and its parent's.
func discipline(kind string, handle, parent uint32) netlink.Qdisc {
	return &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{Handle: handle, Parent: parent}, QdiscType: kind}
}

func TestLeaves(t *testing.T) {
	const root = netlink.HANDLE_ROOT
	for _, c := range []struct {
		name string
		all  []netlink.Qdisc
		want []string
	}{
		{"none", nil, nil},
		{"one", []netlink.Qdisc{discipline("pfifo_fast", 0, root)}, []string{"pfifo_fast"}},
		{"what arrives is left out", []netlink.Qdisc{discipline("clsact", 0xFFFF0000, netlink.HANDLE_INGRESS), discipline("fq", 0x80010000, root)}, []string{"fq"}},
		{"by the kernel, for each queue", []netlink.Qdisc{
			discipline("mq", 0, root), discipline("fq", 0, 1), discipline("pfifo_fast", 0, 2), discipline("ingress", 0xFFFF0000, netlink.HANDLE_INGRESS),
		}, []string{"fq", "pfifo_fast"}},
		{"by hand, for each queue", []netlink.Qdisc{
			discipline("mq", 0x80020000, root), discipline("fq", 0, 0x80020001), discipline("fq", 0, 0x80020002),
		}, []string{"fq", "fq"}},
		{"a shaper's classes are its own", []netlink.Qdisc{discipline("htb", 0x10000, root), discipline("fq", 0x20000, 0x10001)}, []string{"htb"}},
	} {
		if got := leaves(c.all); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestQdiscOfAnInterface(t *testing.T) {
	for _, c := range []struct {
		name   string
		queues int
		kinds  []string
		state  State
		is     string
		fix    string
	}{
		{"fair", 1, []string{"fq"}, OK, "fq", ""},
		{"first come", 1, []string{"pfifo_fast"}, Change, "pfifo_fast", "tc qdisc replace dev eth0 root fq"},
		{"several queues", 3, []string{"fq", "fq_codel", "fq"}, Change, "fq on 2 queues, fq_codel on 1 queue", "sysctl -w net.core.default_qdisc=fq\ntc qdisc replace dev eth0 root mq"},
		{"not told", 1, nil, Unread, "", ""},
	} {
		b := &Box{Machine: Machine{Interfaces: []Interface{{Name: "eth0", TX: c.queues}}}, Qdiscs: map[string][]string{"eth0": c.kinds, "eth1": {"fq"}}}
		found := lookQdisc(&Row{Value: "fq"}, b)
		if len(found) != 1 {
			t.Fatalf("%s: %+v", c.name, found)
		}
		f := found[0]
		if f.Where != "eth0" || f.State != c.state || f.Is != c.is || f.Want != "fq" || strings.Join(f.Fix, "\n") != c.fix || (f.Note == "") != (c.kinds != nil) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// The kernel here tells of every interface, or says why not.
func TestQdiscsOfThisMachine(t *testing.T) {
	all, err := Qdiscs()
	if err != nil {
		t.Fatal(err)
	}
	for name, kinds := range all {
		if name == "" || slices.Contains(kinds, "") {
			t.Errorf("%q: %q", name, kinds)
		}
	}
	t.Logf("%q", all)
}
