package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html page.css page.js uplot
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{"class": class, "named": named, "numeric": numeric}).ParseFS(files, "page.html"))

// named reports whether any column has a name.
func named(head []string) bool {
	return slices.ContainsFunc(head, func(name string) bool { return name != "" })
}

// numeric reports whether a column is one of numbers, as its first row has it.
func numeric(t *Table, column int) bool { return len(t.Rows) > 0 && t.Rows[0][column].Number }

// class is how a cell looks.
func class(c Cell) string {
	if !c.Number {
		return string(c.Mark)
	}
	return strings.TrimSpace("number " + string(c.Mark))
}

// view is a page as the template takes it.
type view struct {
	*Page
	Style  template.CSS
	Plots  template.JS // JSON
	Script template.JS
	Parts  []part
}

// part is a section as the template takes it.
type part struct {
	*Section
	Figures []figure
}

// figure is a plot's place in the page.
type figure struct {
	*Plot
	Number  int    // among the plots that are drawn; -1: it is empty
	Numbers *Table // what it shows
}

// Write writes a page. It fails if w does, and if the page contradicts itself:
// rows of different lengths, an X axis that goes back.
func Write(w io.Writer, p *Page) error {
	v := view{Page: p}
	var drawn []plotJSON
	for i := range p.Sections {
		s := &p.Sections[i]
		if err := s.Table.check(); err != nil {
			return fmt.Errorf("report: section %q: %w", s.Title, err)
		}
		it := part{Section: s}
		for j := range s.Plots {
			plot := &s.Plots[j]
			if err := plot.check(); err != nil {
				return fmt.Errorf("report: plot %q: %w", plot.Title, err)
			}
			f := figure{plot, -1, plot.numbers()}
			if !plot.empty() {
				f.Number = len(drawn)
				drawn = append(drawn, plot.json(i))
			}
			it.Figures = append(it.Figures, f)
		}
		v.Parts = append(v.Parts, it)
	}
	plots, err := json.Marshal(drawn) // which escapes what could end a script
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	v.Plots = template.JS(plots)
	v.dress(len(drawn) > 0)
	var b bytes.Buffer // so that a failure leaves no half of a page
	if err := page.Execute(&b, v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// dress adds style and script: that of the plots only where there are some.
func (v *view) dress(plots bool) {
	v.Style = template.CSS(text("page.css"))
	if !plots {
		return
	}
	v.Style = template.CSS(text("uplot/uPlot.min.css")) + v.Style
	v.Script = template.JS("/*\n" + text("uplot/LICENSE") + "\n*/\n" + text("uplot/uPlot.iife.min.js") + "\n" + text("page.js"))
}

// text is an embedded file, which is there or the program does not build.
func text(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// check wants rows as long as the head.
func (t *Table) check() error {
	if t == nil {
		return nil
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Head) {
			return fmt.Errorf("row %d of the table has %d cells, and its head %d", i+1, len(row), len(t.Head))
		}
	}
	return nil
}
