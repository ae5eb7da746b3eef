package main

import "testing"

func TestShares(t *testing.T) {
	var s shares
	for _, text := range []string{"live=3,clip=1", "clip=0"} {
		if err := s.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.String(), "clip=0,live=3"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, text := range []string{"", "live", "live=", "live=x", "=1", "live=1,", "live=1.5"} {
		if err := s.Set(text); err == nil || err.Error() != "the shares are written as PATH=PARTS,…, such as live=3,clip=1" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
