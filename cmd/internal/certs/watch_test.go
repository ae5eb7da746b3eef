package certs

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"streampump/internal/keypair"
	"streampump/internal/pki"
)

// moved puts a pair in the place of another one as programs do that are careful.
func moved(t *testing.T, p pair, dir, name string) {
	t.Helper()
	f := p.put(t, dir, "new")
	for from, to := range map[string]string{f.Cert: name + ".pem", f.Key: name + ".key"} {
		rename(t, from, filepath.Join(dir, to))
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name+".tmp"); err != nil {
		t.Fatal(err)
	}
	rename(t, name+".tmp", name)
}

// A renewal is found in every form in which tools make one, and so is the next one.
func TestRenewals(t *testing.T) {
	a := newCA(t)
	old := a.issue(90*day, "v1.example")
	for name, c := range map[string]struct {
		// prepare puts the old pair somewhere in a folder and says where; renew puts
		// another in its place, the nth.
		prepare func(t *testing.T, dir string) keypair.Files
		renew   func(t *testing.T, dir string, p pair, n string)
	}{
		"written_over": {
			func(t *testing.T, dir string) keypair.Files { return old.put(t, dir, "1") },
			func(t *testing.T, dir string, p pair, _ string) { p.put(t, dir, "1") },
		},
		"renamed_over": {
			func(t *testing.T, dir string) keypair.Files { return old.put(t, dir, "1") },
			func(t *testing.T, dir string, p pair, _ string) { moved(t, p, dir, "1") },
		},
		"folder_made_again": {
			func(t *testing.T, dir string) keypair.Files {
				mkdir(t, filepath.Join(dir, "sub"))
				return old.put(t, filepath.Join(dir, "sub"), "1")
			},
			func(t *testing.T, dir string, p pair, n string) {
				sub := filepath.Join(dir, "sub")
				rename(t, sub, sub+n)
				mkdir(t, sub)
				p.put(t, sub, "1")
			},
		},
		// live/1.pem → ../archive/v1.pem, and then ../archive/v2.pem.
		"certbot": {
			func(t *testing.T, dir string) keypair.Files {
				mkdir(t, filepath.Join(dir, "live"))
				mkdir(t, filepath.Join(dir, "archive"))
				old.put(t, filepath.Join(dir, "archive"), "v1")
				return linked(t, filepath.Join(dir, "live"), "../archive/v1")
			},
			func(t *testing.T, dir string, p pair, n string) {
				p.put(t, filepath.Join(dir, "archive"), n)
				linked(t, filepath.Join(dir, "live"), "../archive/"+n)
			},
		},
		// 1.pem → ..data/1.pem, and ..data → ..v1, and then ..v2.
		"kubernetes": {
			func(t *testing.T, dir string) keypair.Files {
				mkdir(t, filepath.Join(dir, "..v1"))
				old.put(t, filepath.Join(dir, "..v1"), "1")
				link(t, "..v1", filepath.Join(dir, "..data"))
				return linked(t, dir, "..data/1")
			},
			func(t *testing.T, dir string, p pair, n string) {
				mkdir(t, filepath.Join(dir, ".."+n))
				p.put(t, filepath.Join(dir, ".."+n), "1")
				link(t, ".."+n, filepath.Join(dir, "..data"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, j := open(t, c.prepare(t, dir))
			runs(t, s)
			j.await(t, "msg=certificate names=v1.example", 1)
			for _, n := range []string{"v2", "v3"} {
				c.renew(t, dir, a.issue(90*day, n+".example"), n)
				j.await(t, "read anew\" names="+n+".example", 1)
			}
			if lines := j.lines("refused"); len(lines) > 0 {
				t.Errorf("%q", lines)
			}
		})
	}
}

// linked makes dir/1.pem and dir/1.key links to the files of a pair.
func linked(t *testing.T, dir, target string) keypair.Files {
	t.Helper()
	f := keypair.Files{Cert: filepath.Join(dir, "1.pem"), Key: filepath.Join(dir, "1.key")}
	link(t, target+".pem", f.Cert)
	link(t, target+".key", f.Key)
	return f
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	mkdir(t, in("real"))
	write(t, in("real/file"), nil)
	link(t, "real", in("one"))
	link(t, in("one/file"), in("two"))
	link(t, "loop", in("loop"))
	for file, want := range map[string][]string{
		"real/file":         {in("real")},
		"one/file":          {dir, in("real")},
		"two":               {dir, dir, in("real")},
		"real/none":         {in("real")},
		"none/file":         {dir},
		"real/../real/file": {in("real")},
	} {
		if got := folders(in(file)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
	if got := folders(in("loop")); len(got) != maxLinks+1 {
		t.Errorf("a link to itself: %d folders", len(got))
	}
}

// virtual runs a store in virtual time, without reports of the file system but those
// that the test makes, while the test's function runs.
func virtual(t *testing.T, files func(*ca) []keypair.Files, test func(t *testing.T, a *ca, s *Store, j *journal, changed chan<- struct{})) {
	synctest.Test(t, func(t *testing.T) {
		a := newCA(t)
		s, j := open(t, files(a)...)
		ctx, end := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		go s.run(ctx, changed, func() {})
		synctest.Wait()
		test(t, a, s, j, changed)
		end()
	})
}

// A certificate and its key change one after the other. What lies between is not told
// unless it stays.
func TestHalfAPair(t *testing.T) {
	dir := t.TempDir()
	one := func(a *ca) []keypair.Files { return []keypair.Files{a.issue(90*day, "old.example").put(t, dir, "1")} }
	virtual(t, one, func(t *testing.T, a *ca, s *Store, j *journal, changed chan<- struct{}) {
		p := a.issue(90*day, "new.example")
		for _, half := range []string{"1.key", "1.pem"} {
			write(t, filepath.Join(dir, half), nil)
			changed <- struct{}{}
			time.Sleep(2 * settle)
		}
		if got := s.Snapshot()[0]; got.Problem != "" || got.Names[0] != "old.example" || len(j.lines("level=ERROR")) > 0 {
			t.Errorf("between: %+v\n%q", got, j.lines(""))
		}
		p.put(t, dir, "1")
		changed <- struct{}{}
		time.Sleep(2 * settle)
		if got := s.Snapshot()[0]; got.Names[0] != "new.example" || len(j.lines("level=ERROR")) > 0 {
			t.Errorf("behind: %+v\n%q", got, j.lines(""))
		}
	})
}

func TestPairThatStaysBad(t *testing.T) {
	dir := t.TempDir()
	one := func(a *ca) []keypair.Files { return []keypair.Files{a.issue(90*day, "old.example").put(t, dir, "1")} }
	virtual(t, one, func(t *testing.T, a *ca, s *Store, j *journal, changed chan<- struct{}) {
		old := read(t, filepath.Join(dir, "1.key"))
		write(t, filepath.Join(dir, "1.key"), a.issue(90*day, "x.example").key)
		changed <- struct{}{}
		for range 30 { // other things change in the folder all the time
			time.Sleep(patience / 10)
			changed <- struct{}{}
		}
		time.Sleep(3 * time.Hour)
		lines := j.lines("refused")
		if len(lines) != 1 || !strings.Contains(lines[0], "does not belong to the certificate") || !strings.Contains(lines[0], "names=old.example") {
			t.Errorf("%q", lines)
		}
		if got := s.Snapshot()[0]; got.Names[0] != "old.example" || !strings.Contains(got.Problem, "does not belong") {
			t.Errorf("%+v", got)
		}
		write(t, filepath.Join(dir, "1.key"), old) // and nobody reports it
		time.Sleep(every)
		synctest.Wait()
		if got := s.Snapshot()[0]; got.Problem != "" || len(j.lines("again those in use")) != 1 {
			t.Errorf("%+v\n%q", got, j.lines(""))
		}
	})
}

// A certificate whose time has not come waits for it, and needs nobody who reports
// that it has.
func TestPairThatIsNotYetValid(t *testing.T) {
	dir := t.TempDir()
	one := func(a *ca) []keypair.Files { return []keypair.Files{a.issue(90*day, "old.example").put(t, dir, "1")} }
	virtual(t, one, func(t *testing.T, a *ca, s *Store, j *journal, changed chan<- struct{}) {
		c := a.Issue(func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Hour)
			c.NotAfter = c.NotBefore.Add(90 * day)
		}, "new.example")
		pair{pki.CertPEM(c), pki.KeyPEM(t, c)}.put(t, dir, "1")
		changed <- struct{}{}
		time.Sleep(50 * time.Minute)
		if got := s.Snapshot()[0]; got.Names[0] != "old.example" || !strings.Contains(got.Problem, "is not valid before") || len(j.lines("refused")) != 1 {
			t.Errorf("%+v\n%q", got, j.lines(""))
		}
		time.Sleep(10*time.Minute + every)
		synctest.Wait()
		if got := s.Snapshot()[0]; got.Names[0] != "new.example" || got.Problem != "" {
			t.Errorf("%+v", got)
		}
	})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// From 14 days before the end on there is a warning each day, and at the end an error.
func TestWarningsBeforeTheEnd(t *testing.T) {
	dir := t.TempDir()
	var p pair
	one := func(a *ca) []keypair.Files {
		p = a.issue(43*day, "pump.example")
		return []keypair.Files{p.put(t, dir, "1")}
	}
	virtual(t, one, func(t *testing.T, a *ca, s *Store, j *journal, _ chan<- struct{}) {
		time.Sleep(29*day - time.Hour)
		if lines := j.lines("level=WARN"); len(lines) > 0 {
			t.Errorf("too early: %q", lines)
		}
		time.Sleep(2 * time.Hour)
		if lines := j.lines("level=WARN"); len(lines) != 1 || !strings.Contains(lines[0], `msg="the certificate expires in 13 days" names=pump.example issuer="Trust R1"`) || !strings.Contains(lines[0], "days=13") {
			t.Errorf("%q", lines)
		}
		time.Sleep(14*day - 90*time.Minute) // half an hour is left
		if lines := j.lines("level=WARN"); len(lines) != 14 || !strings.Contains(lines[13], "expires in 23 hours") {
			t.Errorf("%d warnings: %q", len(lines), lines)
		}
		if lines := j.lines("level=ERROR"); len(lines) > 0 {
			t.Errorf("too early: %q", lines)
		}
		time.Sleep(time.Hour)
		if lines := j.lines("level=ERROR"); len(lines) != 1 || !strings.Contains(lines[0], "expired on 2000-02-13 00:00 UTC") || !strings.Contains(lines[0], "days=-1") {
			t.Errorf("%q", lines)
		}
		time.Sleep(2 * day)
		if lines := j.lines("level=ERROR"); len(lines) != 3 {
			t.Errorf("%q", lines)
		}
		a.issue(90*day, "pump.example").put(t, dir, "1")
		time.Sleep(2 * day)
		if lines := j.lines("level="); len(lines) != 14+3+1 {
			t.Errorf("after the renewal: %q", lines)
		}
	})
}

// A CA whose certificates live for hours has them renewed within hours.
func TestWorryOfShortLives(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		life, left time.Duration
		want       string
	}{
		{90 * day, 15 * day, ""},
		{90 * day, 14*day - 1, "the certificate expires in 13 days"},
		{90 * day, 25 * time.Hour, "the certificate expires in 1 day"},
		{90 * day, 90 * time.Minute, "the certificate expires in 1 hour"},
		{day, 9 * time.Hour, ""},
		{day, 7 * time.Hour, "the certificate expires in 7 hours"},
	} {
		end := now.Add(c.left)
		got, ended := Certificate{NotBefore: end.Add(-c.life), NotAfter: end}.Worry(now)
		if got != c.want || ended {
			t.Errorf("%v of %v: %q, %v, want %q", c.left, c.life, got, ended, c.want)
		}
	}
	if got, ended := (Certificate{NotBefore: now.Add(time.Hour), NotAfter: now.Add(90 * day)}).Worry(now); !strings.Contains(got, "is not valid before") || ended {
		t.Errorf("%q, %v", got, ended)
	}
	if got, ended := (Certificate{}).Worry(now); got != "" || ended {
		t.Errorf("none yet: %q, %v", got, ended)
	}
}
