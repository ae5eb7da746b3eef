//go:build e2e

package e2e

// sourceScenes are the attacks by sources that the pump pulls from.
func sourceScenes() []attackScene {
	const short = pullsShortly
	return []attackScene{
		{name: "sources", config: short, memory: 32 << 20, open: 240, rows: []attackRow{
			{name: "source-silent", must: "a source that says nothing is given up when its time is up", problem: "did not begin within"},
			{name: "source-endless-head", must: "an answer's head has a bound, and then the source is left", problem: "head"},
			{name: "source-endless-line", must: "so has a line of it", problem: "head"},
			{name: "source-slow-head", must: "a head that comes byte by byte has no more time than another", problem: "did not begin within"},
			{name: "source-interim", must: "interim answers are bounded in number or in time", problem: "answer"},
			{name: "source-redirects", must: "a few redirects are followed, and then it is a loop", problem: "redirect"},
			{name: "source-huge", must: "what is larger than the header's packets is no packet, and the source is left", problem: "packet"},
			{name: "source-lies", must: "packets whose lengths lie are left out, and a source without a good one is given up", problem: "packet"},
			{name: "source-huge-header", must: "a header has a bound, however it is cut, and then the source is left", problem: "header"},
			{name: "source-minute", must: "a source without a packet is given up when its time is up, whatever else it sends", problem: "no packet"},
			{name: "source-metadata", must: "so is one that sends everything but packets", problem: "no packet"},
			{name: "source-changes", must: "a header each second is a new programme each second, in the memory of one"},
			{name: "source-changes-fast", must: "a source whose header changes too often is left", problem: "too often"},
			{name: "source-tiny", must: "a source has a rate for its packets too, and the log says so", after: sourceHasARate},
			{name: "source-cuts", must: "a source that cuts is tried again, with a pause before each time", problem: "closed the connection"},
		}},
		{name: "proxy-slow", config: short, memory: 32 << 20, open: 200, rows: []attackRow{
			{name: "proxy-slow", must: "the way through a proxy is part of a source's time", problem: "proxy"},
		}},
		{name: "proxy-endless", config: short, memory: 32 << 20, open: 200, long: true, rows: []attackRow{
			{name: "proxy-endless", must: "a proxy's answer has a bound", problem: "proxy"},
		}},
	}
}
