package streampump_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxLines is where a file is certainly more than one thing.
const maxLines = 600

// drawers are names that say nothing of what is in a package, so that anything
// ends up there.
var drawers = []string{"util", "utils", "common", "helper", "helpers", "base", "types", "defs", "misc", "shared", "lib"}

// clocks are the functions of package time that read or wait for the clock.
// Codecs get the time as an argument.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// source is one parsed Go file.
type source struct {
	path string // slashes, from the module's root
	set  *token.FileSet
	file *ast.File
}

// at is the place of a node, as an editor takes it.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

func (s source) isTest() bool  { return strings.HasSuffix(s.path, "_test.go") }
func (s source) isCodec() bool { return strings.HasPrefix(s.path, "codec/") }

func (s source) imports(path string) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(path) })
}

// sourceRules are checked on every Go file. Each returns what it found, one
// sentence per place.
var sourceRules = []struct {
	name  string
	check func(source) []string
}{
	{"NoInit", checkInit},
	{"CodecHasNoGoroutine", checkGoroutines},
	{"CodecHasNoClock", checkClocks},
	{"TestsDoNotSleep", checkSleeps},
	{"TestNamesHaveNoSpaces", checkTestNames},
	{"NoDrawers", checkPackageName},
	{"FilesAreShort", checkLength},
	{"ExportedIsDocumented", checkDocs},
	{"CertificatesAreVerified", checkVerified},
}

func TestSource(t *testing.T) {
	files := readSources(t)
	for _, rule := range sourceRules {
		t.Run(rule.name, func(t *testing.T) {
			for _, s := range files {
				for _, problem := range rule.check(s) {
					t.Error(problem)
				}
			}
		})
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range readSources(t) {
		folder := filepath.Dir(s.path)
		documented[folder] = documented[folder] || s.file.Doc != nil
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment", folder)
		}
	}
}

func TestSourceRulesCatch(t *testing.T) {
	cases := []struct{ name, path, text, want string }{
		{"Init", "engine/a.go", "package engine\nfunc init() {}", "a.go:2: an init function"},
		{"Goroutine", "codec/a/a.go", "package a\nfunc f() {\n\tgo f()\n}", "a.go:3: a goroutine"},
		{"Clock", "codec/a/a.go", "package a\nimport \"time\"\nvar t = time.Now()", "a.go:3: time.Now"},
		{"Sleep", "engine/a_test.go", "package engine\nimport \"time\"\nfunc f() { time.Sleep(1) }", "a_test.go:3: a test that sleeps"},
		{"Spaces", "engine/a_test.go", "package engine\nfunc f() { t.Run(\"a b\", nil) }", "a_test.go:2: a test name with a space"},
		{"Drawer", "util/a.go", "package util", "package util"},
		{"Long", "engine/a.go", "package engine" + strings.Repeat("\n", maxLines+1), "more than 600 lines"},
		{"Function", "engine/a.go", "package engine\nfunc F() {}", "a.go:2: F is not documented"},
		{"Method", "engine/a.go", "package engine\n// T is.\ntype T struct{}\nfunc (t *T) M() {}", "a.go:4: M is not documented"},
		{"Type", "engine/a.go", "package engine\ntype T struct{}", "a.go:2: T is not documented"},
		{"Unverified", "engine/a.go", "package engine\nvar c = tls.Config{\n\tInsecureSkipVerify: true,\n}", "a.go:3: InsecureSkipVerify"},
		{"Constant", "engine/a.go", "package engine\nconst (\n\tA = 1\n)", "a.go:3: A is not documented"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := parseSource(t, c.path, c.text)
			var got []string
			for _, rule := range sourceRules {
				got = append(got, rule.check(s)...)
			}
			if !strings.Contains(strings.Join(got, "\n"), c.want) {
				t.Errorf("got %q, want a problem with %q", got, c.want)
			}
		})
	}
}

// readSources parses every Go file of the module, whatever its build tags.
func readSources(t *testing.T) []source {
	t.Helper()
	var files []source
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".go") {
			files = append(files, parseSource(t, path, nil))
		}
	})
	return files
}

func parseSource(t *testing.T, path string, text any) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.FromSlash(path), text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path, set, file}
}

