package report

// Mark says how good a thing is.
type Mark string

// The marks.
const (
	Plain Mark = ""
	Good  Mark = "good"
	Bad   Mark = "bad"
)

// Page is a report. All of it is text, and empty parts are left out.
type Page struct {
	Title string
	// Verdict is one sentence: what came of it, or why it failed. Mark is its.
	Verdict string
	Mark    Mark
	// Headline is the few numbers that matter.
	Headline []Figure
	Sections []Section
	// Facts are where and with what it was measured.
	Facts []Fact
}

// Figure is a number of the headline.
type Figure struct {
	Name  string
	Value string
	Unit  string
	Note  string // what it is of, in a few words
	Mark  Mark
}

// Fact is one thing that was recorded with the result.
type Fact struct{ Name, Value string }

// Section is a part of a page under a title of its own: text, plots, a table,
// of which each may be absent.
type Section struct {
	Title string
	Text  string // a paragraph
	Plots []Plot
	Table *Table
}

// Table is a table. Its rows have as many cells as the head, and where no column
// has a name the head is not shown.
type Table struct {
	Head []string
	Rows [][]Cell
}

// Cell is a cell of a table.
type Cell struct {
	Text   string
	Number bool // aligned to the right
	Mark   Mark
}

// Kind is how the series of a plot are drawn.
type Kind int

// The kinds.
const (
	Lines  Kind = iota
	Points      // and lines between them
)

// Plot is a plot of series over a common axis.
type Plot struct {
	Title  string
	X, Y   string // what the axes show, with units
	Log    bool   // the Y axis is logarithmic; what is not above 0 is a gap then
	Kind   Kind
	Series []Series
	Events []Event
}

// Series is a row of values over a plot's X axis.
type Series struct {
	Name string
	X    []float64 // ascending, all of them finite
	Y    []float64 // one for each X; what is not finite is a gap
	// Low and High, if there are any, are a band about Y, such as the spread of
	// several runs; both have as many values as Y, and the same gaps.
	Low, High []float64
}

// Event is a moment on the X axis at which something began.
type Event struct {
	At   float64
	Name string
}
