package tuning

import "fmt"

// fast is the speed in Mbit/s from which what a card brings in begins to be
// work: at 10 Gbit/s out, viewers acknowledge some 400,000 times a second.
const fast = 10_000

// seldom is how many packets must arrive for each time that some are left for later:
// even an idle system has a few such moments.
const seldom = 10_000

// cardRows are about network cards: what arrives at them, and the queues by
// which it goes out.
func cardRows() []Row {
	const when = "cards of 10 Gbit/s and more, or where the kernel counts packets that it dropped or often left for later"
	return []Row{
		{
			Name: "net.core.default_qdisc", Value: "fq",
			Reason: "The fair queue sends each connection's packets at the pace that its congestion control asks for, from one timer for all. Interfaces that are up keep what they have until they are set themselves.",
			Source: "tc-fq(8); Linux, Documentation/admin-guide/sysctl/net.rst: default_qdisc",
			When:   "with a physical interface",
			Cost:   "TCP paces by itself, with a timer for each viewer, which is CPU; with pfifo_fast, one viewer's burst goes before all others.",
			File:   Written,
			away:   noCard,
		},
		{
			Name: "qdisc", Value: "fq",
			Reason: "What an interface has; net.core.default_qdisc is what it gets when it comes up for the first time or is created again.",
			Source: "tc-fq(8), tc-mq(8)",
			When:   "physical interfaces; those with several transmit queues have mq, with fq for each queue, as one for all is a lock that they share",
			Cost:   "TCP paces by itself, with a timer for each viewer, which is CPU; with pfifo_fast, one viewer's burst goes before all others.",
			away:   noCard, look: lookQdisc,
		},
		{
			Name: "net.core.netdev_max_backlog", Value: "4096", Unit: "packets",
			Reason: "How many packets may wait for a processor on arrival, where they are handed from one to another (RPS) or come from a driver without NAPI.",
			Source: "Linux, Documentation/admin-guide/sysctl/net.rst: netdev_max_backlog",
			When:   when, Cost: "Acknowledgements are lost, and what they acknowledge is sent again.",
			File: Offered, holds: atLeast, away: notBusy,
		},
		{
			Name: "net.core.netdev_budget", Value: "600", Unit: "packets",
			Reason: "How many packets are received in one go before the processor does something else.",
			Source: "Linux, Documentation/admin-guide/sysctl/net.rst: netdev_budget",
			When:   when, Cost: "What arrives waits for another turn, and the card drops it when its ring is full.",
			File: Offered, holds: atLeast, away: notBusy,
		},
		{
			Name: "net.core.netdev_budget_usecs", Value: "8000", Unit: "microseconds",
			Reason: "How long one such go may take; it ends at whichever comes first.",
			Source: "Linux, Documentation/admin-guide/sysctl/net.rst: netdev_budget_usecs",
			When:   when, Cost: "As for netdev_budget.",
			File: Offered, holds: atLeast, away: notBusy,
		},
		{
			Name: "rps_cpus", Value: "all processors, where there are fewer receive queues than cores",
			Reason: "What arrives in a queue is handled by one processor unless it is handed on to others. A card with a queue for each core does it by itself.",
			Source: "Linux, Documentation/networking/scaling.rst: RPS. In a virtual machine the interrupts by which it hands over took 31 % of the sender's CPU, as we measured, so it is no gain for slow cards",
			When:   "physical interfaces; " + when,
			Cost:   "One processor receives all acknowledgements, and its event loop falls behind the others.",
			away:   orOneCore(notBusy), look: lookRPS,
		},
		{
			Name: "xps_cpus", Value: "some processors for each transmit queue",
			Reason: "A processor that has its own transmit queue shares no lock with others when it sends. Most drivers set this by themselves.",
			Source: "Linux, Documentation/networking/scaling.rst: XPS",
			When:   "physical interfaces with more than one transmit queue",
			Cost:   "Event loops wait for each other at a queue's lock.",
			away:   orOneCore(noCard), look: lookXPS,
		},
		{
			Name: "smp_affinity_list", Value: "a card's interrupts spread over processors: at least one for every two",
			Reason: "A queue's interrupt decides which processor handles it. irqbalance does this, or the driver.",
			Source: "Linux, Documentation/core-api/irq/irq-affinity.rst; Documentation/networking/scaling.rst: RSS IRQ Configuration",
			When:   "physical interfaces, on more than one core",
			Cost:   "One processor does the work of all queues.",
			away:   orOneCore(noCard), look: lookInterrupts,
		},
	}
}

// noCard says why rows about network cards do not apply, if they do not.
func noCard(b *Box) string {
	if len(b.Machine.Interfaces) == 0 {
		return "there is no physical interface that is up (loopback, bridges and the ends of a container's cable do not count)"
	}
	return ""
}

// orOneCore adds the condition that there is more than one core.
func orOneCore(away func(*Box) string) func(*Box) string {
	return func(b *Box) string {
		if why := away(b); why != "" {
			return why
		}
		if b.Machine.Cores() == 1 {
			return "there is one core, which does everything"
		}
		return ""
	}
}

// notBusy says why the load of arriving packets does not matter here, if it does not.
func notBusy(b *Box) string {
	if why := noCard(b); why != "" {
		return why
	}
	for _, i := range b.Machine.Interfaces {
		if i.Speed >= fast {
			return ""
		}
	}
	n, err := softnet(b.Root)
	switch {
	case err != nil:
		return fmt.Sprintf("no interface says that it has %d Gbit/s or more", fast/1000)
	case n.dropped > 0 || n.left > n.packets/seldom:
		return ""
	}
	return fmt.Sprintf("no interface says that it has %d Gbit/s or more, and the kernel dropped nothing and put next to nothing off", fast/1000)
}
