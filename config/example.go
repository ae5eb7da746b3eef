package config

import _ "embed" // for the example

//go:embed example.json
var example string

// Example is a commented configuration that runs as it stands: one stream
// for an encoder. Lines that begin with // and a quote or bracket without a
// space between show every other key, settings with their default.
func Example() string { return example }
