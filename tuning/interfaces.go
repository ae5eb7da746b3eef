package tuning

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const netFolder = "sys/class/net"

// Interface is a physical network interface. Loopback, bridges, VLANs and the
// ends of a container's cable (veth) have no queues or interrupts of their own:
// what is set there changes nothing, so they are left out. In a container with
// a network of its own there are usually none.
type Interface struct {
	Name string
	// Device is the kernel's name of the card, as it stands in its interrupts'
	// names too: a PCI address, or virtio0. Empty if it is not told.
	Device string
	// Speed is in Mbit/s, 0 if it is not known: most virtual cards tell none.
	Speed int
	// Node is the NUMA node that the card sits at, -1 if it is not known.
	Node int
	// RX and TX are the numbers of receive and transmit queues.
	RX, TX int
}

// interfaces lists the physical interfaces that are up.
func interfaces(root fs.FS) []Interface {
	entries, _ := fs.ReadDir(root, netFolder)
	var list []Interface
	for _, e := range entries {
		dir := path.Join(netFolder, e.Name())
		if _, err := fs.Stat(root, path.Join(dir, "device")); err != nil {
			continue
		}
		if state := word(root, path.Join(dir, "operstate")); state == "down" {
			continue
		}
		i := Interface{Name: e.Name(), Device: deviceName(root, dir), Node: -1}
		i.Speed = max(0, number(root, path.Join(dir, "speed")))
		if node, err := strconv.Atoi(word(root, path.Join(dir, "device/numa_node"))); err == nil {
			i.Node = node
		}
		queues, _ := fs.ReadDir(root, path.Join(dir, "queues"))
		for _, q := range queues {
			switch {
			case strings.HasPrefix(q.Name(), "rx-"):
				i.RX++
			case strings.HasPrefix(q.Name(), "tx-"):
				i.TX++
			}
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Interface) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// deviceName is where the link to the card leads.
func deviceName(root fs.FS, dir string) string {
	target, err := fs.ReadLink(root, path.Join(dir, "device"))
	if err != nil {
		return ""
	}
	return path.Base(target)
}

// word is the text of a small file without the white space around it; empty if
// it cannot be read.
func word(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name)
	return strings.TrimSpace(string(text))
}

// number is the number in a small file, 0 if there is none.
func number(root fs.FS, name string) int {
	n, err := strconv.Atoi(word(root, name))
	if err != nil {
		return 0
	}
	return n
}
