package tuning

import (
	"slices"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	for text, want := range map[string][]int{
		"":               nil,
		"0":              {0},
		"0-3\n":          {0, 1, 2, 3},
		"8,0-1,10-11,1":  {0, 1, 8, 10, 11},
		"8190-8191":      {8190, 8191},
		"0-1,4-5,8-9,12": {0, 1, 4, 5, 8, 9, 12},
	} {
		got, err := parseList(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a", "1-", "-1", "3-1", "0,,1", "0-8192", "99999999999", "0-8191,0-8191,0-8191", "1 2"} {
		if got, err := parseList(text); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

func TestParseMask(t *testing.T) {
	for text, want := range map[string][]int{
		"0":                 nil,
		"00000000,00000000": nil,
		"3\n":               {0, 1},
		"00000001,80000003": {0, 1, 31, 32},
	} {
		got, err := parseMask(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "g", "100000000", "1,,1", strings.Repeat("0,", 300) + "1"} {
		if got, err := parseMask(text); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}

// What is written can be read, and says the same.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"", "0", "0-3,8", "1-0", "8191", "0-8191,1", "x", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cpus, err := parseList(text)
		if err != nil {
			return
		}
		again, err := parseList(listText(cpus))
		if err != nil || !slices.Equal(again, cpus) {
			t.Errorf("%q is %v, written %q, read %v, %v", text, cpus, listText(cpus), again, err)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"0", "3", "00000001,80000003", "ffffffff,ffffffff,0", ",", "zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cpus, err := parseMask(text)
		if err != nil {
			return
		}
		again, err := parseMask(maskText(cpus))
		if err != nil || !slices.Equal(again, cpus) {
			t.Errorf("%q is %v, written %q, read %v, %v", text, cpus, maskText(cpus), again, err)
		}
	})
}

// The texts of /proc that are read line by line: nothing in them may be more
// than a mistake.
func FuzzProc(f *testing.F) {
	for _, seed := range []string{
		"Max open files            1024                 524288               files\n",
		"Max open files            1024                 unlimited            files\n",
		"00000001 00000002 0000000a 00000000\n00000001 00000000 00000001\n",
		" 38:          0       5923 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n",
		"131072 1MiB 2GiB off", "always [madvise] never",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if hard, err := parseLimits(text); err == nil && hard > unlimited {
			t.Errorf("a limit of %d", hard)
		}
		if sum, err := parseSoftnet(text); err != nil && sum != (arrivals{}) {
			t.Errorf("%+v with %v", sum, err)
		}
		for _, irq := range interrupts(text, Interface{Name: "eth0", Device: "virtio2"}) {
			if irq < 0 {
				t.Errorf("interrupt %d", irq)
			}
		}
		if n, ok := parseSize(text); ok && n < 0 {
			t.Errorf("a size of %d", n)
		}
		if word, ok := chosen(text); ok && (word == "" || !strings.Contains(text, "["+word+"]")) {
			t.Errorf("%q was chosen", word)
		}
	})
}
