package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"
)

// bill takes a bill of materials as cyclonedx-gomod writes it, in CycloneDX's JSON, and
// writes it as it is published.
func bill(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	when, err := built()
	if err != nil {
		return err
	}
	if text, err = finishBill(text, when); err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// finishBill adds what the tool cannot know, the time of the sources and our licence,
// and takes out what differs from machine to machine, the hashes of the tool itself.
func finishBill(text []byte, when time.Time) ([]byte, error) {
	var b map[string]any
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	meta, ok := b["metadata"].(map[string]any)
	if !ok {
		return nil, errors.New("it has no metadata")
	}
	component, ok := meta["component"].(map[string]any)
	if !ok {
		return nil, errors.New("it does not say what it is of")
	}
	component["licenses"] = []any{map[string]any{"license": map[string]any{"id": "GPL-3.0-only"}}}
	meta["timestamp"] = when.Format(time.RFC3339)
	if tools, ok := meta["tools"].([]any); ok {
		for _, t := range tools {
			if t, ok := t.(map[string]any); ok {
				delete(t, "hashes")
			}
		}
	}
	out, err := json.MarshalIndent(b, "", "  ")
	return append(out, '\n'), err
}
