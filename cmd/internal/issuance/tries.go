package issuance

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What the CA is spared, however often the pump is started.
const (
	mostTries = 2
	triesIn   = time.Hour
)

// noteTry notes a failure, for the next start. That it cannot be noted is no more than
// a loss of that.
func noteTry(dir, domain string) {
	lines := append(failures(dir, domain), time.Now())
	var text strings.Builder
	for _, at := range lines[max(0, len(lines)-mostTries):] {
		text.WriteString(at.UTC().Format(time.RFC3339) + "\n")
	}
	_ = replaceFile(failedFile(dir, domain), []byte(text.String()))
}

// forgetTries forgets the failures of a name that has its certificate.
func forgetTries(dir, domain string) { _ = os.Remove(failedFile(dir, domain)) }

// nextTry is when the CA may be asked again; zero if it may be asked now.
func nextTry(dir, domain string) time.Time {
	all := failures(dir, domain)
	if len(all) < mostTries {
		return time.Time{}
	}
	at := all[len(all)-mostTries].Add(triesIn)
	if wait := time.Until(at); wait < 0 || wait > triesIn { // or the clock was wrong
		return time.Time{}
	}
	return at
}

// failures are the times that were noted, the newest last.
func failures(dir, domain string) (out []time.Time) {
	text, err := os.ReadFile(failedFile(dir, domain))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if at, err := time.Parse(time.RFC3339, strings.TrimSpace(line)); err == nil {
			out = append(out, at)
		}
	}
	return out
}

func failedFile(dir, domain string) string { return filepath.Join(dir, domain+".failed") }
