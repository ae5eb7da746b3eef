package rtsp

import (
	"testing"

	"streampump/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