// walk calls f with every file of the tree, as git would see it: without its
// own folder and what is built.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "dist"}, path):
			return filepath.SkipDir
		case path == ".git": // a file in a second working tree
		case d.Type().IsRegular():
			f(filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkInit(s source) []string {
	return s.find(func(n ast.Node) string {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			return "an init function: pass the value in from cmd"
		}
		return ""
	})
}

func checkGoroutines(s source) []string {
	if !s.isCodec() || s.isTest() {
		return nil
	}
	return s.find(func(n ast.Node) string {
		switch n.(type) {
		case *ast.GoStmt:
			return "a goroutine: a session is used by one goroutine at a time, the engine's"
		case *ast.ChanType, *ast.SelectStmt:
			return "a channel: a codec answers by value"
		}
		return ""
	})
}

func checkClocks(s source) []string {
	if !s.isCodec() || s.isTest() {
		return nil
	}
	return s.find(func(n ast.Node) string {
		if name := timeFunction(n); slices.Contains(clocks, name) {
			return "time." + name + ": time comes in as an argument"
		}
		return ""
	})
}

// checkSleeps leaves out the end-to-end tests, whose peers have clocks of
// their own, and tests under synctest, where the sleep is virtual.
func checkSleeps(s source) []string {
	if !s.isTest() || strings.HasPrefix(s.path, "e2e/") || s.imports("testing/synctest") {
		return nil
	}
	return s.find(func(n ast.Node) string {
		if timeFunction(n) == "Sleep" {
			return "a test that sleeps: wait for the event itself, or use testing/synctest"
		}
		return ""
	})
}

// timeFunction is the name in time.Name; "" for any other node.
func timeFunction(n ast.Node) string {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "time" {
		return ""
	}
	return sel.Sel.Name
}

// checkTestNames keeps names such that go test -run takes them as they are.
func checkTestNames(s source) []string {
	if !s.isTest() {
		return nil
	}
	return s.find(func(n ast.Node) string {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return ""
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Run" {
			return ""
		}
		if name, ok := call.Args[0].(*ast.BasicLit); ok && strings.Contains(name.Value, " ") {
			return "a test name with a space: " + name.Value
		}
		return ""
	})
}

// checkVerified leaves out tests, and bench, which looks at no certificate because it
// measures servers of its own.
func checkVerified(s source) []string {
	if s.isTest() || strings.HasPrefix(s.path, "bench/") {
		return nil
	}
	return s.find(func(n ast.Node) string {
		if name, ok := n.(*ast.Ident); ok && name.Name == "InsecureSkipVerify" {
			return "InsecureSkipVerify: whoever needs another authority names it"
		}
		return ""
	})
}

func checkPackageName(s source) []string {
	if slices.Contains(drawers, s.file.Name.Name) {
		return []string{s.path + ": package " + s.file.Name.Name + ": name it for what it holds"}
	}
	return nil
}

func checkLength(s source) []string {
	if n := s.set.File(s.file.FileStart).LineCount(); n > maxLines {
		return []string{fmt.Sprintf("%s: more than %d lines: split it by what it does", s.path, maxLines)}
	}
	return nil
}

// find walks the file and collects what f says of its nodes, with the place.
func (s source) find(f func(ast.Node) string) []string {
	var problems []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		if what := f(n); what != "" {
			problems = append(problems, s.at(n)+": "+what)
		}
		return true
	})
	return problems
}

// checkDocs wants a comment at every exported identifier at the top level. A
// group of constants or variables may have one for all.
func checkDocs(s source) []string {
	if s.isTest() || s.file.Name.Name == "main" {
		return nil
	}
	var problems []string
	missing := func(name *ast.Ident) {
		if name.IsExported() {
			problems = append(problems, s.at(name)+": "+name.Name+" is not documented")
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && exportedReceiver(d) {
				missing(d.Name)
			}
		case *ast.GenDecl:
			for _, name := range undocumented(d) {
				missing(name)
			}
		}
	}
	return problems
}

// exportedReceiver reports whether others can call f at all.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}

// undocumented are the names of a declaration that have no comment of their
// own, behind them, or on the group.
func undocumented(d *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if d.Doc == nil && spec.Doc == nil {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				names = append(names, spec.Names...)
			}
		}
	}
	return names
}
