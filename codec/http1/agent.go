package http1

import "strings"

// maxAgent is the most bytes of a User-Agent that are kept: they are kept for as long as
// the connection is open.
const maxAgent = 128

// Agent is what is kept of a User-Agent.
func Agent(s string) string { return s[:min(len(s), maxAgent)] }

// HasProduct reports whether a User-Agent has a product among its own (RFC 9110, 10.1.5;
// RFC 2326, 12.41).
func HasProduct(agent, product string) bool {
	for one := range strings.FieldsSeq(agent) {
		if name, _, _ := strings.Cut(one, "/"); strings.EqualFold(name, product) {
			return true
		}
	}
	return false
}
