package reason

import (
	"slices"
	"testing"
)

func TestEveryReasonHasItsRow(t *testing.T) {
	var names []string
	for r := range Count {
		info := r.Info()
		if info.Name == "" || info.Text == "" || slices.Contains(names, info.Name) {
			t.Errorf("reason %d: %+v", r, info)
		}
		names = append(names, info.Name)
	}
}
