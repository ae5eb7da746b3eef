package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var nan, inf = math.NaN(), math.Inf(1)

// sample is a page with one of everything, whose texts begin with the given one.
func sample(text string) *Page {
	return &Page{
		Title: text + "title", Verdict: text + "verdict", Mark: Bad,
		Headline: []Figure{{text + "delay", "36.1", "ms", text + "of 9 packets", ""}, {"lost", "0", "", "", Good}},
		Sections: []Section{
			{Title: text + "course", Text: text + "paragraph", Plots: []Plot{{
				Title: text + "delay", X: text + "s", Y: text + "ms", Log: true,
				Series: []Series{
					{Name: text + "p50", X: []float64{1, 2, 4}, Y: []float64{10, nan, 0.25}},
					{Name: text + "p99", X: []float64{1, 3}, Y: []float64{inf, 0}},
				},
				Events: []Event{{2, text + "measured"}},
			}, {
				Title: text + "cost", X: "viewers", Y: "cores", Kind: Points,
				Series: []Series{{Name: "pump", X: []float64{100, 1000}, Y: []float64{1, 2}, Low: []float64{0.5, 1}, High: []float64{1.5, 3}}},
			}, {
				Title: text + "nothing", X: "s", Y: "MB",
				Series: []Series{{Name: "rss", X: []float64{1}, Y: []float64{nan}}},
			}}},
			{Title: "table", Table: &Table{
				Head: []string{text + "viewers", "verdict"},
				Rows: [][]Cell{{{text + "100", true, Plain}, {"too late", false, Bad}}},
			}},
		},
		Facts: []Fact{{text + "kernel", text + "6.1"}},
	}
}

func written(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPiecesOfAPage(t *testing.T) {
	got := written(t, sample(""))
	for _, want := range []string{
		"<!doctype html>\n<html lang=\"en\">",
		"<title>title</title>",
		"<h1>title</h1>\n<p class=\"verdict bad\">verdict</p>",
		`<div><dt>delay</dt><dd>36.1 <small>ms</small></dd><dd class="note">of 9 packets</dd></div>`,
		`<div class="good"><dt>lost</dt><dd>0</dd></div>`,
		"<h2>course</h2>\n<p>paragraph</p>",
		"<figcaption>delay <span>ms, logarithmic</span></figcaption>\n<div class=\"canvas\" data-plot=\"0\" role=\"img\" aria-label=\"delay, ms\"></div>",
		"<figcaption>cost <span>cores</span></figcaption>\n<div class=\"canvas\" data-plot=\"1\"",
		"<figcaption>nothing <span>MB</span></figcaption>\n<p class=\"empty\">Nothing was measured.</p>",
		`<thead><tr><th scope="col" class="number">s</th><th scope="col" class="number">p50</th><th scope="col" class="number">p99</th></tr></thead>` + "\n<tbody>\n" +
			`<tr><td class="number">1</td><td class="number">10</td><td class="number"></td></tr>` + "\n" +
			`<tr><td class="number">2</td><td class="number"></td><td></td></tr>` + "\n" +
			`<tr><td class="number">3</td><td></td><td class="number">0</td></tr>` + "\n" +
			`<tr><td class="number">4</td><td class="number">0.25</td><td></td></tr>`,
		`<td class="number">1 (0.5–1.5)</td>`,
		`<th scope="col" class="number">viewers</th><th scope="col">verdict</th>`,
		`<tr><td class="number">100</td><td class="bad">too late</td></tr>`,
		"<div><dt>kernel</dt><dd>6.1</dd></div>",
		"Copyright (c) 2022 Leon Sorokin",
		"var uPlot=",
		"prefers-color-scheme: dark",
		"@media print",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`).ReplaceAllString(got, ""))
	}
}

var dataPattern = regexp.MustCompile(`(?s)<script type="application/json" id="plots">(.*?)</script>`)

// carried is the plots' numbers as the page's script gets them.
func carried(t *testing.T, page string) []map[string]any {
	t.Helper()
	m := dataPattern.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page carries no numbers")
	}
	var plots []map[string]any
	if err := json.Unmarshal([]byte(m[1]), &plots); err != nil {
		t.Fatalf("%v in %s", err, m[1])
	}
	return plots
}

// What is no number is a gap, and so is what a logarithm does not have.
func TestGapsAreNull(t *testing.T) {
	plots := carried(t, written(t, sample("")))
	if len(plots) != 2 {
		t.Fatalf("%d plots are drawn", len(plots))
	}
	series := plots[0]["Series"].([]any)
	for i, want := range [][]any{{10.0, nil, 0.25}, {nil, nil}} {
		if got := series[i].(map[string]any)["Y"]; !reflect.DeepEqual(got, want) {
			t.Errorf("series %d is %v, want %v", i, got, want)
		}
	}
	band := plots[1]["Series"].([]any)[0].(map[string]any)
	if !reflect.DeepEqual(band["Low"], []any{0.5, 1.0}) || !reflect.DeepEqual(band["High"], []any{1.5, 3.0}) {
		t.Errorf("the band is %v", band)
	}
}

// hostile are texts that would do something if they were taken for HTML or for
// a script.
var hostile = []string{
	`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'--><b>`, `<!--<script>`,
	"\u2028alert(1)//", `{{.Title}}`, `</style><style>*{display:none}`, `javascript:alert(1)`, "\x00\xff<b>",
}

// tags are what a browser sees of a page's structure, attributes included,
// without those that repeat a text.
func tags(page string) []string {
	all := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`).FindAllString(page, -1)
	for i, tag := range all {
		all[i] = regexp.MustCompile(` aria-label="[^"]*"`).ReplaceAllString(tag, "")
	}
	return all
}

