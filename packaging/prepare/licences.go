package main

import (
	"debug/buildinfo"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"streampump/packaging/licences"
)

// licenceTexts writes the licences of all that is linked into the binaries. What a
// binary says of itself is compared with what the go command lists, so that nothing
// is missing.
func licenceTexts(binaries []string) error {
	architectures, programs := map[string]bool{}, map[string]bool{}
	linked := map[string]string{}
	for _, name := range binaries {
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			return err
		}
		for _, s := range info.Settings {
			if s.Key == "GOARCH" {
				architectures[s.Value] = true
			}
		}
		programs[info.Path] = true
		for _, m := range info.Deps {
			if m.Replace != nil {
				return fmt.Errorf("%s: %s is replaced by %s, whose licence nobody looks for", name, m.Path, m.Replace.Path)
			}
			linked[m.Path] = m.Version
		}
	}
	parts, err := licences.Linked(".", slices.Sorted(maps.Keys(architectures)), slices.Sorted(maps.Keys(programs))...)
	if err != nil {
		return err
	}
	if missing := without(linked, parts); len(missing) > 0 {
		return fmt.Errorf("these are linked in, and there is no licence of them: %s", strings.Join(missing, ", "))
	}
	return licences.Write(os.Stdout, parts)
}

// without are the modules, with their versions, that are not among the parts.
func without(linked map[string]string, parts []licences.Part) (missing []string) {
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		if !slices.ContainsFunc(parts, func(p licences.Part) bool { return p.Name == path && p.Version == linked[path] }) {
			missing = append(missing, path+"@"+linked[path])
		}
	}
	return missing
}
