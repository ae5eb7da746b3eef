//go:build e2e

package e2e

import (
	"testing"

	"streampump/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
