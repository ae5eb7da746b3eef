package main

import (
	"strings"
	"testing"
	"time"

	"streampump/packaging/licences"
)

func TestDebianVersion(t *testing.T) {
	for in, want := range map[string]string{
		"v1.2.3":                  "1.2.3",
		"v1.2.3-rc1":              "1.2.3~rc1",
		"v1.2.3-rc.1":             "1.2.3~rc.1",
		"v1.2.3-5-g0abc123":       "1.2.3+5.g0abc123",
		"v1.2.3-rc1-5-g0abc123":   "1.2.3~rc1+5.g0abc123",
		"v1.2.3-5-g0abc123-dirty": "1.2.3+5.g0abc123+dirty",
		"0.1.0-dev":               "0.1.0~dev",
		"0.1.0-dev-812-g0abc123":  "0.1.0~dev+812.g0abc123",
		"v1.2.3-dirty":            "1.2.3+dirty",
	} {
		if got, err := debianVersion(in); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "main", "v1.2", "v1.2.3 ", "v1.2.3_4", "v1.2.3-$(x)"} {
		if got, err := debianVersion(in); err == nil {
			t.Errorf("%q is taken for %s", in, got)
		}
	}
}

func TestLinkedModuleWithoutLicenceIsFound(t *testing.T) {
	parts := []licences.Part{{Name: "a", Version: "v1"}, {Name: "b", Version: "v1"}}
	got := without(map[string]string{"a": "v1", "b": "v2", "c": "v1"}, parts)
	if want := "b@v2 c@v1"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFinishBill(t *testing.T) {
	const from = `{"metadata": {"tools": [{"name": "x", "hashes": [1]}], "component": {"name": "y"}}, "components": []}`
	const want = `{
  "components": [],
  "metadata": {
    "component": {
      "licenses": [
        {
          "license": {
            "id": "GPL-3.0-only"
          }
        }
      ],
      "name": "y"
    },
    "timestamp": "1970-01-01T00:00:00Z",
    "tools": [
      {
        "name": "x"
      }
    ]
  }
}
`
	if got, err := finishBill([]byte(from), time.Unix(0, 0).UTC()); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	for _, bad := range []string{"", "{}", `{"metadata": {}}`} {
		if _, err := finishBill([]byte(bad), time.Time{}); err == nil {
			t.Errorf("%q is taken for a bill", bad)
		}
	}
}

func TestMistakesAreTold(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	for want, args := range map[string][]string{
		"prepare notes VERSION":        nil,
		"prepare sbom FILE":            {"other", "x"},
		"is no version such as v1.2.3": {"version", "x"},
		"SOURCE_DATE_EPOCH":            {"sbom", "main_test.go"},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
