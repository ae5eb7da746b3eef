package tuning

import (
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// discipline is one of a kind, with its handle and its parent's.
func discipline(kind string, handle, parent uint32) netlink.Qdisc {
	return &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{Handle: handle, Parent: parent}, QdiscType: kind}
}

func TestRootOfQdiscs(t *testing.T) {
	const root = netlink.HANDLE_ROOT
	for _, c := range []struct {
		name string
		all  []netlink.Qdisc
		want Qdisc
	}{
		{"one", []netlink.Qdisc{discipline("pfifo_fast", 0, root)}, Qdisc{Root: "pfifo_fast"}},
		{"what arrives is left out", []netlink.Qdisc{discipline("clsact", 0xFFFF0000, netlink.HANDLE_INGRESS), discipline("fq", 0x80010000, root)}, Qdisc{Root: "fq", Handle: 0x80010000}},
		{"by the kernel, for each queue", []netlink.Qdisc{
			discipline("mq", 0, root), discipline("fq", 0, 1), discipline("pfifo_fast", 0, 2), discipline("ingress", 0xFFFF0000, netlink.HANDLE_INGRESS),
		}, Qdisc{Root: "mq", Queues: []string{"fq", "pfifo_fast"}}},
		{"by hand, for each queue", []netlink.Qdisc{
			discipline("mq", 0x80020000, root), discipline("fq", 0, 0x80020001), discipline("fq", 0, 0x80020002),
		}, Qdisc{Root: "mq", Handle: 0x80020000, Queues: []string{"fq", "fq"}}},
		{"a shaper's classes are its own", []netlink.Qdisc{discipline("htb", 0x10000, root), discipline("fq", 0x20000, 0x10001)}, Qdisc{Root: "htb", Handle: 0x10000}},
	} {
		if got, err := rootOf(c.all); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if q, err := rootOf([]netlink.Qdisc{discipline("clsact", 0xFFFF0000, netlink.HANDLE_INGRESS)}); err == nil {
		t.Errorf("%+v", q)
	}
}

func TestQdiscOfAnInterface(t *testing.T) {
	deflt := setSysctl("net.core.default_qdisc", "fq") + "\n"
	for _, c := range []struct {
		name    string
		queues  int
		has     Qdisc
		state   State
		is, fix string
	}{
		{"fair", 1, Qdisc{Root: "fq"}, OK, "fq", ""},
		{"first come", 1, Qdisc{Root: "pfifo_fast"}, Change, "pfifo_fast", "tc qdisc replace dev eth0 root fq" + untilDefault},
		{"fair queues", 2, Qdisc{Root: "mq", Handle: 1 << 16, Queues: []string{"fq", "fq"}}, OK, "mq, with fq for 2 queues", ""},
		{"the kernel's", 3, Qdisc{Root: "mq", Queues: []string{"fq", "fq_codel", "fq"}}, Change, "mq, with fq for 2 queues and fq_codel for 1 queue", deflt + "tc qdisc replace dev eth0 root mq" + untilDefault},
		{"somebody's", 2, Qdisc{Root: "mq", Handle: 1 << 16, Queues: []string{"pfifo", "pfifo"}}, Change, "mq, with pfifo for 2 queues", deflt + "tc qdisc del dev eth0 root" + untilDefault},
		{"one for all queues", 8, Qdisc{Root: "fq", Handle: 1 << 16}, Change, "fq", deflt + "tc qdisc replace dev eth0 root mq" + untilDefault},
	} {
		b := &Box{Machine: Machine{Interfaces: []Interface{{Name: "eth0", TX: c.queues}}}, Qdisc: func(string) (Qdisc, error) { return c.has, nil }}
		found := lookQdisc(&Row{Value: "fq"}, b)
		if len(found) != 1 {
			t.Fatalf("%s: %+v", c.name, found)
		}
		if f := found[0]; f.Where != "eth0" || f.State != c.state || f.Is != c.is || !strings.Contains(f.Want, "fq") || strings.Join(f.Fix, "\n") != c.fix {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	b := &Box{Machine: Machine{Interfaces: []Interface{{Name: "eth0"}}}, Qdisc: func(string) (Qdisc, error) { return Qdisc{}, errors.New("it is shy") }}
	if f := lookQdisc(&Row{Value: "fq"}, b)[0]; f.State != Unread || f.Note != "it is shy" || f.Where != "eth0" {
		t.Errorf("%+v", f)
	}
}

// The kernel here tells of every interface that is up.
func TestReadQdisc(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		if q, err := ReadQdisc(i.Name); err != nil || q.Root == "" {
			t.Errorf("%s: %+v, %v", i.Name, q, err)
		}
	}
	if q, err := ReadQdisc("none such"); err == nil {
		t.Errorf("%+v", q)
	}
}
