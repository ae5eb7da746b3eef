package rtmp

import (
	"testing"

	"streampump/e2e/rig"
)

func TestMain(m *testing.M) {
	rig.Parallel(8) // rows wait for the pump
	rig.Main(m)
}
