package config

// maxProxies is how many networks of proxies may be given: each connection is compared
// with all of them.
const maxProxies = 64

// proxies reads the networks of the proxies in front of the pump that are believed when
// they say by the PROXY protocol for whom they connect. A single one needs no brackets.
func (w *walker) proxies(n node, c *Config) {
	elements, _ := w.several(n)
	if len(elements) > maxProxies {
		w.fail(n, "there are %d networks, and at most %d can be given", len(elements), maxProxies)
		return
	}
	for _, e := range elements {
		p, ok := w.network(e)
		switch {
		case !ok:
			continue
		case p.Bits() == 0:
			w.warn(e, "everybody can say to be anybody: give the addresses of the proxies alone")
		}
		c.Engine.Proxies = append(c.Engine.Proxies, p)
	}
}
