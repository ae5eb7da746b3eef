package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// lookRPS looks at each interface that has fewer receive queues than cores.
func lookRPS(_ *Row, b *Box) (found []Finding) {
	all := b.Machine.CPUs
	for _, i := range b.Machine.Interfaces {
		if i.RX >= b.Machine.Cores() {
			found = append(found, Finding{Where: i.Name, State: Away, Note: fmt.Sprintf("it has %s, one for each core", count(i.RX, "receive queue"))})
			continue
		}
		want := maskText(all)
		f := Finding{Where: i.Name, State: OK, Want: want}
		for q := range i.RX {
			name := path.Join(netFolder, i.Name, "queues", fmt.Sprintf("rx-%d", q), "rps_cpus")
			is, err := readMask(b.Root, name)
			if err != nil {
				f = unread(want, err)
				f.Where = i.Name
				break
			}
			f.Is = maskText(is)
			if len(is) < len(all) {
				f.State = Change
				f.Fix = append(f.Fix, "echo "+want+" > /"+name+untilStart)
			}
		}
		found = append(found, f)
	}
	return found
}

// lookXPS looks whether each transmit queue has processors.
func lookXPS(_ *Row, b *Box) (found []Finding) {
	for _, i := range b.Machine.Interfaces {
		if i.TX < 2 {
			found = append(found, Finding{Where: i.Name, State: Away, Note: "it has one transmit queue"})
			continue
		}
		f := Finding{Where: i.Name, State: OK, Is: "all have some", Want: "some for each queue"}
		without := 0
		for q := range i.TX {
			name := path.Join(netFolder, i.Name, "queues", fmt.Sprintf("tx-%d", q), "xps_cpus")
			is, err := readMask(b.Root, name)
			if err != nil {
				f = unread(f.Want, err)
				f.Where = i.Name
				break
			}
			if len(is) == 0 {
				without++
				f.Fix = append(f.Fix, "echo "+maskText(every(b.Machine.CPUs, i.TX, q))+" > /"+name+untilStart)
			}
		}
		if f.State == OK && without > 0 {
			f.State, f.Is = Change, fmt.Sprintf("%d of %d queues have none", without, i.TX)
		}
		found = append(found, f)
	}
	return found
}

// every deals the processors out to n queues: those of the queue of a number.
// Where there are fewer processors than queues, several queues have the same.
func every(cpus []int, n, queue int) (mine []int) {
	for i := queue % len(cpus); i < len(cpus); i += n {
		mine = append(mine, cpus[i])
	}
	return mine
}

func readMask(root fs.FS, name string) ([]int, error) {
	text, err := readWords(root, name)
	if err != nil {
		return nil, err
	}
	return parseMask(text)
}

// lookInterrupts counts the processors that a card's interrupts go to.
func lookInterrupts(_ *Row, b *Box) (found []Finding) {
	text, err := fs.ReadFile(b.Root, "proc/interrupts")
	if err != nil {
		return []Finding{unread("spread over processors", err)}
	}
	for _, i := range b.Machine.Interfaces {
		f := lookCard(b, i, interrupts(string(text), i))
		f.Where = i.Name
		found = append(found, f)
	}
	return found
}

func lookCard(b *Box, i Interface, irqs []int) Finding {
	if len(irqs) == 0 {
		return unread("spread over processors", fmt.Errorf("no interrupt bears the name of %s or its card", i.Name))
	}
	on := map[int]bool{}
	for _, irq := range irqs {
		cpus, err := irqCPUs(b.Root, irq)
		if err != nil {
			return unread("spread over processors", err)
		}
		for _, cpu := range cpus {
			on[cpu] = true
		}
	}
	want := (min(len(irqs), b.Machine.Cores()) + 1) / 2
	f := Finding{
		State: OK, Is: fmt.Sprintf("%s on %s", count(len(irqs), "interrupt"), count(len(on), "processor")),
		Want: fmt.Sprintf("on at least %d", want),
	}
	if len(on) < want {
		f.State = Change
		f.Fix = []string{"systemctl enable --now irqbalance    # or by hand:"}
		for k, irq := range irqs {
			f.Fix = append(f.Fix, fmt.Sprintf("echo %d > /proc/irq/%d/smp_affinity_list"+untilStart, b.Machine.CPUs[k%len(b.Machine.CPUs)], irq))
		}
	}
	return f
}

// irqCPUs are the processors that an interrupt goes to, or may go to where the
// kernel does not tell which one it chose.
func irqCPUs(root fs.FS, irq int) ([]int, error) {
	dir := "proc/irq/" + strconv.Itoa(irq)
	for _, name := range []string{"effective_affinity_list", "smp_affinity_list"} {
		text, err := readWords(root, path.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && text == "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		return parseList(text)
	}
	return nil, fs.ErrNotExist
}

// interrupts lists those of a card in /proc/interrupts: their names hold the
// interface's, or that of the device. The one by which a virtual card tells of
// changes carries no packets.
func interrupts(text string, i Interface) (irqs []int) {
	for line := range strings.Lines(text) {
		number, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		irq, err := strconv.ParseUint(number, 10, 31)
		if !ok || err != nil {
			continue
		}
		names := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(" \t\n,@", r) })
		if !slices.ContainsFunc(names, func(name string) bool { return belongs(name, i) }) {
			continue
		}
		irqs = append(irqs, int(irq))
	}
	return irqs
}

// belongs reports whether an interrupt's name is that of a card: the name, or
// the name and a part behind it ("eth0-TxRx-0", "virtio2-input.0",
// "pci:0000:01:00.0").
func belongs(name string, i Interface) bool {
	name = strings.TrimPrefix(name, "pci:")
	for _, of := range []string{i.Name, i.Device} {
		rest, ok := strings.CutPrefix(name, of)
		if of == "" || !ok {
			continue
		}
		if rest == "" || rest[0] == '-' && rest != "-config" {
			return true
		}
	}
	return false
}

// arrivals is what the kernel counts of packets that arrived since it started.
type arrivals struct {
	packets, dropped uint64
	left             uint64 // times that it left some for later
}

// softnet sums up /proc/net/softnet_stat. There is a line for each processor, of
// numbers to the base of 16.
func softnet(root fs.FS) (arrivals, error) {
	text, err := fs.ReadFile(root, "proc/net/softnet_stat")
	if err != nil {
		return arrivals{}, err
	}
	return parseSoftnet(string(text))
}

func parseSoftnet(text string) (sum arrivals, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			return arrivals{}, fmt.Errorf("a line has %d numbers, not 3 or more", len(fields))
		}
		for i, into := range []*uint64{&sum.packets, &sum.dropped, &sum.left} {
			n, err := strconv.ParseUint(fields[i], 16, 32)
			if err != nil {
				return arrivals{}, err
			}
			*into += n
		}
	}
	return sum, nil
}
