package result

import (
	"math"

	"streampump/bench/load"
	"streampump/bench/report"
)

// overTime is the X axis of what is plotted over a run.
const overTime = "seconds since the first connect"

// courseOf shows a run over its time. Without verified players it has no
// delay, and without the server's process nothing of that.
func courseOf(timeline []load.Sample, verified bool) report.Section {
	c := course{timeline: timeline}
	for _, s := range timeline {
		c.at = append(c.at, s.At)
	}
	s := report.Section{Title: "Over time", Text: "Each point covers the time since the one before it. " +
		"Players that join first get packets that are already old, so the delay before the measurement is mostly not the server's doing."}
	if verified {
		s.Plots = append(s.Plots, c.delay())
	}
	s.Plots = append(s.Plots,
		c.plot("Players", "players",
			c.series("held", func(s *load.Sample) float64 { return float64(s.Held) }),
			c.series("lost so far", func(s *load.Sample) float64 { return float64(s.Lost) })),
		c.plot("Received", "Mbit/s, all players",
			c.series("received", func(s *load.Sample) float64 {
				if s.Held == 0 && s.BitRate == 0 { // nobody was there to receive
					return math.NaN()
				}
				return s.BitRate / 1e6
			})),
	)
	return c.processes(s)
}

// course is a timeline that is made into plots.
type course struct {
	timeline []load.Sample
	at       []float64
}

// series is one value of each sample.
func (c *course) series(name string, of func(*load.Sample) float64) report.Series {
	s := report.Series{Name: name, X: c.at}
	for i := range c.timeline {
		s.Y = append(s.Y, of(&c.timeline[i]))
	}
	return s
}

// plot is a plot over the run's time, in which the measurement is marked.
func (c *course) plot(title, y string, series ...report.Series) report.Plot {
	p := report.Plot{Title: title, X: overTime, Y: y, Series: series}
	for _, s := range c.timeline {
		if s.Measuring {
			p.Events = []report.Event{{At: s.At - s.Seconds, Name: "measurement"}}
			break
		}
	}
	return p
}

// delay is the distribution of the added delay.
func (c *course) delay() report.Plot {
	of := func(name string, value func(*load.Times) float64) report.Series {
		return c.series(name, func(s *load.Sample) float64 {
			if s.Delay == nil {
				return math.NaN()
			}
			return value(s.Delay)
		})
	}
	p := c.plot("Added delay", "ms, of verified players",
		of("p50", func(t *load.Times) float64 { return t.P50 }), of("p90", func(t *load.Times) float64 { return t.P90 }),
		of("p99", func(t *load.Times) float64 { return t.P99 }), of("max", func(t *load.Times) float64 { return t.Max }))
	p.Log = true
	return p
}

// processes adds what the server and the generator used.
func (c *course) processes(s report.Section) report.Section {
	generator := c.series("generator", func(s *load.Sample) float64 { return s.GeneratorCores })
	server := c.series("server", func(s *load.Sample) float64 { return orNone(s.ServerCores, 1) })
	measured := false
	for _, y := range server.Y {
		measured = measured || !math.IsNaN(y)
	}
	if !measured {
		s.Plots = append(s.Plots, c.plot("CPU", "cores", generator))
		return s
	}
	s.Plots = append(s.Plots,
		c.plot("CPU", "cores", server, generator),
		c.plot("CPU per viewer", "millionths of a core", c.series("server", func(s *load.Sample) float64 {
			if s.Held == 0 {
				return math.NaN()
			}
			return orNone(s.ServerCores, 1e6/float64(s.Held))
		})),
		c.plot("Server's memory", "MB, resident", c.series("server", func(s *load.Sample) float64 { return orNone(s.ServerRSS, 1e-6) })),
		c.plot("Server's descriptors", "open", c.series("server", func(s *load.Sample) float64 { return orNone(s.Descriptors, 1) })))
	return s
}

// orNone is a value in another unit, and NaN where there is none.
func orNone[N int | int64 | float64](v *N, unit float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return float64(*v) * unit
}
