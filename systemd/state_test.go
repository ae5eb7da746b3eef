package systemd

import (
	"os"
	"strings"
	"testing"
)

// The folder that the README gives for automatic certificates is the one that systemd
// makes for the pump, for its user alone.
func TestUnitMakesTheFolderOfTheReadme(t *testing.T) {
	u := readUnit(t, unitFile)
	text, err := os.ReadFile("../README.md")
	if folder := "/var/lib/" + u.one(t, "Service.StateDirectory"); err != nil || !strings.Contains(string(text), `"folder": "`+folder+`"`) {
		t.Errorf("README.md does not put certificates into %s (%v)", folder, err)
	}
	if mode := u.one(t, "Service.StateDirectoryMode"); mode != "0700" {
		t.Errorf("its mode is %s", mode)
	}
}