func TestHostileTextStaysText(t *testing.T) {
	want := tags(written(t, sample("")))
	for _, text := range hostile {
		page := written(t, sample(text))
		if got := tags(page); !slices.Equal(got, want) {
			t.Errorf("%q changes the page's tags", text)
		}
		name := carried(t, page)[0]["Series"].([]any)[0].(map[string]any)["Name"]
		if want := strings.ToValidUTF8(text, "\ufffd") + "p50"; name != want {
			t.Errorf("%q arrives at the plot as %q", text, name)
		}
	}
}

// The page asks for nothing: not even the licence's address is more than text.
func TestPageNeedsNoNetwork(t *testing.T) {
	page := written(t, sample(""))
	banner := "/*! https://github.com/leeoniya/uPlot (v1.6.32) */"
	if strings.Count(page, banner) != 1 {
		t.Errorf("the page does not name uPlot as %q", banner)
	}
	page = strings.Replace(page, banner, "", 1)
	for _, asks := range []string{`https?:`, `url\(`, `@import`, `\ssrc\s*=`, `\shref\s*=`, `<link`, `<iframe`, `<form`, `fetch\(`, `XMLHttpRequest`, `WebSocket`, `EventSource`, `sendBeacon`, `\bimport\b`} {
		if at := regexp.MustCompile(asks).FindString(page); at != "" {
			t.Errorf("the page has %q", at)
		}
	}
	if policy := `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`; !strings.Contains(page, policy) {
		t.Errorf("the page's policy is not %s", policy)
	}
}

func TestPageWithoutPlotsHasNoScript(t *testing.T) {
	for _, p := range []*Page{{}, {Title: "x", Sections: []Section{{Title: "y", Plots: []Plot{{Title: "z", X: "s", Y: "ms"}}}}}} {
		page := written(t, p)
		for _, part := range []string{"<script", "uPlot", "<h2>Where"} {
			if strings.Contains(page, part) {
				t.Errorf("%+v has %s", p, part)
			}
		}
		if got := strings.Contains(page, "Nothing was measured."); got != (len(p.Sections) > 0) {
			t.Errorf("%+v says that nothing was measured: %v", p, got)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	series := func(s Series) Section {
		s.Name = "s"
		return Section{Title: "t", Plots: []Plot{{Title: "p", Series: []Series{s}}}}
	}
	for _, c := range []struct {
		section Section
		want    string
	}{
		{series(Series{X: []float64{1}}), `plot "p": series "s" has 0 values for 1 places`},
		{series(Series{X: []float64{1, 1}, Y: []float64{1, 2}}), `series "s": the place 1 does not come after the one before`},
		{series(Series{X: []float64{nan}, Y: []float64{1}}), `the place NaN does not come`},
		{series(Series{X: []float64{1, inf}, Y: []float64{1, 1}}), `the place +Inf does not come`},
		{series(Series{X: []float64{1}, Y: []float64{1}, Low: []float64{1}}), `has 1 values, and a band of 1 to 0`},
		{series(Series{X: []float64{1}, Y: []float64{1}, Low: []float64{1, 2}, High: []float64{1, 2}}), `and a band of 2 to 2`},
		{Section{Plots: []Plot{{Events: []Event{{nan, "e"}}}}}, `the event "e" is nowhere`},
		{Section{Title: "t", Table: &Table{Head: []string{"a"}, Rows: [][]Cell{{}}}}, `section "t": row 1 of the table has 0 cells, and its head 1`},
	} {
		var b bytes.Buffer
		err := Write(&b, &Page{Sections: []Section{c.section}})
		if err == nil || !strings.Contains(err.Error(), c.want) || b.Len() != 0 {
			t.Errorf("got %v and %d bytes, want an error with %q", err, b.Len(), c.want)
		}
	}
}

// full is a disk that is.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFailingWriter(t *testing.T) {
	if err := Write(full{}, sample("")); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.25: "0.25", 1.5: "1.5", 36.125: "36.12", 123456.7: "123457", 1200: "1200", -2.5: "-2.5",
		1e-9: "0", 9.9999999: "10", 1e12: "1000000000000", inf: "", -inf: "",
	} {
		if got := format(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	if got := format(nan); got != "" {
		t.Errorf("NaN is %q", got)
	}
}

// The library is as its authors released it, and goes into other people's pages:
// whoever changes it says so here.
func TestLibraryIsTheReleasedOne(t *testing.T) {
	for name, want := range map[string]string{
		"uplot/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
		"uplot/uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
	} {
		sum := sha256.Sum256([]byte(text(name)))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has the SHA-256 %s, want %s", name, got, want)
		}
	}
}
